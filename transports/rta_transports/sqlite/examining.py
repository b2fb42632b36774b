"""What `rta doctor` says of an archive on disk: whether it can be used, and what is worth knowing."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import trio

from rta.errors import ArchiveError
from rta.formatting import counted, format_bytes
from rta.ports import ArchivedSession, Context, Finding
from rta_transports.sqlite.check import check, first_there
from rta_transports.sqlite.options import SqliteArchiveOptions, folder_of
from rta_transports.sqlite.places import ArchivePlaces
from rta_transports.sqlite.stored import SqliteStoredArchive

__all__ = ["examine"]

_LOW, _LOWEST = 2 << 30, 128 << 20  # bytes that are free on the disk
_RESET_BUG = (3, 7, 0), (3, 51, 2)  # the first and the last version that has it
_LINES = 10


async def examine(
    options: SqliteArchiveOptions, context: Context, identity: str | None, back_scan: float | None
) -> list[Finding]:
    """See `rta.ports.Offer`."""
    return await trio.to_thread.run_sync(lambda: list(_findings(options, context, identity)))


def _findings(options: SqliteArchiveOptions, context: Context, identity: str | None) -> Iterator[Finding]:
    for fault in check(options, context):
        yield Finding.problem("archive.place", fault, "Nothing is recorded.")
        return
    folder = folder_of(options, context)
    assert folder is not None, "that is a fault"
    yield from _disk(folder)
    yield from _version()
    if not ArchivePlaces(folder).log.exists():
        yield Finding.ok("archive.new", f"there is no archive in {folder} yet", "The service makes it when it starts.")
        return
    try:
        yield from _contents(folder, identity)
    except ArchiveError as e:
        yield Finding.problem(
            "archive.unreadable", str(e), "", "`rta archive verify` says more; a service sets aside what is damaged."
        )


def _disk(folder: Path) -> Iterator[Finding]:
    usage = shutil.disk_usage(first_there(folder))
    title = f"{format_bytes(usage.free)} of {format_bytes(usage.total)} are free on the disk of the archive"
    if usage.free < _LOWEST:
        yield Finding.problem(
            "archive.disk", title, "Soon nothing is recorded; live goes on.", "Make room, or set archive.min_free."
        )
    elif usage.free < _LOW:
        yield Finding.warning(
            "archive.disk",
            title,
            "Where it is full nothing is recorded; live goes on.",
            "`rta archive prune` makes room; archive.min_free and archive.max_size keep it.",
        )
    else:
        yield Finding.ok("archive.disk", title)


def _version() -> Iterator[Finding]:
    title = f"SQLite {sqlite3.sqlite_version}"
    first, last = _RESET_BUG
    if first <= sqlite3.sqlite_version_info <= last:
        yield Finding.note(
            "archive.sqlite",
            f"{title}, which has the WAL-reset bug",
            "Where two connections commit or checkpoint at the same moment it can damage a file (3.7.0 to 3.51.2, "
            "sqlite.org/wal.html). The archive has one connection that writes, so that it does not matter here.",
            "Let no other program write into the files of the archive.",
        )
    else:
        yield Finding.ok("archive.sqlite", title)


def _contents(folder: Path, identity: str | None) -> Iterator[Finding]:
    with closing(SqliteStoredArchive(folder)) as archive:
        count, size = archive.totals()
        yield Finding.ok(
            "archive",
            f"{counted(count, 'recorded session')}, {format_bytes(size)}, in {folder}",
            "A service has it open." if archive.in_use else "No service has it open.",
        )
        yield from _set_aside(folder)
        if identity is not None:
            yield _session(archive.find(identity), identity)


def _set_aside(folder: Path) -> Iterator[Finding]:
    found = sorted(path for path in folder.rglob("*.damaged-*") if not path.name.endswith(("-wal", "-shm", "-journal")))
    if found:
        rows = [(str(path.relative_to(folder)), format_bytes(path.stat().st_size)) for path in found[-_LINES:]]
        yield Finding.warning(
            "archive.damaged",
            f"{counted(len(found), 'damaged file')} of the archive set aside",
            "What was right in a session's file is in the one that has its place; of a log, what had not been cut into "
            "chunks is missing.",
            "See the log of the service, and the disk. They may be deleted.",
            (("file", "size"), *rows),
        )


def _session(session: ArchivedSession | None, identity: str) -> Finding:
    if session is None:
        return Finding.note(
            "archive.session", f"nothing is recorded of {identity}", "See [archive] for which sessions are recorded."
        )
    holes = [(run.stream, str(hole.after), str(hole.upto), hole.reason) for run in session.runs for hole in run.holes]
    title = f"{identity} is recorded up to {session.flush_point}, {format_bytes(session.size)}"
    if not holes:
        return Finding.ok("archive.session", title, "Sealed." if session.sealed else "More is taken in.")
    return Finding.warning(
        "archive.holes",
        f"{title}, with {counted(len(holes), 'hole')}",
        "Entries were gone from the buffer before they could be recorded.",
        "Let the buffer hold more: pruner.max_age, pruner.max_entries, buffer.max_bytes.",
        (("stream", "after", "up to", "because"), *holes[:_LINES]),
    )
