"""Entries of a Redis Stream to entries of the log. What is malformed is reported and left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rta.errors import MalformedError
from rta.ports import Entry, Position, Reporter
from rta.wire.burst import SizeLimits
from rta.wire.reader import BurstReader

__all__ = ["EntryReader", "RawEntry", "position_of"]

RawEntry = Sequence[Any]
"""As the server gives it: the position, and a flat list of fields and values."""


def position_of(raw: bytes) -> Position:
    """A position as the server writes it."""
    ms, _, seq = raw.partition(b"-")
    return Position(int(ms), int(seq))


class EntryReader:
    """Reads entries of any stream. Remembers the forms of bursts of the sessions it reads, of so many at most."""

    _SESSIONS = 4096

    def __init__(self, report: Reporter, limits: SizeLimits) -> None:
        self._report = report
        self._limits = limits
        self._readers: dict[tuple[str, int], BurstReader] = {}

    def read(self, stream: str, raw: Sequence[RawEntry]) -> list[Entry]:
        """The entries that are what the protocol says."""
        entries: list[Entry] = []
        for name, fields in raw:
            try:
                session_id, data = _fields(fields)
                entries.append(Entry(position_of(name), session_id, self._reader(stream, session_id).read(data)))
            except MalformedError as e:
                self._report.malformed(f"stream {stream!r}", e.kind, f"entry {name.decode()}: {e}")
        return entries

    def _reader(self, stream: str, session_id: int) -> BurstReader:
        reader = self._readers.get((stream, session_id))
        if reader is None:
            if len(self._readers) >= self._SESSIONS:
                self._readers.clear()
            reader = self._readers[stream, session_id] = BurstReader(self._limits)
        return reader


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
