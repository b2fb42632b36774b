"""What the peers in Python have in common: arguments, names, the frame's header."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from scripts.bench.processes import allow_many_files

__all__ = ["BLOCK_MS", "COUNT", "STREAM", "SUBPROTOCOL", "UNSENT", "arguments", "entries", "header", "session_of"]

STREAM = "stream:bench"
COUNT = 100
BLOCK_MS = 1000
UNSENT = 256 << 10  # bytes that a client may have unsent while others get more
SUBPROTOCOL = "mat.ocs.rta.stream-lz4"


def arguments() -> argparse.Namespace:
    """The ports, and whether to coalesce; as many open files as there may be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("redis_port", type=int)
    parser.add_argument("--coalesce", action="store_true", help="Everything of one reply in one send.")
    allow_many_files()
    return parser.parse_args()


def session_of(path: str) -> bytes:
    """The id in the stream of the session that a request's path names: of bench-7 it is 7."""
    return path.split("/")[4].rpartition("-")[2].encode()


def entries(reply: Any) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    """The entries in a reply to `xread` of redis-py, of one stream."""
    for _, found in reply or ():
        yield from found


def header(size: int) -> bytes:
    """Of an unmasked binary WebSocket message."""
    if size < 126:
        return bytes([0x82, size])
    if size < 1 << 16:
        return b"\x82\x7e" + size.to_bytes(2, "big")
    return b"\x82\x7f" + size.to_bytes(8, "big")
