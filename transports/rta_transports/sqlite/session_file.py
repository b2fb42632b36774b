"""The files of a session: tables, the one row that says what is in them, rounds of chunks, and their check sums.

A session has one file or two. The *open* one gets rounds, and has a write-ahead log. When the session is sealed, all
that it has is written into a new *sealed* one, which does not change any more; what comes late goes into another open
one, until both are sealed again. `generation` tells which came first: an open file whose generation is not greater than
that of the sealed one has been sealed already.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from rta.errors import DamagedFileError
from rta.ports import Position
from rta.store.database import FileLayout, check_sum, create, transaction
from rta.wire import TimeRange
from rta_transports.sqlite.chunk_rows import KINDS, ChunkRow, write_chunks
from rta_transports.sqlite.kind import FORMAT, PAGE
from rta_transports.sqlite.run import KeptRun, read_run, write_run

__all__ = [
    "SESSION_FILE",
    "Round",
    "RoundRun",
    "SessionHead",
    "create_session_file",
    "read_documents",
    "read_head",
    "read_rounds",
    "write_document_row",
    "write_head",
    "write_round",
]

SESSION_FILE = FileLayout(
    "a session in the archive",
    PAGE,
    """
CREATE TABLE head (id INTEGER PRIMARY KEY, data TEXT, json BLOB, sum INTEGER);
CREATE TABLE rounds (id INTEGER PRIMARY KEY, last INTEGER, data TEXT, sum INTEGER);
CREATE TABLE documents (id INTEGER PRIMARY KEY, kind TEXT, packed BLOB);
CREATE TABLE chunks (id INTEGER PRIMARY KEY, kind INTEGER, channel INTEGER, start INTEGER, "end" INTEGER, raw INTEGER,
                     first INTEGER, last INTEGER, channels BLOB, summed INTEGER, sum INTEGER, seen INTEGER,
                     overview BLOB, piece INTEGER, place INTEGER, size INTEGER, packed BLOB);
