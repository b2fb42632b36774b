"""Chunks: samples of one channel, or row group, or events, of one stretch; and how REST transfers them.

On the wire a chunk is the length of its header (4 bytes, little-endian), the header, the packed list message.
Source: docs/rest.md, "Data".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from struct import Struct
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from rta.errors import MalformedError
from rta.wire._pb import chunks_pb2, data_pb2, scan_pb2
from rta.wire.block import pack, unpack
from rta.wire.burst import Data, has_fields, join

__all__ = [
    "CHUNK_LIMIT",
    "Chunk",
    "ChunkParser",
    "ChunkRun",
    "ChunkWriter",
    "DataKind",
    "chunk_items",
    "make_chunk",
    "read_chunk",
    "reading",
    "wrapped",
]

CHUNK_LIMIT = 4 << 20
"""Bytes that a list message must not exceed."""

_MOST_FIELDS = 1 << 18  # of a list message that is parsed, which cannot be interrupted
_LARGE = 256 << 10  # bytes from which on fields are counted before
_HEADER_LIMIT = 1 << 20  # a row of more channels does not fit into a burst
_PACKED_LIMIT = CHUNK_LIMIT + CHUNK_LIMIT // 255 + 16  # what LZ4 makes of bytes that cannot be compressed
_SLACK = 64  # LZ4 checks the end of a block by the room there is
_LENGTH = Struct("<i")
_LZ4 = 1


class DataKind(Enum):
    """The four kinds of data, by their names in REST paths."""

    TIMESTAMPED = "timestamped"
    PERIODIC = "periodic"
    ROW = "row"
    EVENTS = "events"


class Chunk(NamedTuple):
    """Samples of one channel (or row group, or events) of one stretch."""

    kind: DataKind
    channels: tuple[int, ...]
    """One; all of a row; of events none."""
    start: int
    """ns since the Unix epoch: of the first sample in it."""
    end: int
    """Of the last."""
    raw_size: int
    """Bytes of the list message."""
    packed: bytes | memoryview
    """The list message as an LZ4 block. A view keeps what has come together with it."""

    def raw(self) -> bytes:
        """The list message.

        :raises MalformedError: kind `lz4` or `oversize`: `packed` is not what `raw_size` says.
        """
        raw = unpack(self.packed, self.raw_size + _SLACK)
        if len(raw) != self.raw_size:
            raise MalformedError("lz4", f"a chunk unpacks to {len(raw)} bytes; its header says {self.raw_size}")
        return raw


class ChunkRun(NamedTuple):
    """Chunks that follow each other, as they are transferred if nothing is before them."""

    data: bytes
    start: int
    """Of the last chunk."""
    end: int
    """Likewise."""


_LISTS: dict[DataKind, tuple[Any, str]] = {
    DataKind.TIMESTAMPED: (data_pb2.TimestampedDataList, "timestamped_data"),
    DataKind.PERIODIC: (data_pb2.PeriodicDataList, "periodic_data"),
    DataKind.ROW: (data_pb2.RowDataList, "row_data"),
    DataKind.EVENTS: (data_pb2.EventsList, "events"),
}


def make_chunk(kind: DataKind, channels: tuple[int, ...], start: int, end: int, items: Iterable[bytes]) -> Chunk:
    """`items`: serialised messages of the kind, of these channels, in order. `start`, `end`: of what is in them."""
    raw = join(items)  # all list messages have their items in field 1
    return Chunk(kind, channels, start, end, len(raw), pack(raw))


def chunk_items(chunk: Chunk) -> list[bytes]:
    """The serialised items of a chunk that we have made.

    :raises MalformedError: kind `lz4`, `oversize` or `protobuf`.
    """
    with reading(chunk.kind):
        return list(scan_pb2.Items.FromString(chunk.raw()).data)


def read_chunk(chunk: Chunk) -> list[Data]:
    """The items of any chunk, decoded and checked.

    :raises MalformedError: kind `lz4`, `oversize` or `protobuf`.
    """
    raw = chunk.raw()
    if len(raw) > CHUNK_LIMIT or (len(raw) > _LARGE and has_fields(raw, _MOST_FIELDS)):
        raise MalformedError("oversize", f"a chunk of {len(raw)} bytes holds more than can be read at once")
    message, field = _LISTS[chunk.kind]
    with reading(chunk.kind):
        return list(getattr(message.FromString(raw), field))


@contextmanager
def reading(kind: DataKind) -> Iterator[None]:
    """What is done in here parses a list message.

    :raises MalformedError: kind `protobuf`.
    """
    try:
        yield
    except (DecodeError, ValueError) as e:
        raise MalformedError("protobuf", f"not a list of {kind.value} data: {e}") from None


class ChunkWriter:
    """The chunks of one response. Each header counts from the one before."""

    __slots__ = ("_compression", "_duration", "_start")

    def __init__(self) -> None:
        self._start = self._duration = self._compression = 0

    def head(self, chunk: Chunk) -> bytes:
        """What goes out before the `packed` of the next chunk."""
        duration = chunk.end - chunk.start
        header = chunks_pb2.ChunkTransferHeader(
            chunk_start_time_delta=wrapped(chunk.start - self._start),
            chunk_duration_delta=wrapped(duration - self._duration),
            channel_ids=chunk.channels,
            compression_delta=_LZ4 - self._compression,
            unpacked_length=chunk.raw_size,
            packed_length=len(chunk.packed),
        ).SerializeToString()
        self._start, self._duration, self._compression = chunk.start, duration, _LZ4
        return _LENGTH.pack(len(header)) + header

    def write(self, chunks: Iterable[Chunk]) -> bytes:
        """The next chunks, whole."""
        return b"".join([part for chunk in chunks for part in (self.head(chunk), chunk.packed)])

    def write_run(self, run: ChunkRun) -> tuple[bytes, memoryview]:
        """The next chunks, whole, in two parts: all but the first header stays as it is."""
        (length,) = _LENGTH.unpack_from(run.data)
        behind = _LENGTH.size + length
        header = chunks_pb2.ChunkTransferHeader.FromString(run.data[_LENGTH.size : behind])
        header.chunk_start_time_delta = wrapped(header.chunk_start_time_delta - self._start)
        header.chunk_duration_delta = wrapped(header.chunk_duration_delta - self._duration)
        header.compression_delta -= self._compression
        self._start, self._duration, self._compression = run.start, run.end - run.start, _LZ4
        head = header.SerializeToString()
        return _LENGTH.pack(len(head)) + head, memoryview(run.data)[behind:]


class ChunkParser:
    """The inverse of `ChunkWriter`, for bytes as they come. Holds one chunk at most, of 5 MiB at most."""

    def __init__(self, kind: DataKind) -> None:
        """`kind`: the answer does not say it."""
        self._kind = kind
        self._held = bytearray()
        self._header: chunks_pb2.ChunkTransferHeader | None = None
        self._need = _LENGTH.size
        self._in_header = False
        self._start = self._duration = self._compression = 0

    def feed(self, data: bytes | memoryview) -> list[Chunk]:
        """The chunks that are complete now. Their payload has not been looked at: `read_chunk` does.

        :raises MalformedError: kind `chunk` or `oversize`; nothing after it can be read.
        """
        self._held += data
        out: list[Chunk] = []
        at = 0
        while len(self._held) - at >= self._need:
            part = bytes(self._held[at : at + self._need])
            at += self._need
            if self._header is not None:
                out.append(self._chunk(self._header, part))
                self._header, self._need = None, _LENGTH.size
            elif self._in_header:
                self._read_header(part)
            else:
                self._read_length(part)
        del self._held[:at]
        return out

    def end(self) -> None:
        """The answer is over.

        :raises MalformedError: kind `chunk`: it ends within a chunk.
        """
        if self._held or self._in_header or self._header is not None:
            raise MalformedError("chunk", "the answer ends within a chunk")

    def _read_length(self, part: bytes) -> None:
        (self._need,) = _LENGTH.unpack(part)
        if not 0 <= self._need <= _HEADER_LIMIT:
            raise MalformedError("chunk", f"the length of a chunk's header is {self._need}: not 0 to {_HEADER_LIMIT}")
        self._in_header = True

    def _read_header(self, part: bytes) -> None:
        try:
            header = chunks_pb2.ChunkTransferHeader.FromString(part)
        except DecodeError as e:
            raise MalformedError("chunk", f"not a header of a chunk: {e}") from None
        self._compression += header.compression_delta
        if self._compression not in (0, _LZ4):
            raise MalformedError("chunk", f"compression {self._compression} of a chunk is not known: 0 or 1")
        if not 0 <= header.unpacked_length <= CHUNK_LIMIT:
            raise MalformedError("oversize", f"a chunk of {header.unpacked_length} bytes: not 0 to {CHUNK_LIMIT}")
        if not 0 <= header.packed_length <= _PACKED_LIMIT:
            raise MalformedError("oversize", f"a chunk of {header.packed_length} packed bytes: at most {_PACKED_LIMIT}")
        self._start = wrapped(self._start + header.chunk_start_time_delta)
        self._duration = wrapped(self._duration + header.chunk_duration_delta)
        self._header, self._need, self._in_header = header, header.packed_length, False

    def _chunk(self, header: chunks_pb2.ChunkTransferHeader, payload: bytes) -> Chunk:
        end = wrapped(self._start + self._duration)
        size = header.unpacked_length
        if self._compression != _LZ4:
            if len(payload) != size:
                raise MalformedError("chunk", f"a chunk of {len(payload)} bytes; its header says {size}")
            payload = pack(payload)
        return Chunk(self._kind, tuple(header.channel_ids), self._start, end, size, payload)


def wrapped(value: int) -> int:
    """What 64 bits keep of a number. Of the difference of two times: adding it to one of them gives the other."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)
