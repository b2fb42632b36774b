"""The files of a session: tables, the one row that says what is in them, rounds of chunks, and their check sums.

A session has one file or two. The *open* one gets rounds, and has a write-ahead log. When the session is sealed, all
that it has is written into a new *sealed* one, which does not change any more; what comes late goes into another open
one, until both are sealed again. `generation` tells which came first: an open file whose generation is not greater than
that of the sealed one has been sealed already.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from attrs import evolve, frozen

from rta.errors import DamagedFileError
from rta.ports import Chunk, DataKind, Position, RecordedChannel
from rta.store.database import FileLayout, check_sum, create, transaction
from rta.wire import TimeRange
from rta_transports.sqlite.kind import FORMAT, PAGE
from rta_transports.sqlite.run import KeptRun, read_run, write_run

__all__ = [
    "KINDS",
    "SESSION_FILE",
    "ChunkRow",
    "Round",
    "RoundRun",
    "SessionHead",
    "chunk_of",
    "create_session_file",
    "read_head",
    "read_rounds",
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
                     first INTEGER, last INTEGER, channels BLOB, sum INTEGER, seen INTEGER, overview BLOB,
                     piece INTEGER, place INTEGER, size INTEGER, packed BLOB);
CREATE TABLE pieces (id INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE overviews (id INTEGER PRIMARY KEY, kind INTEGER, channel INTEGER, start INTEGER, last INTEGER, data BLOB,
                        sum INTEGER);
CREATE INDEX overviews_by_channel ON overviews (kind, channel, start);
CREATE INDEX chunks_by_channel ON chunks (kind, channel, start, "end");
""",
)

KINDS = tuple(DataKind)
"""The number of a kind is its place in here."""

_PIECE = 256 << 10  # bytes, about
_INSERT = f"INSERT INTO chunks VALUES (NULL, {', '.join('?' * 15)})"  # noqa: S608
_numbers = struct.Struct("<7q").pack


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
    format: int = FORMAT


class ChunkRow(NamedTuple):
    """A chunk as the file has it."""

    chunk: Chunk
    first: int
    """Of the log's rows that it was made of."""
    last: int
    overview: bytes


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


def write_chunks(db: sqlite3.Connection, rows: Sequence[ChunkRow]) -> None:
    """Within a transaction."""
    db.executemany(_INSERT, [_chunk_values(row) for row in rows])


def insert_chunk(db: sqlite3.Connection, number: int, values: Sequence[object]) -> None:
    """A row of `chunks` as it is, under its number. Within a transaction."""
    db.execute(f"REPLACE INTO chunks VALUES ({', '.join('?' * 16)})", (number, *values))  # noqa: S608


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


# ---- chunks


def _chunk_values(row: ChunkRow, piece: int | None = None, place: int | None = None) -> tuple[object, ...]:
    chunk = row.chunk
    kind = KINDS.index(chunk.kind)
    channel = min(chunk.channels, default=0)
    channels = None if len(chunk.channels) < 2 else struct.pack(f"<{len(chunk.channels)}I", *chunk.channels)
    head = (kind, channel, chunk.start, chunk.end, chunk.raw_size, row.first, row.last, channels)
    summed, seen = _sum(*head, row.overview, chunk.packed), zlib.crc32(row.overview)
    packed = chunk.packed if piece is None else None
    return (*head, summed, seen, row.overview, piece, place, len(chunk.packed), packed)


def _sum(
    kind: int,
    channel: int,
    start: int,
    end: int,
    raw: int,
    first: int,
    last: int,
    channels: bytes | None,
    overview: bytes,
    packed: bytes | memoryview,
) -> int:
    summed = zlib.crc32(_numbers(kind, channel, start, end, raw, first, last))
    return zlib.crc32(packed, zlib.crc32(overview, zlib.crc32(channels or b"", summed)))


CHUNKS = """
SELECT id, kind, channel, start, "end", raw, first, last, channels, overview, sum, piece, place, size, packed
FROM chunks
"""
"""Rows for `chunk_of`."""


