"""What `rta tail` shows on a terminal: the newest value of each parameter of a session, and how it is connected."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Group
from rich.text import Text

from rta.cli.paging import Pager
from rta.cli.records import flow
from rta.cli.shortening import cut_end, shorten
from rta.cli.table import TableColumn, cut_ends, draw, in_one_line
from rta.cli.text import cell
from rta.cli.times import format_elapsed, format_time
from rta.client.coverage import Coverage
from rta.client.decode import Decoder
from rta.client.follow import SessionObserver
from rta.client.latest_values import LatestValues, sparkline
from rta.wire import Ns, SessionModel
from rta.wire.burst import Burst
from rta.wire.parameter_index import given_name

__all__ = ["NOTHING_SENT", "TailScreen", "describe_lack"]

NOTHING_SENT = "nothing of its data was sent: the service no longer holds any"

_LOW = 16  # lines of a terminal below which only the most important lines stand above the table
_NAME = 30  # columns of the terminal that ids of parameters have before anything else is shown beside the values
_VALUE = 24


class TailScreen(SessionObserver):
    """Keeps what has come of a session, and draws it."""

    def __init__(self, url: str, clock: Callable[[], float], whole: bool = True) -> None:
        """`url`: of the service; `clock`: monotonic seconds. `whole`: all parameters are followed."""
        self.pager = Pager()
        self._url = url
        self._clock = clock
        self._whole = whole
        self._latest = LatestValues()
        self._model: SessionModel | None = None
        self._coverage = Coverage()
        self._link = Text(f"connecting to {url}", "yellow")
        self._last_event = ""
        self._nothing = "nothing has come yet"

    def session(self, model: SessionModel) -> None:
        if self._model is None or self._model.identity != model.identity:
            self._latest, self._coverage, self._last_event = LatestValues(), Coverage(), ""
        self._model = model
        self._link = cell(f"connected to {self._url}", "green")
        self._coverage.add_span(model.span)

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        self._coverage.add_span(burst.time_range)
        samples = list(decoder.samples(burst))
        for sample in samples:
            if len(sample.timestamps):
                self._coverage.add_time(int(sample.timestamps.min()))
        self._latest.add(samples, self._clock())
        for event in decoder.events(burst):
            self._coverage.add_time(event.timestamp)
            what = f"{event.app_name} {event.event_definition_id} {event.status_text}"
            self._last_event = f"{format_time(Ns(event.timestamp))} {what}"

    def lost(self, reason: str) -> None:
        self._link = cell(f"no connection, trying again: {reason}", "yellow")

    def notice(self, text: str) -> None:
        self._link = cell(text, "yellow")

    def end(self) -> None:
        """The session is over, and nothing more will come of it."""
        if self._whole and self._coverage.is_empty:
            self._nothing = NOTHING_SENT

    def draw(self, width: int | None, height: int | None) -> Group:
        """All of it in a terminal of this size; None: it is none, or may be scrolled."""
        above = self._head(width, height)
        columns = self._columns()
        total = len(self._latest.parameters)
        room = total if height is None else height - len(above) - 2  # for the heads, and the line below
        page = self.pager.page(total, room)
        below = Text(self.pager.text if total else self._nothing, "dim")
        if self._last_event:
            below.append_text(cell(f"  {self._last_event}", "dim"))
        lines = [*above, *draw(columns, width, page), below]
        return Group(*(in_one_line(line, width) for line in lines))

    def _head(self, width: int | None, height: int | None) -> list[Text]:
        """The session, its time, and the connection, in as few lines as they need."""
        parts = []
        if self._model is not None:
            called = self._model.identifier
            parts += [cell(called, "bold")] if called not in ("", self._model.identity) else []
            parts.append(cell(self._model.state.name.lower(), "dim"))
        if (span := self._coverage.span) is not None:
            parts.append(Text(format_elapsed(span.end - span.start)))
            if height is None or height >= _LOW:
                parts.append(Text(f"to {format_time(Ns(span.end))}"))
                if self._whole and (lack := describe_lack(self._coverage)):
                    parts.append(Text(lack, "yellow"))
        if self._model is not None:
            parts.append(cell(self._model.identity, "dim"))
        return flow([*parts, self._link], width)

    def _columns(self) -> list[TableColumn]:
        now = self._clock()
        lines = list(self._latest.parameters.values())
        names = ["" if line.parameter is None else given_name(line.parameter) for line in lines]
        columns = [
            TableColumn("parameter", [cell(line.name) for line in lines], cut=shorten, least=_NAME),
            TableColumn("value", [cell(cut_end(line.text, _VALUE)) for line in lines], right=True),
            TableColumn("unit", [cell(line.unit) for line in lines], cut=cut_ends, least=6),
            TableColumn("rate", [Text(f"{line.rate(now):.1f}/s") for line in lines], right=True, leaves=1),
            TableColumn(
                "course", [Text(sparkline(line.course), "cyan") for line in lines], cut=_newest, least=8, leaves=2
            ),
        ]
        if any(names):
            columns.insert(1, TableColumn("name", [cell(name) for name in names], cut=shorten, least=20, leaves=3))
        return columns


def describe_lack(coverage: Coverage) -> str:
    """What is not sent of a session that has more than has come; empty: nothing."""
    if not coverage.is_partial or coverage.span is None or coverage.earliest is None:
        return ""
    began, first = format_time(Ns(coverage.span.start)), format_time(Ns(coverage.earliest))
    return f"sent from {first} on; the session began {began}"


def _newest(courses: Sequence[str], width: int) -> list[str]:
    return [course[-width:] for course in courses]
