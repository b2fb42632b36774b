"""Chunks as REST transfers them, byte for byte, and what becomes of bytes that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.wire import (
    Chunk,
    ChunkParser,
    ChunkRun,
    ChunkWriter,
    DataKind,
    Event,
    PeriodicData,
    RowData,
    TimestampedData,
    chunk_items,
    encode_timestamped,
    make_chunk,
    read_chunk,
)
from rta.wire.chunks import CHUNK_LIMIT

SECOND = 10**9
START = 1620129055 * SECOND
PAYLOAD = "0a30081011007690adcada7b16188094ebdc0322030004052a186666666666662940cdcccccccccc2d403333333333333540"
LZ4 = "f10c0a30081011007690adcada7b16188094ebdc0322030004052a18660100f0032940cdcccccccccc2d403333333333333540"
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)

chunks = st.builds(
    lambda kind, channels, start, end, items: make_chunk(kind, tuple(channels), start, end, items),
    st.just(DataKind.ROW),
    st.lists(st.integers(0, 0xFFFFFFFF), max_size=5),
    INT64,
    INT64,
    st.lists(st.binary(max_size=20), max_size=5),
)


def guide_chunk() -> Chunk:
    """The three samples of the guide's example."""
    data = encode_timestamped(16, [START, START + 4 * SECOND, START + 9 * SECOND], [12.7, 14.9, 21.2])  # type: ignore[arg-type]
    return make_chunk(DataKind.TIMESTAMPED, (16,), START, START + 9 * SECOND, [data.SerializeToString()])


def test_the_list_message_is_that_of_the_guide():
    chunk = guide_chunk()
    assert chunk.raw().hex() == PAYLOAD
    assert chunk.raw_size == 50
    assert chunk.packed.hex() == LZ4


def test_the_first_header_counts_from_zero_and_the_next_from_the_first():
    writer = ChunkWriter()
    assert writer.head(guide_chunk()).hex() == "19000000" + "0880d883d9d5b2edfb2c1080e88887431a0110200128323033"
    later = Chunk(DataKind.TIMESTAMPED, (16,), START + 10 * SECOND, START + 14 * SECOND, 99, bytes(77))
    assert writer.head(later).hex() == "13000000" + "088090dfc04a10ffc7afa0251a01102863304d"


@given(st.lists(chunks, max_size=6), st.data())
def test_whatever_is_written_is_read_in_whatever_pieces_it_comes(sent: list[Chunk], data: st.DataObject):
    raw = ChunkWriter().write(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    parser = ChunkParser(DataKind.ROW)
    got = [c for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True) for c in parser.feed(raw[a:b])]
    parser.end()
    assert got == sent


@given(st.lists(chunks, max_size=4), st.lists(st.lists(chunks, min_size=1, max_size=4), max_size=3))
def test_runs_are_written_behind_what_was_before(before: list[Chunk], runs: list[list[Chunk]]):
    writer = ChunkWriter()
    raw = writer.write(before)
    for run in runs:
        raw += b"".join(writer.write_run(ChunkRun(ChunkWriter().write(run), run[-1].start, run[-1].end)))
    sent = [*before, *(chunk for run in runs for chunk in run)]
    assert raw == ChunkWriter().write(sent)
    assert ChunkParser(DataKind.ROW).feed(raw) == sent


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        (DataKind.TIMESTAMPED, TimestampedData(channel_id=1, start_timestamp=-5, timestamp_deltas=[0], buffer=b"a")),
        (DataKind.PERIODIC, PeriodicData(channel_id=1, start_timestamp=9, interval=7, samples=1, buffer=b"a")),
        (DataKind.ROW, RowData(channel_ids=[1, 2], timestamp=3, buffer=b"ab")),
        (DataKind.EVENTS, Event(event_definition_id=4, app_name="app", timestamp=5, raw_data=[1.5])),
    ],
)
def test_the_items_of_each_kind_are_read_back(kind: DataKind, item: TimestampedData):
    chunk = make_chunk(kind, (), 0, 0, [item.SerializeToString()] * 2)
    assert read_chunk(chunk) == [item, item]
    assert chunk_items(chunk) == [item.SerializeToString()] * 2


def test_a_payload_that_is_not_compressed_is_read():
    payload = bytes.fromhex(PAYLOAD)
    header = bytes.fromhex("0880d883d9d5b2edfb2c1080e88887431a011028323032")
    (chunk,) = ChunkParser(DataKind.TIMESTAMPED).feed(len(header).to_bytes(4, "little") + header + payload)
    assert chunk.raw() == payload
    assert (chunk.start, chunk.end) == (START, START + 9 * SECOND)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("ffffffff", "chunk"),  # a negative length
        ("01001000", "chunk"),  # more than a header may have
        ("0200000008ff", "chunk"),  # the header ends within a number
        ("020000002002", "chunk"),  # compression 2
        ("0b000000" + "20ffffffffffffffffff01", "chunk"),  # compression -1
        ("0500000028818080" + "02", "oversize"),  # 4 MiB and a byte unpacked
        ("0b00000028ffffffffffffffffff01", "oversize"),  # a negative size
        ("0500000030ffffff7f", "oversize"),  # packed, 256 MiB
        ("02000000" + "2805" + "", "chunk"),  # plain, and of another size than the header says
    ],
)
def test_what_is_no_chunk_is_malformed(raw: str, kind: str):
    with pytest.raises(MalformedError) as e:
        ChunkParser(DataKind.ROW).feed(bytes.fromhex(raw))
    assert e.value.kind == kind


@pytest.mark.parametrize("length", [1, 4, 20, 60])
def test_an_answer_that_ends_within_a_chunk_is_malformed(length: int):
    parser = ChunkParser(DataKind.TIMESTAMPED)
    assert parser.feed(ChunkWriter().write([guide_chunk()])[:length]) == []
    with pytest.raises(MalformedError, match="within a chunk"):
        parser.end()


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_malformed(raw: bytes):
    parser = ChunkParser(DataKind.EVENTS)
    try:
        for chunk in parser.feed(raw):
            read_chunk(chunk)
        parser.end()
    except MalformedError:
        pass


@pytest.mark.parametrize(
    ("chunk", "kind"),
    [
        (make_chunk(DataKind.ROW, (), 0, 0, [b"\xff"]), "protobuf"),
        (make_chunk(DataKind.ROW, (), 0, 0, [b""])._replace(raw_size=1), "lz4"),
        (make_chunk(DataKind.ROW, (), 0, 0, [b"abcd" * 99])._replace(raw_size=7), "oversize"),
        (make_chunk(DataKind.ROW, (), 0, 0, [b""])._replace(raw_size=300, packed=b"\x99"), "lz4"),
        (make_chunk(DataKind.ROW, (), 0, 0, [b""] * (300 << 10)), "oversize"),
        (make_chunk(DataKind.ROW, (), 0, 0, [bytes(CHUNK_LIMIT)]), "oversize"),
    ],
)
def test_a_payload_that_is_none_is_malformed(chunk: Chunk, kind: str):
    with pytest.raises(MalformedError) as e:
        read_chunk(chunk)
    assert e.value.kind == kind
