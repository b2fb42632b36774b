"""The table of `rta watch`: nodes, their streams with the newest values, gaps and alarms. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

from attrs import define, field, frozen
from rich.text import Text

from rta.cli.paging import Pager
from rta.cli.records import flow
from rta.cli.shortening import shorten
from rta.cli.table import TableColumn, cut_ends, draw, in_one_line
from rta.cli.text import cell, summarize
from rta.cli.times import format_age, format_time
from rta.consumer import Event, GapHealed, RemoteAlarm, RemoteNode, RemoteStream
from rta.ports import topic_matches
from rta.wire.values import Ns

__all__ = ["GapCounts", "Watched", "unheard"]

_VALUES = 60  # values of a stream that are shown: no line is longer
_NAME = 24  # columns of the terminal that names have before anything else is shown beside the ages
_STREAMS = 10_000  # streams whose healed gaps are counted

_Row = tuple[Text, Text, Text, Text, Text, Text]


@define
class GapCounts:
    """How many gaps of each stream were healed, and with how many entries."""

    healed: dict[tuple[str, str, str], tuple[int, int]] = field(factory=dict)

    def handle(self, event: Event) -> None:
        if isinstance(event, GapHealed) and not event.missing:
            key = event.node, event.code, event.name
            if key in self.healed or len(self.healed) < _STREAMS:
                gaps, entries = self.healed.get(key, (0, 0))
                self.healed[key] = gaps + 1, entries + event.before_seq - event.after_seq - 1


def unheard(patterns: Sequence[str], nodes: Mapping[str, RemoteNode]) -> list[str]:
    """The patterns of which nothing has been heard."""
    return [pattern for pattern in patterns if not any(topic_matches(pattern, node) for node in nodes)]


@frozen
class Watched:
    """What is known of the nodes, and how."""

    patterns: Sequence[str]
    nodes: Mapping[str, RemoteNode]
    gaps: GapCounts
    consumer: str
    """Our id."""
    trouble: str | None
    """Why there is no connection; None: there is one."""
    notes: Sequence[str] = ()
    """What else is wrong."""

    def draw(self, now: Ns, pager: Pager, width: int, height: int) -> list[Text]:
        """The lines of a terminal of this size."""
        link = Text(f"connected as {self.consumer}", "green")
        if self.trouble is not None:
            link = cell(f"no connection, trying again: {self.trouble}", "yellow")
        above = flow([cell(" ".join(self.patterns), "bold"), Text(format_time(now)), link], width)
        notes = [cell("; ".join(self.notes), "yellow")] if self.notes else []
        lacking = unheard(self.patterns, self.nodes)
        total = len(lacking) + sum(1 + len(node.streams) + len(node.alarms) for node in self.nodes.values())
        page = pager.page(total, height - len(above) - len(notes) - 2)  # for the heads, and the line below
        rows = [row() for row in islice(self._rows(lacking, now), page.start, page.stop)]
        lines = [*above, *draw(_columns(rows), width), *notes, Text(pager.text, "dim")]
        return [in_one_line(line, width) for line in lines]

    def _rows(self, lacking: Sequence[str], now: Ns) -> Iterator[Callable[[], _Row]]:
        """What makes each row: there may be thousands, and a page has few."""
        for pattern in lacking:
            yield partial(_unheard_row, pattern)
        for node in sorted(self.nodes.values(), key=lambda n: n.id):
            yield partial(_node_row, node, now)
            for stream in sorted(node.streams.values(), key=lambda s: (s.code, s.name)):
                healed = self.gaps.healed.get((node.id, stream.code, stream.name))
                yield partial(_stream_row, node, stream, healed, now)
            for alarm in sorted(node.alarms.values(), key=lambda a: (a.code, a.component or "")):
                yield partial(_alarm_row, alarm, now)


def _columns(rows: Sequence[_Row]) -> list[TableColumn]:
    names, states, ages, numbers, gaps, values = zip(*rows, strict=True) if rows else ((),) * 6
    return [
        TableColumn("node, stream", names, cut=shorten, least=_NAME),
        TableColumn("state", states),
        TableColumn("age", ages, right=True),
        TableColumn("seq", numbers, right=True, leaves=3),
        TableColumn("gaps", gaps, cut=cut_ends, least=8, leaves=1),
        TableColumn("values", values, cut=cut_ends, least=12, leaves=2),
    ]


def _unheard_row(pattern: str) -> _Row:
    return cell(pattern, "bold"), cell("not heard yet", "yellow"), Text(), Text(), Text(), Text()


def _node_row(node: RemoteNode, now: Ns) -> _Row:
    since = Text()
    if node.presence_at is not None:
        older = ">" if node.presence_retained else ""
        since = Text(f"{older}{format_age((now - node.presence_at) / 1e9)}")
    style = "green" if node.online else "red" if node.presence is not None else "dim"
    return cell(node.id, "bold"), cell(node.presence or "not seen", style), since, Text(), Text(), Text()


def _stream_row(node: RemoteNode, stream: RemoteStream, healed: tuple[int, int] | None, now: Ns) -> _Row:
    running = stream.state == "running"
    style = "" if node.online and running else "dim"
    values = stream.values if len(stream.values) <= _VALUES else dict(list(stream.values.items())[:_VALUES])
    return (
        cell(f"  {stream.code}/{stream.name}" if stream.name else f"  {stream.code}"),
        cell(stream.state or "", "green" if running and node.online else "dim"),
        Text("" if stream.last_ts is None else format_age((now - stream.last_ts) / 1e9), style),
        cell(stream.seq, style),
        _gaps(stream, healed),
        cell(summarize(values, _VALUES), style),
    )


def _gaps(stream: RemoteStream, healed: tuple[int, int] | None) -> Text:
    words = []
    if stream.gaps:
        words.append((f"{len(stream.gaps)} open ({sum(g.missing for g in stream.gaps)})", "yellow"))
    if stream.lost:
        words.append((f"{stream.lost} lost", "red"))
    if healed is not None:
        words.append((f"{healed[0]} healed ({healed[1]})", "green"))
    return Text(", ").join(Text(word, style) for word, style in words)


def _alarm_row(alarm: RemoteAlarm, now: Ns) -> _Row:
    what = " ".join(filter(None, (alarm.code, alarm.component)))
    since = Text(format_age((now - alarm.ts) / 1e9))
    values = cell(summarize(alarm.values, _VALUES))
    return cell(f"  ! {what}", "red"), Text("alarm", "red"), since, Text(), Text(), values
