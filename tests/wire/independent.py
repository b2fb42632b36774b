"""Second readings of the formats, from their specifications alone: protobuf, LZ4 blocks, WebSocket frames.

Must not know the product code or the libraries that it uses.
"""

from collections.abc import Iterable
from typing import NamedTuple

VARINT, I64, LEN, I32 = 0, 1, 2, 5


class Field(NamedTuple):
    """One field of a message as it stands on the wire."""

    number: int
    wire_type: int
    value: int | bytes


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers as 64-bit two's complement."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number_field(number: int, value: int) -> bytes:
    return varint(number << 3 | VARINT) + varint(value)


def fixed64_field(number: int, value: int) -> bytes:
    return varint(number << 3 | I64) + value.to_bytes(8, "little", signed=True)


def bytes_field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | LEN) + varint(len(value)) + value


def signed(value: int) -> int:
    """An int32 or int64 from its varint."""
    return value - (1 << 64) if value >> 63 else value


def zigzag(value: int) -> int:
    """An sint64 from its varint."""
    return value >> 1 ^ -(value & 1)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    value = 0
    for i in range(10):
        byte = data[at + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, at + i + 1
    raise ValueError("a varint of more than ten bytes")


def fields(data: bytes) -> list[Field]:
    """The fields of a message, in order."""
    out, at = [], 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        value: int | bytes
        match wire_type:
            case 0:
                value, at = read_varint(data, at)
            case 1 | 5:
                size = 8 if wire_type == I64 else 4
                value, at = int.from_bytes(data[at : at + size], "little", signed=True), at + size
            case 2:
                size, at = read_varint(data, at)
                value, at = data[at : at + size], at + size
            case _:
                raise ValueError(f"wire type {wire_type}")
        if at > len(data):
            raise ValueError("the message ends within a field")
        out.append(Field(number, wire_type, value))
    return out


def packed_varints(data: bytes) -> list[int]:
    """A packed repeated field."""
    out, at = [], 0
    while at < len(data):
        value, at = read_varint(data, at)
        out.append(value)
    return out


def _length(nibble: int, block: bytes, at: int) -> tuple[int, int]:
    if nibble == 15:
        while True:
            nibble += block[at]
            at += 1
            if block[at - 1] != 255:
                break
    return nibble, at


def lz4_unpack(block: bytes) -> bytes:
    """Decode one LZ4 block, and insist on the format's end conditions."""
    out, at, last_match = bytearray(), 0, None
    while True:
        token = block[at]
        literals, at = _length(token >> 4, block, at + 1)
        if at + literals > len(block):
            raise ValueError("the block ends within literals")
        out += block[at : at + literals]
        at += literals
        if at == len(block):
            if token & 15:
                raise ValueError("the last sequence has a match")
            break
        offset, at = int.from_bytes(block[at : at + 2], "little"), at + 2
        length, at = _length(token & 15, block, at)
        if not 0 < offset <= len(out):
            raise ValueError(f"offset {offset} at {len(out)}")
        last_match = len(out)
        for _ in range(length + 4):
            out.append(out[-offset])
    if last_match is not None and (literals < 5 or len(out) - last_match < 12):
        raise ValueError("the last match is too near the end")
    return bytes(out)


def lz4_literals(raw: bytes) -> bytes:
    """The simplest block: one sequence of literals."""
    return _token(len(raw), 0) + _more(len(raw)) + raw


def lz4_run(byte: bytes, count: int) -> bytes:
    """A block that unpacks to `count` (at least 17) times one byte, at nearly 255 to 1."""
    match = count - 6 - 4
    return _token(1, match) + byte + b"\x01\x00" + _more(match) + _token(5, 0) + byte * 5


def _token(literals: int, match: int) -> bytes:
    return bytes([min(literals, 15) << 4 | min(match, 15)])


def _more(length: int) -> bytes:
    return b"" if length < 15 else b"\xff" * ((length - 15) // 255) + bytes([(length - 15) % 255])


def frame_payload(frame: bytes) -> bytes:
    """The payload of one unmasked, final, binary frame (RFC 6455, 5.2)."""
    if frame[0] != 0x82:
        raise ValueError(f"first byte {frame[0]:#x}: not a final binary frame")
    size, at = frame[1], 2
    if size > 127:
        raise ValueError("masked")
    if size > 125:
        wide = 2 if size == 126 else 8
        size, at = int.from_bytes(frame[2 : 2 + wide], "big"), 2 + wide
        if size < (126 if wide == 2 else 1 << 16):
            raise ValueError("not the shortest length")
    if len(frame) != at + size:
        raise ValueError(f"{len(frame)} bytes, {at + size} announced")
    return frame[at:]


def join(parts: Iterable[bytes]) -> bytes:
    """A `StreamDataBurst` of the serialised items."""
    return b"".join(bytes_field(1, p) for p in parts)
