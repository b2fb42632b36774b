"""Entries of a run as they go from one edge to another: packed bursts with their positions.

Each is 28 bytes, little-endian (position: ms and count, 8 bytes each; session id, 8; length, 4), and the packed burst.
Where the reading has come to, and whether something was lost, is in headers of the answer.
Source: docs/rest.md, "Entries".
"""

from __future__ import annotations

from struct import Struct, error

from rta.errors import MalformedError
from rta.ports import Batch, Entry, Position
from rta.wire import read_burst

__all__ = ["ENTRIES", "batch_headers", "pack_entries", "read_batch"]

ENTRIES = "application/vnd.rta.entries"

_HEAD = Struct("<QQQI")


def pack_entries(batch: Batch) -> bytes:
    """The body of an answer."""
    parts: list[bytes] = []
    for position, session_id, burst in batch.entries:
        parts += (_HEAD.pack(position.ms, position.seq, session_id, len(burst.packed)), burst.packed)
    return b"".join(parts)


def batch_headers(batch: Batch) -> dict[str, str]:
    """What its headers say."""
    return {"rta-position": str(batch.position), "rta-lost": "true" if batch.lost else "false"}


def read_batch(body: bytes, position: str, lost: str) -> Batch:
    """The inverse of both.

    :raises MalformedError: it is something else.
    """
    entries: list[Entry] = []
    at = 0
    try:
        upto = Position.parse(position)
        while at < len(body):
            ms, seq, session_id, size = _HEAD.unpack_from(body, at)
            at += _HEAD.size
            packed = body[at : at + size]
            if len(packed) < size:
                raise MalformedError("entries", "it ends within a burst")
            entries.append(Entry(Position(ms, seq), session_id, read_burst(packed)))
            at += size
    except (ValueError, error) as e:
        raise MalformedError("entries", str(e)) from None
    return Batch(entries, upto, lost == "true")
