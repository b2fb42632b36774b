"""The streams: which there are, how long and how old they are, and whether their latest entries can be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from rta.formatting import counted
from rta.ports import Finding, Position
from rta.wire import SizeLimits
from rta_transports.redis.connection import ServerError
from rta_transports.redis.directory import Directory
from rta_transports.redis.doctor.payload import Complaint, complaint_about
from rta_transports.redis.doctor.wording import age, listed, quoted
from rta_transports.redis.entries import RawEntry
from rta_transports.redis.keys import STREAMS, Keys, text
from rta_transports.redis.losses import Edges
from rta_transports.redis.scripts import EDGES
from rta_transports.redis.server import good

__all__ = [
    "SAMPLE",
    "StreamFacts",
    "judge_entries",
    "judge_set",
    "judge_streams",
    "read_streams",
    "sample",
    "sample_of",
    "table",
]

SAMPLE = 5
"""Latest entries of a stream that are decoded."""

_LINES = 20
_AHEAD_MS = 5000
_AMPLE = 1.5  # times the bound: approximate trimming, and what comes between two rounds, stay below
_PREFIX = "stream:"


@frozen
class StreamFacts:
    """What there is of a stream."""

    name: str
    kind: str
    """As `TYPE` has it: `stream`, `none` or something wrong."""
    edges: Edges | None
    """Of a stream."""
    recorder: str = ""
    """Who records it: machine, process and a number; empty: nobody does."""

    @property
    def last_ms(self) -> int:
        """When the last entry came, as far as there is one."""
        return self.edges.last.ms if self.edges is not None and self.edges.length else 0

    @property
    def covers_ms(self) -> int:
        """From the first entry to the last."""
        edges = self.edges
        return 0 if edges is None or edges.first is None else edges.last.ms - edges.first.ms


async def read_streams(directory: Directory, names: Iterable[str]) -> dict[str, StreamFacts]:
    """:raises TransportError: Redis does not answer, or forbids it."""
    kinds = {name: good(kind).decode() for name, kind in await directory.ask_streams(names, "TYPE", Keys.stream)}
    there = [name for name, kind in kinds.items() if kind == "stream"]
    edges: dict[str, Edges] = {}
    for name, reply in await directory.ask_streams(there, "EVAL", EDGES, 1, Keys.stream):
        if not isinstance(reply, ServerError):  # or it was removed, or changed, between the two looks
            edges[name] = Edges.read(reply)
    claims = await directory.ask_streams(there, "GET", Keys.claim)
    recorders = {name: text(reply) for name, reply in claims if isinstance(reply, bytes)}
    return {name: StreamFacts(name, kind, edges.get(name), recorders.get(name, "")) for name, kind in kinds.items()}


async def sample(directory: Directory, names: Iterable[str]) -> dict[str, list[RawEntry]]:
    """The latest entries of each stream, newest first."""
    replies = await directory.ask_streams(names, "XREVRANGE", Keys.stream, "+", "-", "COUNT", SAMPLE)
    return {name: reply for name, reply in replies if isinstance(reply, list)}


async def sample_of(directory: Directory, stream: str, session_id: int, last: Position) -> list[RawEntry]:
    """The latest entries of one session, newest first; `last` is its last one, as far as that was looked for."""
    ((_, reply),) = await directory.ask_streams(
        [stream], "XREVRANGE", Keys.stream, str(last), "-", "COUNT", 10 * SAMPLE
    )
    entries = reply if isinstance(reply, list) else []
    wanted = str(session_id).encode()
    return [e for e in entries if wanted in _values_of(e, b"id")][:SAMPLE]


def _values_of(entry: RawEntry, name: bytes) -> list[bytes]:
    fields = entry[1] or ()
    return [value for field, value in zip(fields[::2], fields[1::2], strict=False) if field == name]


# ---- the set of streams


def judge_set(listed_names: Sequence[str], streams: Mapping[str, StreamFacts], more: int) -> Iterator[Finding]:
    """`listed_names`: what is in the set; `more`: streams that were not looked at."""
    named = set(listed_names)
    prefixed = [n for n in listed_names if n.startswith(_PREFIX)]
    if prefixed:
        yield Finding.problem(
            "streams.prefix",
            f'the set "{STREAMS.decode()}" has names with the prefix "{_PREFIX}": {listed(prefixed)}',
            f'It is to hold the names alone. As it is, "{_PREFIX}{prefixed[0]}" is looked for and not found, and the '
            "stream that is meant is never trimmed.",
            f'Have the writer add "{prefixed[0].removeprefix(_PREFIX)}", and remove the others: SREM streams …',
        )
    empty = [n for n in listed_names if n in streams and streams[n].kind == "none" and n not in prefixed]
    if empty:
        yield Finding.note(
            "streams.absent",
            f"{counted(len(empty), 'stream')} in the set without a key: {listed(empty)}",
            "Nothing has been written to it yet, or all of it was removed.",
        )
    unlisted = [n for n, facts in streams.items() if n not in named and facts.kind == "stream"]
    if unlisted:
        yield Finding.warning(
            "streams.unlisted",
            f"{counted(len(unlisted), 'stream')} not in the set of streams: {listed(unlisted)}",
            "The set is how streams are found for trimming. The pruner adds a stream that a session names; one that no "
            "session names grows without end.",
            f"Have the writer do SADD {STREAMS.decode()} NAME when it begins a stream.",
        )
    if more:
        yield Finding.note("streams.many", f"{counted(more, 'more stream')} not looked at")


# ---- what is in them


def judge_streams(streams: Iterable[StreamFacts], bound: int | None, now: int) -> Iterator[Finding]:
    """`bound`: entries that a stream is trimmed to; `now`: ms, by Redis' clock."""
    for facts in streams:
        name = quoted(facts.name)
        if facts.kind not in ("stream", "none"):
            yield Finding.problem(
                "stream.type",
                f"the key of stream {name} is a {facts.kind}",
                f"{quoted(_PREFIX + facts.name)} has to be a Redis Stream. No session on it can be followed.",
                "Remove or rename that key, and find out who wrote it.",
            )
        edges = facts.edges
        if edges is None:
            continue
        if edges.last.ms > now + _AHEAD_MS:
            yield Finding.warning(
                "stream.future",
                f"stream {name} has entries of the future: {age(edges.last.ms - now)} ahead of Redis' clock",
                "The clock of Redis was set back, or a writer gives ids of its own instead of *. New entries get ids "
                "behind these, so back-fill and trimming by age count wrongly until the time has come.",
                "Keep the clock of Redis in step (NTP), and write with XADD … *.",
            )
        if bound is not None and edges.length > max(_AMPLE * bound, bound + 2000):
            yield Finding.warning(
                "stream.untrimmed",
                f"stream {name} has {edges.length} entries, and is meant to have {bound}",
                "It seems that nobody trims, or that the pruner is set to keep more than buffer.max_entries.",
                "Let one service run with the pruner enabled (pruner.enabled, RTA_EnableTrimmer).",
            )


