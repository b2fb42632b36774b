"""One round of a file as a session: what is reported of it, and when. Plain code: it is told the time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePath
from typing import cast

import numpy as np

from rta.ports import CloseSession, LoadedColumn, OpenSession, Publish, SessionBurst, SessionColumns, UpdateSession
from rta.wire import ConfigBinding, SessionModel, SessionState, TimeRange, pack_items, write_session
from rta.wire.burst import Data, Event
from rta.wire.session_json import TimeRangeModel
from rta_transports.csv.channels import FileChannels
from rta_transports.csv.items import event_items, periodic_items, row_items, split_words, timestamped_items
from rta_transports.csv.loaded_columns import loaded_columns, worded_cells
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.recording import Recording
from rta_transports.csv.rows import Row
from rta_transports.csv.timeline import Due, Timeline
from rta_transports.csv.times.times import EPOCH

__all__ = ["CsvSession"]


class CsvSession:
    """What one session of a file reports: `begin`, the bursts of what `timeline` says is due, `end`."""

    def __init__(
        self,
        options: CsvOptions,
        channels: FileChannels,
        documents: Sequence[Publish],
        said: Recording,
        first: int,
        now: int,
        identity: str,
        *,
        played: bool = True,
    ) -> None:
        """`documents`: what describes the channels so far. `first`: the time of the first row, ns. `now`: ns since
        the Unix epoch. `played`: in the time that it takes, and not all at once."""
        self.identity = identity
        self._options = options
        self._channels = channels
        self._documents = [d.identifier for d in documents]
        self._said = said
        self._played = played
        self._start = now if said.origin == "start" else first + said.offset
        self._span = TimeRange(self._start, self._start)
        self.timeline = Timeline(first, self._start, options.speed, options.burst_interval)

    @property
    def span(self) -> TimeRange:
        """What it covers so far."""
        return self._span

    def begin(self) -> OpenSession:
        """Before the first row."""
        return OpenSession(self.identity, self._json(SessionState.OPEN))

    def bind(self, documents: Sequence[Publish]) -> UpdateSession:
        """To documents that have been published, of channels that come next."""
        self._documents += [d.identifier for d in documents]
        return UpdateSession(self.identity, self._json(SessionState.OPEN))

    def bursts(self, due: Due) -> list[SessionBurst]:
        """The rows of one moment; the time range is in the last burst."""
        self._span = due.span
        return [SessionBurst(self.identity, burst) for burst in pack_items(self._items(due.rows), due.span)]

    def columns(self, rows: Sequence[Row]) -> SessionColumns:
        """The rows all at once, as they stand in the file. Not for the kind "row"."""
        columns: list[LoadedColumn] = []
        events: list[Event] = []
        for key, some in _by_key(rows).items():
            times = np.array([row.time for row in some], np.int64) + (self._start - self.timeline.first)
            self._span = self._span.union(TimeRange(int(times.min()), int(times.max())))
            described = self._channels.columns(key)
            columns += loaded_columns(some, times, described, self._options.interval_ns or None)
            words = worded_cells(some, times, described)
            events += cast("list[Event]", event_items(words, described, self._options.app))
        return SessionColumns(columns, events)

    def end(self) -> CloseSession:
        """After the last row."""
        return CloseSession(self.identity, self._json(SessionState.CLOSED))

    def _items(self, rows: Sequence[Row]) -> list[Data]:
        out: list[Data] = []
        events: list[Data] = []
        for key, some in _by_key(rows).items():
            columns = self._channels.columns(key)
            samples, words = split_words(some, columns)
            events += event_items(words, columns, self._options.app)
            match self._options.kind:
                case "timestamped":
                    out += timestamped_items(samples, columns)
                case "periodic":
                    out += periodic_items(samples, columns, self._options.interval_ns)
                case "row":
                    out += row_items(samples, columns)
        return out + events

    @property
    def _recorded(self) -> int:
        """When it was recorded, as far as the file says so."""
        kept = self._said.origin == "file" and self._said.start is not None
        return self._start + (self._said.start or 0) if kept else self._start

    @property
    def _tempo(self) -> dict[str, str | float]:
        """For those who need to know what time it is in the session: that it is not the time of day."""
        options = self._options
        if not self._played or (self._said.origin == "start" and options.speed == 1):
            return {}
        return {"time": "kept", "speed": options.speed, "delay": options.burst_interval}

    def _json(self, state: SessionState) -> str:
        model = SessionModel(
            identity=self.identity,
            state=state,
            timestamp=_iso(self._recorded),
            identifier=self._options.identifier or PurePath(self._options.path).stem,
            start_timestamp=_iso(self._start),
            end_timestamp=_iso(self._span.end) if state.is_closed else None,
            time_range=TimeRangeModel(self._span.start, self._span.end),
            details={**self._said.details, **self._tempo, **self._options.details} or None,
            config_bindings=[ConfigBinding(identifier) for identifier in self._documents],
        )
        return write_session(model)


def _by_key(rows: Sequence[Row]) -> dict[int, list[Row]]:
    by_key: dict[int, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    return by_key


def _iso(ns: int) -> str:
    return (EPOCH + timedelta(microseconds=ns // 1000)).isoformat()
