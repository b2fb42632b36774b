"""What stands in the way of a session being streamed. Judges what was read; asks nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from attrs import frozen

from rta.formatting import counted, format_bytes
from rta.ports import START, Finding, Position
from rta.wire import JSON_LIMIT, SessionState, glance
from rta_transports.redis.doctor.sessions import SessionFacts, Traces
from rta_transports.redis.doctor.streams import StreamFacts
from rta_transports.redis.doctor.wording import age, quoted

__all__ = ["Surroundings", "judge_session"]

_SKEW_MS = 5000
_SILENT_MS = 60_000
_EXPIRES_SOON_MS = 60_000
_REQUIRED = ("identity", "state", "timestamp", "identifier")


@frozen
class Surroundings:
    """What a session is judged by."""

    streams: Mapping[str, StreamFacts]
    now: int
    """ms, by Redis' clock."""
    traces: Traces | None = None
    """None: its stream was not searched."""
    asked_for: bool = False
    """Somebody wants this one to be streamed: what usually is no more than a note may be the reason why not."""
    back_scan_ms: int | None = None
    """How much of the end of a session a new client gets; None: all there is."""


def judge_session(session: SessionFacts, around: Surroundings) -> Iterator[Finding]:
    """Problems first keep it from being streamed; all else does not."""
    name = f"session {quoted(session.identity)}"
    if not session.is_hash:
        yield Finding.problem(
            "session.type",
            f"{name}: its key is not a hash",
            f"{quoted(session.key)} holds something else. Sessions are one hash each.",
            "Find out who wrote it; perhaps session_key has to be another one.",
        )
        return
    yield from _fields(name, session)
    yield from _json(name, session, around)
    yield from _stream(name, session, around)
    yield from _times(name, session, around)


# ---- the hash


def _fields(name: str, session: SessionFacts) -> Iterator[Finding]:
    unusable = [] if session.id is not None else ["streamSessionId"]
    unusable += [] if session.stream else ["streamName"]
    if unusable:
        yield Finding.problem(
            "session.fields",
            f"{name} has no usable {' and no usable '.join(unusable)}",
            "Without both, its entries cannot be found. (The id is a decimal number, the name has no prefix.)",
            "Have the ingest process write them before anything else.",
        )
    if session.position is None:
        written = "an unreadable" if "streamPosition" in session.fields else "no"
        yield Finding.note(
            "session.position",
            f"{name} has {written} streamPosition",
            "Back-fill begins at the start of the stream instead, and filters by id: slower, and wrong if the id was "
            "used before.",
            "Have the ingest process write the position its stream had, or 0-0 for a new one.",
        )


# ---- its JSON


def _json(name: str, session: SessionFacts, around: Surroundings) -> Iterator[Finding]:
    if not session.json_size:
        since = around.now - (session.last_updated or around.now)
        kind = Finding.problem if around.asked_for else Finding.warning if since > _SILENT_MS else Finding.note
        yield kind(
            "session.no-json",
            f"{name} has been created, but nothing has been streamed yet",
            "It has no session JSON. Until it has, clients that connect are closed without having been sent anything."
            + (f" It was last updated {age(since)} ago." if since > 0 else ""),
            "Have the ingest process write the field json, with the session JSON it streams.",
        )
    elif session.json is None:
        if session.json_size > JSON_LIMIT:
            yield Finding.problem(
                "session.json-size",
                f"{name}: its session JSON is {format_bytes(session.json_size)} long",
                f"At most {format_bytes(JSON_LIMIT)} are taken.",
                "Put configurations into configuration documents, not into the session.",
            )
    else:
        yield from _inside_json(name, session, session.json)