def chunk_of(values: Sequence[Any], packed: bytes) -> ChunkRow | None:
    """A chunk from a row of `CHUNKS`; None: it is not as it was written."""
    try:
        _, kind, channel, start, end, raw, first, last, channels, overview, summed = values[:11]
        if _sum(kind, channel, start, end, raw, first, last, channels, overview, packed) != summed:
            return None
        named = _channels(KINDS[kind], channel, channels)
        return ChunkRow(Chunk(KINDS[kind], named, start, end, raw, packed), first, last, overview)
    except (TypeError, ValueError, struct.error):
        return None


def _channels(kind: DataKind, channel: int, channels: bytes | None) -> tuple[int, ...]:
    if channels is not None:
        return struct.unpack(f"<{len(channels) // 4}I", channels)
    return () if kind is DataKind.EVENTS else (channel,)


def read_channels(db: sqlite3.Connection) -> Iterator[RecordedChannel]:
    """How many chunks there are of each channel, or what else a chunk can be about."""
    query = """SELECT kind, channel, channels, count(*), sum(size), min(start), max("end") FROM chunks
    GROUP BY kind, channel, channels"""
    for kind, channel, channels, *amounts in db.execute(query):
        yield RecordedChannel(KINDS[kind], _channels(KINDS[kind], channel, channels), *amounts)


OVERVIEWS = """
SELECT id, start, "end", seen, overview FROM chunks WHERE kind = ? AND channel = ? AND start >= ? AND start <= ?
ORDER BY start
"""
"""Rows of a channel with the check sums of their overviews, without their samples."""

GROUPS = "SELECT start, last, data, sum FROM overviews WHERE kind = ? AND channel = ? ORDER BY start"
"""Overviews of several chunks of a channel each, with the starts of the first and the last."""


def write_group(db: sqlite3.Connection, kind: DataKind, channel: int, start: int, last: int, data: bytes) -> None:
    """The overview of several chunks that follow each other. Within a transaction."""
    values = (KINDS.index(kind), channel, start, last, data, zlib.crc32(data))
    db.execute("INSERT INTO overviews VALUES (NULL, ?, ?, ?, ?, ?, ?)", values)


class ChunkSink:
    """Writes chunks of a sealed file: the bytes of a channel's come one behind the other, in pieces.

    Rows of their own would leave up to half of each page empty. Nothing is written before so much is there that what
    belongs together is together, in whatever order it comes.
    """

    def __init__(self, db: sqlite3.Connection, held: int) -> None:
        """`held`: bytes that may be in memory."""
        self._db = db
        self._most = held
        self._piece = 0
        self._size = 0
        self._rows: list[ChunkRow] = []

    def add(self, row: ChunkRow) -> None:
        """Those of one channel by their starts. Within a transaction."""
        if self._rows and self._size + len(row.chunk.packed) > self._most:
            self.flush()
        self._rows.append(row)
        self._size += len(row.chunk.packed) + len(row.overview)

    def flush(self) -> None:
        """Write what is held."""
        rows = sorted(self._rows, key=lambda row: (KINDS.index(row.chunk.kind), row.chunk.channels))
        self._rows, self._size = [], 0
        held: list[bytes] = []
        values: list[tuple[object, ...]] = []
        size = 0
        for i, row in enumerate(rows):
            begins = size >= _PIECE // 4 and row.chunk.channels != rows[i - 1].chunk.channels
            if held and (begins or size + len(row.chunk.packed) > _PIECE):
                self._write(held, values)
                held, values, size = [], [], 0
            values.append(_chunk_values(row, self._piece + 1, size))
            held.append(row.chunk.packed)
            size += len(row.chunk.packed)
        if held:
            self._write(held, values)

    def _write(self, held: list[bytes], values: list[tuple[object, ...]]) -> None:
        self._piece += 1
        self._db.execute("INSERT INTO pieces VALUES (?, ?)", (self._piece, b"".join(held)))
        self._db.executemany(_INSERT, values)
