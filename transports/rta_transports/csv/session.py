"""One round of a file as a session: what is reported of it, and when. Plain code: it is told the time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePath

from rta.ports import CloseSession, OpenSession, SessionBurst
from rta.wire import ConfigBinding, SessionModel, SessionState, TimeRange, pack_items, write_session
from rta.wire.burst import Data
from rta.wire.session_json import TimeRangeModel
from rta_transports.csv.header import CsvColumn
from rta_transports.csv.items import periodic_items, row_items, timestamped_items
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.table import Row
from rta_transports.csv.timeline import Due, Timeline
from rta_transports.csv.times import EPOCH

__all__ = ["CsvSession"]


class CsvSession:
    """What a round reports: `begin`, the bursts of what `timeline` says is due, `end`."""

    def __init__(
        self,
        options: CsvOptions,
        columns: Sequence[CsvColumn],
        configuration: str,
        first: int,
        now: int,
        new_identity: str,
    ) -> None:
        """The configuration's identifier, the time of the first row, and now, ns since the Unix epoch."""
        self.identity = options.identity or new_identity
        self._options = options
        self._columns = columns
        self._configuration = configuration
        self._start = now if options.origin == "start" else first
        self._span = TimeRange(self._start, self._start)
        self.timeline = Timeline(first, self._start, options.speed, options.burst_interval)

    def begin(self) -> OpenSession:
        """Before the first row."""
        return OpenSession(self.identity, self._json(SessionState.OPEN))

    def bursts(self, due: Due) -> list[SessionBurst]:
        """The rows of one moment; the time range is in the last burst."""
        self._span = due.span
        return [SessionBurst(self.identity, burst) for burst in pack_items(self._items(due.rows), due.span)]

    def end(self) -> CloseSession:
        """After the last row."""
        return CloseSession(self.identity, self._json(SessionState.CLOSED))

    def _items(self, rows: Sequence[Row]) -> list[Data]:
        match self._options.kind:
            case "timestamped":
                return timestamped_items(rows, self._columns)
            case "periodic":
                return periodic_items(rows, self._columns, self._options.interval_ns)
            case "row":
                return row_items(rows, self._columns)

    @property
    def _tempo(self) -> dict[str, str | float]:
        """For those who need to know what time it is in the session: that it is not the time of day."""
        options = self._options
        if options.origin == "start" and options.speed == 1:
            return {}
        return {"time": "kept", "speed": options.speed, "delay": options.burst_interval}

    def _json(self, state: SessionState) -> str:
        model = SessionModel(
            identity=self.identity,
            state=state,
            timestamp=_iso(self._start),
            identifier=self._options.identifier or PurePath(self._options.path).stem,
            start_timestamp=_iso(self._start),
            end_timestamp=_iso(self._span.end) if state.is_closed else None,
            time_range=TimeRangeModel(self._span.start, self._span.end),
            details={**self._tempo, **self._options.details} or None,
            config_bindings=[ConfigBinding(self._configuration)],
        )
        return write_session(model)


def _iso(ns: int) -> str:
    return (EPOCH + timedelta(microseconds=ns // 1000)).isoformat()
