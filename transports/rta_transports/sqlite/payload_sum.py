"""The check sum of large bytes, an order of magnitude faster than CRC-32 over all of them.

The bytes are taken as blocks of 128 words of 64 bits. The words of a block are added up; what is left at the end is
taken as it is. CRC-32 goes over the sums and the rest. A changed byte changes one sum; what is exchanged, shifted,
zeroed or old in units of pages changes the order or the contents of blocks. Words that change places within one block
are not noticed.
"""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["payload_sum"]

_WORDS = 128
_BLOCK = 8 * _WORDS


def payload_sum(data: bytes | memoryview) -> int:
    """Of any bytes: 32 bits."""
    blocks = len(data) // _BLOCK
    found = len(data) & 0xFFFFFFFF
    if blocks:
        words = np.frombuffer(data, "<u8", blocks * _WORDS).reshape(blocks, _WORDS)
        found = zlib.crc32(np.add.reduce(words, axis=1), found)
    return zlib.crc32(memoryview(data)[blocks * _BLOCK :], found)