def judge_entries(name: str, entries: Sequence[RawEntry], limits: SizeLimits) -> Iterator[Finding]:
    """The sample of one stream; every kind of fault once."""
    faults: dict[Complaint, list[str]] = {}
    for position, fields, *_ in entries:
        complaint = _about(fields or (), limits)
        if complaint is not None:
            faults.setdefault(complaint, []).append(position.decode())
    for complaint, where in faults.items():
        yield Finding.problem(
            f"entry.{complaint.code}",
            f"stream {quoted(name)}: the data is {complaint.what}"
            if not complaint.code.startswith("field")
            else f"stream {quoted(name)}: {complaint.what}",
            f"{len(where)} of the {counted(len(entries), 'latest entry', 'latest entries')}, such as {where[0]}. Such "
            "entries are counted as malformed and left out: clients see nothing of them.",
            complaint.advice,
        )


def _about(fields: Sequence[bytes], limits: SizeLimits) -> Complaint | None:
    named = dict(zip(fields[::2], fields[1::2], strict=False))
    missing = [f for f in ("id", "data") if f.encode() not in named]
    if missing:
        there = listed([f.decode("utf-8", "replace") for f in sorted(named)])
        return Complaint(
            "fields",
            f"entries have no field {' and no field '.join(map(quoted, missing))}; their fields are {there}",
            'Write the fields "id" (the decimal session id) and "data" (the packed burst), in lower case.',
        )
    session_id = named[b"id"]
    if not session_id.isdigit() or len(session_id) > 20:
        shown = quoted(session_id[:40].decode("utf-8", "replace"))
        return Complaint(
            "field-id", f"an id is {shown}, not a decimal number", "Write the number of INCRBY lastStreamSessionId."
        )
    return complaint_about(named[b"data"], limits)


# ---- to look at


def table(streams: Iterable[StreamFacts], listed_names: Sequence[str], now: int) -> Finding:
    """The streams that were last written, and how many others there are."""
    ordered = sorted(streams, key=lambda s: s.last_ms, reverse=True)
    named = set(listed_names)
    rows = [("stream", "entries", "from", "to", "per second", "in the set", "recorded by")]
    rows += [(*_row(s, now), "yes" if s.name in named else "no", s.recorder) for s in ordered[:_LINES]]
    rest = len(ordered) - _LINES
    title = counted(len(ordered), "stream") + (f"; the {_LINES} written last" if rest > 0 else "")
    return Finding.ok("streams", title, rows=tuple(rows) if ordered else ())


def _row(facts: StreamFacts, now: int) -> tuple[str, str, str, str, str]:
    edges = facts.edges
    if edges is None or edges.first is None:
        return (facts.name, "0" if facts.kind == "stream" else f"({facts.kind})", "", "", "")
    covers = facts.covers_ms
    rate = f"{(edges.length - 1) / covers * 1000:.1f}" if covers else ""
    return (facts.name, str(edges.length), f"{age(now - edges.first.ms)} ago", f"{age(now - edges.last.ms)} ago", rate)
