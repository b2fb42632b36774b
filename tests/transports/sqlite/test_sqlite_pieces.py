"""Sealed sessions are read in whole pieces, and chunk by chunk where a part is wanted or something is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rta_transports.sqlite.chunk_reading import FileChunks, chunks_in_order
from rta_transports.sqlite.chunk_rows import ChunkRow, made_chunk
from rta_transports.sqlite.pieces import all_pieces, damaged_pieces
from rta_transports.sqlite.reading import SessionReading
from rta_transports.sqlite.sealed_file import SealedFile
from rta_transports.sqlite.session_file import SessionHead, read_head

from rta.errors import DamagedFileError
from rta.ports import ALL_CHANNELS, ChannelRanges, Chunk, DataKind, DataRange
from rta.wire import ChunkParser

CHUNKS = 12
SIZE = 40_000


def chunk(kind: DataKind, channel: int, number: int) -> Chunk:
    """From `10 * number` on, 5 ns long, with bytes of its own."""
    channels = {DataKind.ROW: (channel, channel + 1), DataKind.EVENTS: ()}.get(kind, (channel,))
    packed = bytes([number, channel, *kind.value.encode()]) * (SIZE // 20)
    return Chunk(kind, channels, 10 * number, 10 * number + 5, SIZE, packed)


SENT = [chunk(kind, channel, number) for kind in DataKind for channel in (1, 2, 5) for number in range(CHUNKS)]
EVENTS = [one for one in SENT if one.kind is DataKind.EVENTS][:CHUNKS]
SENT = [one for one in SENT if one.kind is not DataKind.EVENTS] + EVENTS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = SealedFile(tmp_path / "a.sqlite", large=True)
    for one in SENT:
        file.add(ChunkRow(one, 0, 0, b""))
    file.finish(SessionHead("a"))
    return file.path


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def read(db: sqlite3.Connection, wanted: DataRange) -> tuple[list[Chunk], int]:
    """What REST sends, and how many chunks are damaged."""
    reading = SessionReading("a")
    reading.begin([FileChunks(db, read_head(db), wanted)], wanted)
    parser, out, is_last = ChunkParser(wanted.kind), [], False
    while not is_last:
        batch, data = reading.next(100_000)
        out += parser.feed(b"".join(data))
        is_last = batch.is_last
    parser.end()
    return out, reading.damaged


def key(one: Chunk) -> tuple[object, ...]:
    return (one.channels, one.start)


@pytest.mark.parametrize("kind", DataKind)
@pytest.mark.parametrize("channels", [ALL_CHANNELS, ((1, 1),), ((2, 2), (4, 9)), ((3, 4),), ((7, 8),)])
@pytest.mark.parametrize(("start", "end"), [(None, None), (35, 62), (0, 10_000), (36, None), (None, -1)])
def test_what_is_wanted_is_read(
    db: sqlite3.Connection, kind: DataKind, channels: ChannelRanges, start: int | None, end: int | None
) -> None:
    wanted = DataRange(kind, channels, start, end)
    expected = [
        one
        for one in SENT
        if one.kind is kind
        and (kind is DataKind.EVENTS or any(a <= c <= b for c in one.channels for a, b in channels))
        and (start is None or one.end >= start)
        and (end is None or one.start <= end)
    ]
    found, damaged = read(db, wanted)
    assert (sorted(found, key=key), damaged) == (sorted(expected, key=key), 0)
    plain = chunks_in_order([FileChunks(db, read_head(db), wanted)], wanted)
    assert sorted((made_chunk(kind, one) for one in plain if one), key=key) == sorted(expected, key=key)


def test_of_a_whole_piece_nothing_but_the_piece_is_read(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM chunks")
    found, damaged = read(db, DataRange(DataKind.PERIODIC))
    assert (len(found), damaged) == (3 * CHUNKS, 0)


def test_of_a_damaged_piece_the_damaged_chunks_alone_are_left_out(db: sqlite3.Connection) -> None:
    piece = next(piece for piece in all_pieces(db) if piece.kind == 0 and piece.chunks > 2)
    row = piece.row + 1
    (place,) = db.execute("SELECT place FROM chunks WHERE id = ?", (row,)).fetchone()
    with db.blobopen("pieces", "data", piece.id) as blob:
        blob[place + 100] ^= 1  # type: ignore[operator]
    kind = DataRange(DataKind.TIMESTAMPED)
    found, damaged = read(db, kind)
    assert (len(found), damaged) == (3 * CHUNKS - 1, 1)
    assert all(one in SENT for one in found)
    db.execute("UPDATE chunks SET start = start + 1 WHERE id = ?", (row + 1,))
    db.execute("DELETE FROM chunks WHERE id = ?", (piece.row,))
    assert read(db, kind)[1] == 3


def test_a_damaged_head_between_two_chunks_does_no_harm(db: sqlite3.Connection) -> None:
    assert damaged_pieces(db) == 0
    piece = next(piece for piece in all_pieces(db) if piece.kind == 0 and piece.chunks > 2)
    (place,) = db.execute("SELECT place FROM chunks WHERE id = ?", (piece.row + 1,)).fetchone()
    with db.blobopen("pieces", "data", piece.id) as blob:
        blob[place - 1] ^= 1  # type: ignore[operator]
    found, damaged = read(db, DataRange(DataKind.TIMESTAMPED))
    assert (len(found), damaged) == (3 * CHUNKS, 0)
    assert damaged_pieces(db) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE piece_heads SET chunks = chunks + 1 WHERE id = 2",
        "UPDATE piece_heads SET kind = 3 WHERE id = 2",
        "UPDATE piece_heads SET first = 'x' WHERE id = 2",
        "DELETE FROM piece_heads WHERE id = 2",
        "DELETE FROM piece_heads WHERE id = (SELECT max(id) FROM piece_heads)",
    ],
)
def test_what_is_said_of_pieces_is_checked_too(db: sqlite3.Connection, change: str) -> None:
    db.execute(change)
    with pytest.raises(DamagedFileError):
        read(db, DataRange(DataKind.TIMESTAMPED))
