"""The table of `rta watch`: nodes, their streams with the newest values, gaps and alarms. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from attrs import define, field
from rich.console import Group
from rich.table import Table
from rich.text import Text

from rta.cli.text import cell, summarize
from rta.cli.times import format_age
from rta.consumer import Event, GapHealed, RemoteAlarm, RemoteNode, RemoteStream
from rta.wire.values import Ns

__all__ = ["GapCounts", "Row", "node_rows", "render"]

_VALUES = 60  # values of a stream that are shown: no line is longer
_NAME = 44  # columns of the terminal for names
_STREAMS = 10_000  # streams whose healed gaps are counted
_COLUMNS = ("node, stream", "state", "age", "seq", "gaps", "values")

Row = tuple[Text, Text, Text, Text, Text, Text]


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


def render(
    nodes: Mapping[str, RemoteNode], gaps: GapCounts, now: Ns, head: Text, note: str = "", height: int = 25
) -> Group:
    """The table in `height` lines; rows without room are counted below it. `note`: what is wrong, shown there too."""
    table = Table(box=None, header_style="bold", pad_edge=False, expand=True)
    for name in _COLUMNS:
        justify = "right" if name in ("age", "seq") else "left"
        first, last = name == _COLUMNS[0], name == _COLUMNS[-1]
        table.add_column(
            name,
            justify=justify,  # type: ignore[arg-type]
            no_wrap=True,
            overflow="ellipsis",
            max_width=_NAME if first else None,
            ratio=1 if last else None,
        )
    room = max(height - 4, 4)  # without the head, the header row, the note and the line below
    count = 0
    for node in sorted(nodes.values(), key=lambda n: n.id):
        for row in islice(node_rows(node, gaps, now), max(room - count, 0)):
            table.add_row(*row)
        count += 1 + len(node.streams) + len(node.alarms)
    foot = Text(f"and {count - room} more lines", "dim") if count > room else Text()
    below = cell(note, "yellow") if note else foot
    if note and count > room:
        below.append(f"  ({foot.plain})", "dim")
    for line in (head, below):
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(head, table, below)


def node_rows(node: RemoteNode, gaps: GapCounts, now: Ns) -> Iterator[Row]:
    """The rows of a node: its own, one for each stream and one for each alarm."""
    since = Text()
    if node.presence_at is not None:
        older = ">" if node.presence_retained else ""
        since = Text(f"{older}{format_age((now - node.presence_at) / 1e9)}")
    style = "green" if node.online else "red" if node.presence is not None else "dim"
    nothing = Text()
    yield cell(node.id, "bold"), cell(node.presence or "not seen", style), since, nothing, nothing, nothing
    for stream in sorted(node.streams.values(), key=lambda s: (s.code, s.name)):
        yield _stream_row(node, stream, gaps.healed.get((node.id, stream.code, stream.name)), now)
    for alarm in sorted(node.alarms.values(), key=lambda a: (a.code, a.component or "")):
        yield _alarm_row(alarm, now)


def _stream_row(node: RemoteNode, stream: RemoteStream, healed: tuple[int, int] | None, now: Ns) -> Row:
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


def _alarm_row(alarm: RemoteAlarm, now: Ns) -> Row:
    what = " ".join(filter(None, (alarm.code, alarm.component)))
    since = Text(format_age((now - alarm.ts) / 1e9))
    values = cell(summarize(alarm.values, _VALUES))
    return cell(f"  ! {what}", "red"), Text("alarm", "red"), since, Text(), Text(), values
