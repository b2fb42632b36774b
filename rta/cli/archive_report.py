"""What there is to say of a recorded session: as a row of a list, as lines, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from rta.cli.records import lay_out
from rta.cli.text import cell
from rta.cli.times import format_elapsed, format_time
from rta.errors import MalformedError
from rta.formatting import format_bytes
from rta.ports import ArchivedSession, RecordedChannel, RecordedRun
from rta.wire import TimeRange, read_session
from rta.wire.values import Ns

__all__ = ["session_document", "session_lines", "session_row"]


def session_row(session: ArchivedSession) -> list[Text]:
    """Identity, identifier, state, what it covers, size, files."""
    identifier, state = _named(session)
    size, files = format_bytes(session.size), "sealed" if session.sealed else "open"
    texts = (session.identity, identifier, state, _covers(session.span), size, files)
    return [cell(text) for text in texts]


def _named(session: ArchivedSession) -> tuple[str, str]:
    """The identifier, and the state in a word; empty where its JSON cannot be read."""
    try:
        found = read_session(session.json)
    except MalformedError:
        return "", ""
    return found.identifier, found.state.name.lower()


def _covers(span: TimeRange | None) -> str:
    return "" if span is None else f"{format_elapsed(span.end - span.start)} from {format_time(Ns(span.start))}"


def session_lines(session: ArchivedSession, channels: Sequence[RecordedChannel], width: int | None) -> Iterator[Text]:
    """All that is known of it."""
    identifier, state = _named(session)
    facts = {
        "identity": session.identity,
        "identifier": identifier,
        "state": state,
        "covers": _covers(session.span),
        "size": format_bytes(session.size),
        "files": "sealed" if session.sealed else "open",
        "flush point": session.flush_point,
    }
    widest = max(map(len, facts))
    for name, value in facts.items():
        yield Text(f"{name.ljust(widest)}  ", "dim") + cell(value)
    if session.runs:
        yield Text()
        yield from lay_out(_RUN, [_run_row(run) for run in session.runs], width, keys=2)
    holes = [(run, hole) for run in session.runs for hole in run.holes]
    if holes:
        yield Text()
        rows = [[cell(text) for text in (run.stream, hole.after, hole.upto, hole.reason)] for run, hole in holes]
        yield from lay_out(("hole in", "after", "up to", "because"), rows, width)
    if channels:
        yield Text()
        yield from lay_out(_CHANNEL, [_channel_row(one) for one in channels], width, 2, ("chunks", "size"))


_RUN = ("run of", "id", "begins after", "recorded up to", "held from")
_CHANNEL = ("kind", "channels", "chunks", "size", "covers")


def _run_row(run: RecordedRun) -> list[Text]:
    return [cell(text) for text in (run.stream, run.session_id, run.start, run.upto, run.held_from)]


def _channel_row(one: RecordedChannel) -> list[Text]:
    names = ", ".join(map(str, one.channels))
    covers = _covers(TimeRange(Ns(one.start), Ns(one.end)))
    return [cell(text) for text in (one.kind.value, names, one.chunks, format_bytes(one.bytes), covers)]


def session_document(session: ArchivedSession, channels: Sequence[RecordedChannel] = ()) -> dict[str, Any]:
    """The same for machines; times are ns since the Unix epoch."""
    identifier, state = _named(session)
    shown: dict[str, Any] = {
        "identity": session.identity,
        "identifier": identifier,
        "state": state,
        "start": None if session.span is None else session.span.start,
        "end": None if session.span is None else session.span.end,
        "size": session.size,
        "sealed": session.sealed,
        "version": session.version,
    }
    if session.runs:
        shown["flush_point"] = str(session.flush_point)
        shown["runs"] = [_run_document(run) for run in session.runs]
    if channels:
        shown["channels"] = [
            {
                "kind": one.kind.value,
                "channels": one.channels,
                "chunks": one.chunks,
                "size": one.bytes,
                "start": one.start,
                "end": one.end,
            }
            for one in channels
        ]
    return shown


def _run_document(run: RecordedRun) -> dict[str, Any]:
    return {
        "stream": run.stream,
        "id": run.session_id,
        "start": str(run.start),
        "upto": str(run.upto),
        "held_from": str(run.held_from),
        "holes": [{"after": str(h.after), "upto": str(h.upto), "reason": h.reason} for h in run.holes],
    }
