"""A session in memory: made of the heads of its files and the rows of the log that these do not have."""

from __future__ import annotations

from attrs import evolve

from rta_transports.sqlite.log_entries import burst_of, rows_of_runs
from rta_transports.sqlite.log_file import ArchiveLog
from rta_transports.sqlite.log_tables import SessionRow
from rta_transports.sqlite.run import KeptRun
from rta_transports.sqlite.session_file import SessionHead
from rta_transports.sqlite.unsealed import RunKey, UnsealedSession

__all__ = ["joined_run", "load_session"]


def load_session(
    row: SessionRow, log: ArchiveLog, sealed: SessionHead | None, opened: SessionHead | None
) -> tuple[UnsealedSession, int]:
    """With how many bursts of it cannot be read, and are left out.

    :raises sqlite3.Error: the log cannot be read.
    """
    newest = opened or sealed
    session = UnsealedSession(
        row=row,
        head=opened or SessionHead(row.identity, generation=1 if sealed is None else sealed.generation + 1),
        has_file=opened is not None,
        sealed=sealed,
        json=newest.json if newest else "",
        span=newest.span if newest else None,
        runs={(run.stream, run.session_id, run.start): run for run in newest.runs} if newest else {},
        newest=newest.cut if newest else 0,
        described=newest.described if newest else 0,
    )
    keys: dict[int, RunKey] = {}
    for number, (of, run) in log.runs.items():
        if of == row.id:
            key = keys[number] = (run.stream, run.session_id, run.start)
            known = session.runs.get(key)
            session.runs[key] = run if known is None else joined_run(run, known)
    after = 0 if newest is None else max(row.cut, newest.cut if newest.log == log.name else 0)
    return session, _feed_from_log(session, log, keys, after)


def joined_run(run: KeptRun, known: KeptRun) -> KeptRun:
    """A run as the log has it, and as a file does: the log may have lost its end."""
    for hole in known.holes:
        run = run.with_hole(hole)
    return evolve(run, last=max(run.last, known.last), upto=max(run.upto, min(known.upto, known.last)))


def _feed_from_log(session: UnsealedSession, log: ArchiveLog, keys: dict[int, RunKey], after: int) -> int:
    """How many bursts cannot be read."""
    if not keys:
        return 0
    lost = 0
    with log.connections.connection() as db:
        for row in rows_of_runs(db, list(keys), after, log.last):
            if row is None:
                lost += 1
            else:
                session.feed(row.number, keys[row.run], row.position, burst_of(row))
    return lost