CREATE TABLE pieces (id INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE piece_heads (id INTEGER PRIMARY KEY, kind INTEGER, first INTEGER, last INTEGER, row INTEGER,
                          chunks INTEGER, least_start INTEGER, greatest_start INTEGER, least_end INTEGER,
                          greatest_end INTEGER, start INTEGER, "end" INTEGER, summed INTEGER, sum INTEGER);
CREATE TABLE overviews (id INTEGER PRIMARY KEY, kind INTEGER, channel INTEGER, start INTEGER, last INTEGER, data BLOB,
                        sum INTEGER);
CREATE INDEX overviews_by_channel ON overviews (kind, channel, start);
CREATE INDEX piece_heads_by_channel ON piece_heads (kind, first, last);
CREATE INDEX chunks_by_channel ON chunks (kind, channel, start, "end");
""",
)


@frozen
class SessionHead:
    """What is in a file of a session."""

    identity: str
    json: str = ""
    span: TimeRange | None = None
    generation: int = 1
    sealed: bool = False
    log: bytes = b""
    """The log that `cut` is a number of."""
    cut: int = 0
    """Up to which row of the log its chunks go."""
    runs: tuple[KeptRun, ...] = ()
    longest: tuple[int, ...] = (0,) * len(KINDS)
    """Of the chunks of each kind, ns: none is longer."""
    described: int = 0
    """How often the JSON has been given apart from the stream."""
    chunks: int = 0
    in_pieces: bool = False
    """Whether all of its chunks are in pieces with heads: it was sealed, and has not been mended."""
    format: int = FORMAT


@frozen
class RoundRun:
    """What a round has of one run."""

    stream: str
    session_id: int
    start: Position
    earliest: Position
    """Of its first entry."""
    latest: Position
    entries: int


@frozen
class Round:
    """What was cut at one place of the log."""

    last: int
    """The number of its last row."""
    runs: tuple[RoundRun, ...] = ()
    first: int = 0


def create_session_file(path: Path, head: SessionHead) -> None:
    """With nothing else in it; one of this name is replaced."""
    create(path, SESSION_FILE, lambda db: write_head(db, head))


# ---- the head


def write_head(db: sqlite3.Connection, head: SessionHead) -> None:
    """Within a transaction."""
    data = {
        "format": head.format,
        "identity": head.identity,
        "span": None if head.span is None else [head.span.start, head.span.end],
        "generation": head.generation,
        "sealed": head.sealed,
        "log": head.log.hex(),
        "cut": head.cut,
        "runs": [write_run(run) for run in head.runs],
        "longest": head.longest,
        "described": head.described,
        "chunks": head.chunks,
        "in_pieces": head.in_pieces,
    }
    values = (1, json.dumps(data), head.json.encode("utf-8", "surrogatepass"))
    db.execute("REPLACE INTO head VALUES (?, ?, ?, ?)", (*values, check_sum(*values)))


def read_head(db: sqlite3.Connection) -> SessionHead:
    """:raises DamagedFileError: it is not as it was written.
    :raises sqlite3.Error: the file cannot be read.
    """
    row = db.execute("SELECT id, data, json, sum FROM head WHERE id = 1").fetchone()
    try:
        if row is None or check_sum(*row[:3]) != row[3]:
            raise DamagedFileError("its head is not as it was written")
        data: dict[str, Any] = json.loads(row[1])
        if int(data["format"]) > FORMAT:
            raise DamagedFileError(f"its format is {data['format']}; this program knows those up to {FORMAT}")
        return SessionHead(
            identity=data["identity"],
            json=row[2].decode("utf-8", "surrogatepass"),
            span=None if data["span"] is None else TimeRange(*data["span"]),
            generation=data["generation"],
            sealed=data["sealed"],
            log=bytes.fromhex(data["log"]),
            cut=data["cut"],
            runs=tuple(read_run(0, run) for run in data["runs"]),
            longest=tuple(data["longest"]),
            described=data["described"],
            chunks=data["chunks"],
            in_pieces=data["in_pieces"],
        )
    except (TypeError, ValueError, KeyError, AttributeError) as e:
        raise DamagedFileError(f"its head cannot be read: {e}") from None


# ---- rounds


def write_round(db: sqlite3.Connection, head: SessionHead, cut: Round | None, rows: Sequence[ChunkRow]) -> SessionHead:
    """A round, and what the head says then, in one transaction that lasts.

    :return: the head, with what the new chunks change in it.
    """
    longest = list(head.longest)
    for row in rows:
        kind = KINDS.index(row.chunk.kind)
        longest[kind] = max(longest[kind], row.chunk.end - row.chunk.start)
    head = evolve(head, longest=tuple(longest), chunks=head.chunks + len(rows))
    with transaction(db):
        write_chunks(db, rows)
        if cut is not None:
            _write_round(db, cut)
        write_head(db, head)
    return head


def read_documents(db: sqlite3.Connection) -> list[bytes]:
    """The configurations that were laid into the file: see `rta_transports.sqlite.documents`."""
    return [packed for (packed,) in db.execute("SELECT packed FROM documents ORDER BY id")]


def write_document_row(db: sqlite3.Connection, packed: bytes) -> None:
    """Within a transaction."""
    db.execute("INSERT INTO documents VALUES (NULL, 'configuration', ?)", (packed,))


def _write_round(db: sqlite3.Connection, cut: Round) -> None:
    runs = [[r.stream, r.session_id, str(r.start), str(r.earliest), str(r.latest), r.entries] for r in cut.runs]
    values = (cut.last, json.dumps([cut.first, runs]))
    db.execute("INSERT INTO rounds VALUES (NULL, ?, ?, ?)", (*values, check_sum(*values)))


def read_rounds(db: sqlite3.Connection) -> list[Round]:
    """In order; those that are not as they were written are left out."""
    found = []
    for last, data, summed in db.execute("SELECT last, data, sum FROM rounds ORDER BY id"):
        if check_sum(last, data) == summed:
            first, runs = json.loads(data)
            found.append(
                Round(
                    last,
                    tuple(map(_round_run, runs)),
                    first,
                )
            )
    return found


def _round_run(data: Sequence[Any]) -> RoundRun:
    stream, session_id, start, earliest, latest, entries = data
    parse = Position.parse
    return RoundRun(stream, session_id, parse(start), parse(earliest), parse(latest), entries)
