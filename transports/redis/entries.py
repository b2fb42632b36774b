"""Entries of a Redis Stream to entries of the log. What is malformed is reported and left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rta.errors import MalformedError
from rta.ports import Entry, Position, Reporter
from rta.wire.burst import Limits, read_burst

__all__ = ["RawEntry", "position_of", "read_entries"]

RawEntry = Sequence[Any]
"""As the server gives it: the position, and a flat list of fields and values."""


def position_of(raw: bytes) -> Position:
    """A position as the server writes it."""
    ms, _, seq = raw.partition(b"-")
    return Position(int(ms), int(seq))


def read_entries(stream: str, raw: Sequence[RawEntry], report: Reporter, limits: Limits) -> list[Entry]:
    """The entries that are what the protocol says."""
    entries: list[Entry] = []
    for entry in raw:
        name: bytes = entry[0]
        fields: Sequence[bytes] | None = entry[1]
        try:
            session_id, data = _fields(fields)
            entries.append(Entry(position_of(name), session_id, read_burst(data, limits)))
        except MalformedError as e:
            report.malformed(f"stream {stream!r}", e.kind, f"entry {name.decode()}: {e}")
    return entries


def _fields(fields: Sequence[bytes] | None) -> tuple[int, bytes]:
    if fields is None:
        raise MalformedError("entry", "it was deleted while it was read")
    if len(fields) == 4 and fields[0] == b"id" and fields[2] == b"data":
        session_id, data = fields[1], fields[3]
    else:
        named = dict(zip(fields[::2], fields[1::2], strict=False))
        if b"id" not in named or b"data" not in named:
            raise MalformedError("entry", f"it has no {'id' if b'id' not in named else 'data'}")
        session_id, data = named[b"id"], named[b"data"]
    if not session_id.isdigit() or len(session_id) > 20:
        raise MalformedError("entry", f"its id is {session_id[:40]!r}, not a decimal number")
    return int(session_id), data
