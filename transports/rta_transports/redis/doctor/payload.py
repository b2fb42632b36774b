"""What is wrong with a burst that does not decode: the mistakes that writers make, recognised by their bytes."""

from __future__ import annotations

import base64
import binascii

from attrs import frozen

from rta.ports import MalformedError
from rta.wire import Burst, SizeLimits, pack, read_burst

__all__ = ["Complaint", "complaint_about"]


@frozen
class Complaint:
    """Why an entry cannot be used."""

    code: str
    what: str
    """In the middle of a sentence: "the data is …"."""
    advice: str


_RAW = "Write one raw LZ4 block: no frame, no length before it (python: lz4.block.compress(x, store_size=False))."

_FRAME = Complaint("lz4-frame", "an LZ4 frame (it begins with 04 22 4D 18), not a bare LZ4 block", _RAW)
_BEGINNINGS = (
    (b"\x04\x22\x4d\x18", _FRAME),
    (b"\x02\x21\x4c\x18", Complaint("lz4-frame", "a frame of the old LZ4 tool (02 21 4C 18), not a bare block", _RAW)),
    (b"\x1f\x8b", Complaint("gzip", "compressed with gzip, not LZ4", _RAW)),
    (b"\x28\xb5\x2f\xfd", Complaint("zstd", "compressed with Zstandard, not LZ4", _RAW)),
    (
        b"{",
        Complaint("text", "JSON text, not a packed burst", "Put it into a StreamDataBurst, and pack that with LZ4."),
    ),
)


def complaint_about(data: bytes, limits: SizeLimits) -> Complaint | None:
    """None: it is a burst as the protocol has it."""
    if not data:
        return Complaint("empty", "empty", "Write a StreamDataBurst, packed with LZ4.")
    try:
        burst = read_burst(data, limits)
    except MalformedError as e:
        return _recognise(data, limits) or _plainly(data, e)
    if not _holds_something(burst):
        return Complaint(
            "nothing-in-it",
            "a burst without anything in it that we know",
            "Check that the writer packs a rta.model.net.stream.StreamDataBurst.",
        )
    return None


def _recognise(data: bytes, limits: SizeLimits) -> Complaint | None:
    prefixed = _after_a_length(data, limits)
    if prefixed is not None:
        return Complaint("length-prefix", f"an LZ4 block behind {prefixed}", _RAW)
    for beginning, complaint in _BEGINNINGS:
        if data.startswith(beginning):
            return complaint
    if _decodes(pack(data), limits) is not None:
        return Complaint("not-packed", "a burst that is not compressed", _RAW)
    try:
        decoded = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    if _decodes(decoded, limits) is not None:
        return Complaint("base64", "a burst as base64 text", "Write the bytes themselves: Redis takes any.")
    return None


def _after_a_length(data: bytes, limits: SizeLimits) -> str | None:
    """What the length before the block looks like."""
    burst = _decodes(data[4:], limits)
    if burst is not None:
        if int.from_bytes(data[:4], "little") == burst.raw_size:
            return "its unpacked length (4 bytes, little-endian: store_size of python-lz4, or a pickler)"
        if int.from_bytes(data[:4], "big") == burst.raw_size:
            return "its unpacked length (4 bytes, big-endian)"
        return "4 bytes that do not belong there"
    # The pickler of K4os.Compression.LZ4: how many bytes follow, then by how much it shrank.
    size = (0, 1, 2, 4)[data[0] >> 6]
    if data[0] & 7 == 0:
        packed = data[1 + size :]
        burst = _decodes(packed if size else pack(packed), limits)
        shrunk = int.from_bytes(data[1 : 1 + size], "little")
        if burst is not None and (not size or shrunk == burst.raw_size - len(packed)):
            return f"the header of a .NET pickler ({1 + size} bytes; LZ4Pickler)"
    return None


def _decodes(data: bytes, limits: SizeLimits) -> Burst | None:
    """The burst, if these bytes are one and it has something in it: random bytes may be an empty one."""
    try:
        burst = read_burst(data, limits)
    except MalformedError:
        return None
    return burst if _holds_something(burst) else None


def _holds_something(burst: Burst) -> bool:
    return bool(burst.session_json or burst.time_range is not None or burst.has_data or burst.has_events)


def _plainly(data: bytes, error: MalformedError) -> Complaint:
    match error.kind:
        case "oversize":
            advice = "Write smaller bursts: about 64 KiB before compression, never more than 1 MiB."
            return Complaint("oversize", f"too large, or damaged: {error}", advice)
        case "protobuf":
            advice = "Check that the writer packs a rta.model.net.stream.StreamDataBurst."
            return Complaint("protobuf", f"LZ4, but what it unpacks to is no StreamDataBurst ({error})", advice)
    return Complaint("lz4", f"not an LZ4 block ({len(data)} bytes, beginning with {data[:4].hex(' ').upper()})", _RAW)
