"""Many varints at once, as arrays: int64 as protobuf packs them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rta.errors import MalformedError

__all__ = ["pack_varints", "unpack_varints", "varint"]

Int64 = npt.NDArray[np.int64]

_LONGEST = 10  # bytes


def varint(value: int) -> bytes:
    """One; negative numbers as 64 bits."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def unpack_varints(blocks: Sequence[bytes]) -> tuple[Int64, Int64]:
    """All values of packed blocks, and how many are in each.

    :raises MalformedError: kind `protobuf`.
    """
    sizes = np.fromiter(map(len, blocks), np.int64, len(blocks))
    raw = np.frombuffer(b"".join(blocks), np.uint8)
    last = raw < 0x80
    if last.all():
        return raw.astype(np.int64), sizes
    limits = np.cumsum(sizes)
    if not last[limits[sizes > 0] - 1].all():
        raise MalformedError("protobuf", "a list of numbers ends within a number")
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    most = int(lengths.max(initial=0))
    if most > _LONGEST:
        raise MalformedError("protobuf", f"a number of {most} bytes; at most {_LONGEST} are right")
    values = np.zeros(len(ends), np.uint64)
    for i in range(most):
        there = np.flatnonzero(lengths > i)
        values[there] |= (raw[starts[there] + i] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * i)
    counts = np.diff(np.searchsorted(ends, limits), prepend=0)
    return values.view(np.int64), counts


def pack_varints(values: Int64) -> tuple[bytes, Int64]:
    """All values, one after the other, and where each begins; one more: where the last ends."""
    raw = values.view(np.uint64)
    if not (raw > 0x7F).any():
        return values.astype(np.uint8).tobytes(), np.arange(len(values) + 1)
    lengths = np.ones(len(raw), np.int64)
    longest = 1
    while longest < _LONGEST:
        more = raw >> np.uint64(7 * longest) != 0
        if not more.any():
            break
        lengths += more
        longest += 1
    starts = np.concatenate([[0], np.cumsum(lengths)])
    out = np.empty(starts[-1], np.uint8)
    for i in range(longest):
        there = lengths > i
        at, part = (starts[:-1], raw) if there.all() else (starts[:-1][there], raw[there])
        out[at + i] = (part >> np.uint64(7 * i)).astype(np.uint8) | np.uint8(0x80)
    out[starts[1:] - 1] &= np.uint8(0x7F)
    return out.tobytes(), starts
