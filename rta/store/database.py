"""An SQLite file of ours: its layout, making, connecting to and moving it, transactions, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from rta.errors import ArchiveError, DamagedFileError, HistoryError, RtaError
from rta.state_file import MODE, give_to_owner, make_way, sync_folder
from rta.store.kind import StoreKind

__all__ = [
    "SUFFIXES",
    "FileLayout",
    "beside",
    "check_made",
    "check_sum",
    "connect",
    "connect_beside",
    "create",
    "damage_in",
    "move",
    "spoken",
    "transaction",
]

SUFFIXES = ("", "-wal", "-shm", "-journal")
"""Of the files that a database may consist of."""

_WAIT = 5.0  # s, for a lock that another program holds


def _by_name(statements: str) -> Mapping[str, str]:
    return {text.split()[2]: text.strip() for text in statements.split(";")[:-1]}


@frozen
class FileLayout:
    """What all files of one kind have in common."""

    what: str
    """For people: `the history`."""
    page: int
    """Bytes of a page."""
    made: Mapping[str, str] = field(converter=_by_name)
    """The statements that make its tables and indexes, by their names; given as one text, with semicolons behind."""


def check_sum(*values: object) -> int:
    """The check sum of a row."""
    return zlib.crc32(repr(values).encode("utf-8", "backslashreplace"))


def connect(path: Path, *, reading: bool = False) -> sqlite3.Connection:
    """A connection for any thread, but one at a time."""
    db = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        db.text_factory = lambda text: text.decode("utf-8", "replace")  # of a damaged row, for its check sum to tell
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 0")  # we do that between commits
        db.execute(f"PRAGMA journal_size_limit = {16 << 20}")
        db.execute(f"PRAGMA query_only = {int(reading)}")
    except BaseException:
        db.close()
        raise
    return db


def connect_beside(path: Path) -> sqlite3.Connection:
    """A connection that only reads a file which another process may have open, and never brings its log into it."""
    try:
        return _reads(f"{path.absolute().as_uri()}?mode=ro")
    except sqlite3.OperationalError:
        if beside(path, "-wal").exists() or not path.exists():
            raise
        return _reads(f"{path.absolute().as_uri()}?mode=ro&immutable=1")  # in a folder that we may not write


def _reads(uri: str) -> sqlite3.Connection:
    db = sqlite3.connect(uri, timeout=_WAIT, isolation_level=None, check_same_thread=False, uri=True)
    try:
        db.text_factory = lambda text: text.decode("utf-8", "replace")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def create(path: Path, layout: FileLayout, fill: Callable[[sqlite3.Connection], object]) -> None:
    """A file with empty tables and what `fill` writes; one of this name is replaced."""
    for suffix in SUFFIXES:
        make_way(beside(path, suffix))
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)  # SQLite's others are like it
    try:
        give_to_owner(descriptor, path)
    finally:
        os.close(descriptor)
    db = connect(path)
    try:
        db.execute(f"PRAGMA page_size = {layout.page}")
        db.execute("BEGIN")
        for statement in layout.made.values():
            db.execute(statement)
        fill(db)
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode = WAL")
    finally:
        db.close()


def beside(path: Path, suffix: str) -> Path:
    """A file of the same name with something at its end."""
    return path.with_name(path.name + suffix)


def move(path: Path, to: Path) -> None:
    """A database with its log, in place of what was there, which is as it was until then; lasting.

    :raises OSError: it cannot be.
    """
    for suffix in reversed(SUFFIXES):
        new, old = beside(path, suffix), beside(to, suffix)
        if old.is_dir() or not new.exists():
            make_way(old)
        if new.exists():
            os.replace(new, old)
    sync_folder(path.parent)


_HEAD = (  # where, and what is there in every file that we make; the numbers of versions are 1 in a copy by `.backup`
    (0, (b"SQLite format 3\0",)),
    (18, (b"\1\1\0@  ", b"\2\2\0@  ")),
    (44, (b"\0\0\0\4",)),
    (52, (b"\0\0\0\0\0\0\0\1" + bytes(32),)),
)


def check_made(head: bytes, layout: FileLayout) -> None:
    """Whether a file begins as ours do: a wrong bit there makes SQLite say that it may not write, or read other texts.

    :param head: the first 100 bytes.
    :raises DamagedFileError: it does not.
    """
    size = (16, (layout.page.to_bytes(2, "big"),))
    if not all(head.startswith(allowed, at) for at, allowed in (*_HEAD, size)):
        raise DamagedFileError("its head is not as it was written")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it is kept, or nothing."""
    try:
        if db.in_transaction:  # one that could not be taken back
            db.execute("ROLLBACK")
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # some errors have ended it already
            db.execute("ROLLBACK")
        raise


_NO_DAMAGE = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOLFS,
)
# A place on the disk that cannot be read, and a file that somebody has moved or removed under us.
_DAMAGE = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_READONLY_DBMOVED)


def damage_in(error: Exception) -> str | None:
    """What is wrong with the file, if it is not what it was; None: it is, and out of reach.

    :param error: what reading or writing the file has raised. SQLite's texts quote what is in the file, so that they
        may be no texts.
    """
    if isinstance(error, sqlite3.ProgrammingError | OSError | MemoryError | HistoryError | ArchiveError):
        return None
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code & 0xFF in _NO_DAMAGE and code not in _DAMAGE:
            return None
    if isinstance(error, sqlite3.Error | DamagedFileError):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        return "what SQLite says of it is no text"
    return f"{type(error).__name__}: {error}"


_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_BUSY: "another program holds it",
}


def spoken(kind: StoreKind, path: Path, error: Exception) -> RtaError:
    """What has happened, for people."""
    code = getattr(error, "sqlite_errorcode", 0)
    reason = _REASONS.get(code & 0xFF)
    what = f"the {kind.name} {path}"
    return kind.error(f"{what}: {reason} ({error})" if reason else f"{what}: {error}")