def _inside_json(name: str, session: SessionFacts, raw: bytes) -> Iterator[Finding]:
    fault, document = _parse(raw)
    if not isinstance(document, dict):
        yield Finding.problem(
            "session.json",
            f"{name}: its session JSON cannot be read: {fault}",
            "Clients are sent it as it is, and will not be able to read it either.",
            "Have the ingest process write the JSON object that it streams, as UTF-8.",
        )
        return
    seen = glance(raw.decode("utf-8", "replace"))
    if seen.identity is not None and seen.identity != session.identity:
        yield Finding.problem(
            "session.json-identity",
            f"{name}: its session JSON is of another session, {quoted(seen.identity)}",
            "Either the writer mixes two sessions up, or the key is written otherwise (case, encoding).",
            "Key and JSON have to name the same identity, character by character.",
        )
    present = {str(key).lower() for key, value in document.items() if value is not None}
    missing = [key for key in _REQUIRED if key not in present]
    if missing:
        yield Finding.warning(
            "session.json-keys",
            f"{name}: its session JSON lacks {', '.join(missing)}",
            "It is streamed all the same; clients such as ATLAS may not take it.",
            "Have the ingest process write them.",
        )
    if seen.state is SessionState.ABANDONED:
        yield Finding.note(
            "session.abandoned",
            f"{name} is abandoned",
            "Its writer said so, or stopped writing and it was marked. Clients get what the buffer holds of its last "
            "stretch (fanout.back_scan), then the connection ends. If its writer comes back it is streamed again.",
        )
    elif seen.state.is_closed:
        yield Finding.note(
            "session.closed",
            f"{name} is closed ({seen.state.name.lower()})",
            "Nothing more will come. Clients get what the buffer still holds of its last stretch (fanout.back_scan), "
            "then the connection ends normally.",
        )


def _parse(raw: bytes) -> tuple[str, object]:
    """What is wrong, and what it holds."""
    try:
        document = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as e:
        return f"not UTF-8, at byte {e.start}", None
    except (ValueError, RecursionError) as e:
        return str(e), None
    return f"a JSON {type(document).__name__}, not an object", document


# ---- its stream


def _stream(name: str, session: SessionFacts, around: Surroundings) -> Iterator[Finding]:
    if session.stream is None:
        return
    facts = around.streams.get(session.stream)
    stream = quoted(session.stream)
    bare = session.stream.removeprefix("stream:")
    if facts is None:
        return
    if facts.kind == "none" and bare != session.stream:
        yield Finding.problem(
            "session.stream-prefix",
            f"{name}: its streamName is {stream}, with the prefix",
            f"So the key that is read is {quoted('stream:' + session.stream)}, which does not exist.",
            f"Have the ingest process write streamName {quoted(bare)}.",
        )
    elif facts.kind == "none":
        kind = Finding.note if _is_closed(session) else Finding.problem
        yield kind(
            "session.no-stream",
            f"{name}: its stream {stream} does not exist",
            "Clients get the session JSON, and no data."
            + (" It is closed, so its entries have probably been trimmed long ago." if _is_closed(session) else ""),
            "" if _is_closed(session) else f"Have the ingest process write to {quoted('stream:' + session.stream)}.",
        )
    elif facts.kind != "stream":
        if around.asked_for:
            yield Finding.problem(
                "session.stream-type",
                f"{name}: the key of its stream {stream} is a {facts.kind}",
                "It has to be a Redis Stream.",
                "Remove or rename that key, and find out who wrote it.",
            )
    else:
        yield from _entries(name, session, facts, around)


def _is_closed(session: SessionFacts) -> bool:
    return session.json is not None and glance(session.json.decode("utf-8", "replace")).state.is_closed


