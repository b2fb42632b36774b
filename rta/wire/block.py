"""LZ4 blocks: no frame, no size prefix, so the reader must bound what it is ready to unpack."""

from __future__ import annotations

import lz4.block

from rta.errors import MalformedError

__all__ = ["BURST_LIMIT", "JSON_LIMIT", "TARGET", "pack", "unpack"]

TARGET = 64 << 10
"""Bytes before compression that a burst aims for."""

BURST_LIMIT = 1 << 20
"""Bytes before compression that a burst is not to exceed."""

JSON_LIMIT = 16 << 20
"""The same for a burst that carries session JSON."""

_MAX_RATIO = 255  # no LZ4 block unpacks to more than this many times its size


def pack(raw: bytes) -> bytes:
    """Compress to one LZ4 block."""
    packed: bytes = lz4.block.compress(raw, store_size=False)
    return packed


def unpack(block: bytes | memoryview, limit: int) -> bytes:
    """Decompress one LZ4 block of at most `limit` bytes unpacked.

    :raises MalformedError: kind `oversize` when it may hold more, `lz4` when it is damaged.
    """
    try:
        raw: bytes = lz4.block.decompress(block, uncompressed_size=limit)
    except lz4.block.LZ4BlockError:
        # The library says the same for both; a block this small cannot have overrun the limit.
        if len(block) * _MAX_RATIO <= limit:
            raise MalformedError("lz4", f"{len(block)} bytes are not an LZ4 block") from None
        raise MalformedError(
            "oversize", f"an LZ4 block of {len(block)} bytes is damaged or unpacks to more than {limit} bytes"
        ) from None
    except (ValueError, OverflowError, MemoryError) as e:
        raise MalformedError("lz4", f"{len(block)} bytes are not an LZ4 block: {e}") from None
    return raw
