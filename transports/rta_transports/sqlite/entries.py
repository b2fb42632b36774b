"""Reading entries one by one."""

from __future__ import annotations

from rta.ports import Batch, Entry, FlushPoint, Position
from rta_transports.sqlite.log_entries import burst_of, rows_behind
from rta_transports.sqlite.log_tables import ended_run
from rta_transports.sqlite.run import KeptRun
from rta_transports.sqlite.store import ArchiveStore

__all__ = ["read_entries"]


def read_entries(store: ArchiveStore, after: FlushPoint, upto: Position, max_bytes: int) -> Batch:
    """See `rta.ports.Archive`."""
    with store.lock:
        found = [run for _, run in store.log.runs.values() if _names(run, after)]
        run = max(found, key=lambda one: one.start) if found else None
        log = store.log
        known = None if run is None else log.streams.get(run.stream)
    if run is None:
        return _of_ended(store, after)
    end = min(upto, run.flush_point(run.upto if known is None else known[1]))
    if after.position < run.held_from:
        return Batch([], after.position, lost=True)
    for hole in run.holes:
        if hole.after <= after.position < hole.upto:
            return Batch([], after.position, lost=True)
        if after.position < hole.after:
            end = min(end, hole.after)
    entries: list[Entry] = []
    size = 0
    with store.faults(store.places.log), log.connections.connection() as db:
        for row in rows_behind(db, run.id, after.position, end):
            if row is None:
                return Batch(entries, entries[-1].position if entries else after.position, lost=not entries)
            size += row.raw_size
            if entries and size > max_bytes:
                return Batch(entries, entries[-1].position)
            entries.append(Entry(row.position, run.session_id, burst_of(row)))
    with store.lock:
        trimmed = run.id not in log.runs or log.runs[run.id][1].held_from > after.position
    if trimmed:  # while they were read
        return Batch([], after.position, lost=True)
    return Batch(entries, max(after.position, end))


def _of_ended(store: ArchiveStore, after: FlushPoint) -> Batch:
    """Nothing is lost for whoever had all of a run."""
    with store.faults(store.places.log), store.log.connections.connection() as db:
        run = ended_run(db, after.stream, after.session_id, after.position)
    return Batch([], after.position, lost=run is None or after.position < run.last)


def _names(run: KeptRun, point: FlushPoint) -> bool:
    return (run.stream, run.session_id) == (point.stream, point.session_id) and run.start <= point.position