def _entries(name: str, session: SessionFacts, facts: StreamFacts, around: Surroundings) -> Iterator[Finding]:
    edges, traces = facts.edges, around.traces
    if edges is None:
        return
    start = session.position
    if around.asked_for and start is not None and edges.first is not None and edges.first > start.after():
        trimmed = edges.added is None or edges.added > edges.length
        if trimmed and start.ms:
            yield Finding.note(
                "session.trimmed",
                f"{name} began {age(around.now - start.ms)} ago, its stream now {age(around.now - edges.first.ms)} ago",
                "Older entries have been trimmed: a client that joins now gets the rest.",
                "To keep more: pruner.max_entries, pruner.max_age.",
            )
    if start is not None and start > edges.last:
        yield Finding.warning(
            "session.position-ahead",
            f"{name}: its streamPosition {start} is behind the end of stream {quoted(facts.name)} ({edges.last})",
            "Entries before it are taken to be of another session and left out. The stream was probably deleted and "
            "begun anew, or the position is of another stream.",
            "Have the ingest process open the session anew.",
        )
    if traces is not None and traces.last is not None:
        yield from _back_scan(name, max(start or START, edges.first or START), traces.last, around)
    if traces is None or traces.last is not None:
        return
    others = f"; there are some of {', '.join(traces.others)}" if traces.others else ""
    kind = Finding.note if _is_closed(session) else Finding.problem if around.asked_for else Finding.warning
    yield kind(
        "session.no-entries",
        f"{name}: none of the {counted(traces.looked_at, 'latest entry', 'latest entries')} of stream "
        f"{quoted(facts.name)} has its id {session.id}",
        f"Clients get the session JSON, and no data{others}.",
        ""
        if _is_closed(session)
        else "If its writer is running: check that it puts streamSessionId of the hash into the field id of its "
        "entries, and that it has not been given another id since.",
    )


def _back_scan(name: str, first: Position, last: Position, around: Surroundings) -> Iterator[Finding]:
    """`first`, `last`: where the entries of the session begin, about, and end."""
    if around.asked_for and around.back_scan_ms is not None and last.ms - first.ms > around.back_scan_ms:
        yield Finding.note(
            "session.back-scan",
            f"{name}: Redis holds about {age(last.ms - first.ms)} of it, and a client that joins gets the last "
            f"{age(around.back_scan_ms)}",
            "It counts from the last data of the session, so that one that is closed or silent has its end too.",
            'To send more: fanout.back_scan, for example "2h".',
        )


# ---- its times


def _times(name: str, session: SessionFacts, around: Surroundings) -> Iterator[Finding]:
    updated = session.last_updated
    if updated is None:
        yield Finding.note(
            "session.never-updated",
            f"{name} has no lastUpdated",
            "So nobody can tell whether its writer is alive: it may be marked abandoned, or forgotten, too early.",
            "Have the ingest process write it (ms since the epoch) with every update.",
        )
    elif updated > around.now + _SKEW_MS:
        yield Finding.warning(
            "session.clock",
            f"{name} was updated {age(updated - around.now)} in the future",
            "The clock of its writer is ahead of Redis' clock (or lastUpdated is not in milliseconds). It will be "
            "noticed that much later if the writer dies.",
            "Keep the clocks in step (NTP).",
        )
    elif around.traces is not None and around.traces.last is not None:
        behind = around.traces.last.ms - updated
        if behind > max(_SKEW_MS, 2000):
            yield Finding.warning(
                "session.clock",
                f"{name}: lastUpdated is {age(behind)} older than its latest entry",
                "The clock of its writer is behind Redis' clock, or it does not write lastUpdated with every update. A "
                "session that looks old may be marked abandoned, or forgotten, while it is written.",
                "Keep the clocks in step (NTP), and write lastUpdated with every update.",
            )
    silent = None if updated is None else around.now - updated
    last = around.traces.last if around.traces is not None else None
    if last is not None and silent is not None:
        silent = min(silent, around.now - last.ms)
    if silent is not None and silent > _SILENT_MS and session.json_size and not _is_closed(session):
        yield Finding.warning(
            "session.silent",
            f"{name} is open, and nothing has come for {age(silent)}",
            "Its writer has died without closing it, or cannot reach Redis.",
            "Look at the ingest process. buffer.abandon_after and abandon_others say when such sessions are marked.",
        )
    if 0 <= session.ttl_ms < _EXPIRES_SOON_MS:
        yield Finding.warning(
            "session.expires",
            f"{name} expires in {age(session.ttl_ms)}",
            "Unless it is updated before. Who is connected by then stays connected; nobody else finds it.",
            "Have the ingest process renew the expiry with every update, to hours or days.",
        )
