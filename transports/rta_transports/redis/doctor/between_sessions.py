"""What is wrong between sessions, and a table of them. Judges what was read; asks nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rta.formatting import counted
from rta.ports import Finding
from rta.wire import glance
from rta_transports.redis.doctor.sessions import SessionFacts
from rta_transports.redis.doctor.wording import age, listed, quoted

__all__ = ["judge_counter", "judge_expiry", "shared_ids", "table"]

_LINES = 20


def shared_ids(sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    """Ids that more than one session has."""
    by_place: dict[tuple[str | None, int], list[SessionFacts]] = {}
    for session in sessions:
        if session.id is not None:
            by_place.setdefault((session.stream, session.id), []).append(session)
    for (stream, number), having in by_place.items():
        if len(having) > 1:
            yield Finding.problem(
                "session.shared-id",
                f"the id {number} of stream {quoted(stream or '?')} belongs to {len(having)} sessions: "
                f"{listed([s.identity for s in having])}",
                "Entries carry nothing but the id, so each of them gets the data of all. The counter "
                "lastStreamSessionId was probably lost and ids were given out again.",
                "Set lastStreamSessionId above the highest id there is, have the ingest processes open their sessions "
                "anew, and switch persistence of Redis on.",
            )


def judge_counter(counter: bytes | None, sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    """Whether the next id that is given out is a new one."""
    highest = max((s.id for s in sessions if s.id is not None), default=None)
    current = int(counter) if counter is not None and counter.isdigit() else None
    if highest is not None and (current is None or current < highest):
        yield Finding.warning(
            "session.counter",
            f"the counter of session ids is {'missing' if current is None else current}, "
            f"and there is a session with id {highest}",
            "The next sessions get ids that others have: their data mix. The counter was lost, or a writer does not "
            "take its ids from it.",
            f"SET lastStreamSessionId {highest}, and have all writers take ids with INCRBY lastStreamSessionId.",
        )


def judge_expiry(sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    """Hashes that stay for ever."""
    lasting = [s for s in sessions if s.is_hash and s.ttl_ms == -1]
    if lasting:
        yield Finding.note(
            "session.lasting",
            f"{counted(len(lasting), 'session')} without an expiry: {listed([s.identity for s in lasting])}",
            "They stay in Redis, and in lists of sessions, until somebody removes them (pruner.session_ttl).",
            "Have the ingest process set an expiry (EXPIRE) with every update.",
        )


def table(sessions: Sequence[SessionFacts], total: int, now: int) -> Finding:
    """Those updated last, and how many others there are."""
    rows: list[tuple[str, ...]] = [("session", "stream", "id", "state", "updated", "expires in")]
    rows += [_row(s, now) for s in sessions[:_LINES]]
    title = counted(total, "session") + (f"; the {_LINES} updated last" if total > _LINES else "")
    return Finding.ok("sessions", title, rows=tuple(rows) if sessions else ())


def _row(session: SessionFacts, now: int) -> tuple[str, ...]:
    if not session.is_hash:
        return session.identity, "", "", "(no hash)", "", ""
    if not session.json_size:
        state = "(no json)"
    elif session.json is None:
        state = "(long json)"
    else:
        state = glance(session.json.decode("utf-8", "replace")).state.name.lower()
    updated = session.last_updated
    return (
        session.identity,
        session.stream or "",
        "" if session.id is None else str(session.id),
        state,
        "" if updated is None else f"{age(now - updated)} ago",
        "never" if session.ttl_ms == -1 else age(session.ttl_ms),
    )
