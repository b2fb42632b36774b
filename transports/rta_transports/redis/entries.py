"""Entries of a Redis Stream to entries of the log. What is malformed is reported and left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import trio
from attrs import frozen

from rta.errors import MalformedError
from rta.large_json import inspect_burst
from rta.ports import Entry, Position, Reporter
from rta.wire.burst import Burst, SizeLimits, read_burst
from rta.wire.reader import BurstReader

__all__ = ["DeferredEntry", "EntryReader", "RawEntry", "position_of"]

_PARSED = 256 << 10  # bytes of bursts that are parsed in a row: some 20 ms at most
_UNPACKED = 8 << 20  # the same of bursts that are unpacked
_AT_ONCE = 2048  # bytes of a burst with session JSON: many such come in a row, and each is parsed

RawEntry = Sequence[Any]
"""As the server gives it: the position, and a flat list of fields and values."""


def position_of(raw: bytes) -> Position:
    """A position as the server writes it."""
    ms, _, seq = raw.partition(b"-")
    return Position(int(ms), int(seq))


@frozen(slots=True)
class DeferredEntry:
    """An entry of which so much has to be read that it would hold others up: `EntryReader.complete` reads it."""

    position: Position
    session_id: int
    packed: bytes
    burst: Burst | None
    """None: it is not even unpacked."""


class EntryReader:
    """Reads entries of any stream. Remembers the forms of bursts of the sessions it reads, of so many at most."""

    _SESSIONS = 4096

    def __init__(self, report: Reporter, limits: SizeLimits) -> None:
        self._report = report
        self._limits = limits
        self._readers: dict[tuple[str, int], BurstReader] = {}

    def read(self, stream: str, raw: Sequence[RawEntry]) -> list[Entry | DeferredEntry]:
        """The entries that are what the protocol says, as far as can be told at once."""
        entries: list[Entry | DeferredEntry] = []
        to_parse, to_unpack = _PARSED, _UNPACKED
        for name, fields in raw:
            try:
                session_id, data = _fields(fields)
                burst = self._reader(stream, session_id).read_usual(data, to_parse) if to_unpack > 0 else None
                to_unpack -= self._limits.burst if burst is None else burst.raw_size
                to_parse -= 0 if burst is None else burst.raw_size
                if burst is None or (burst.session_json and burst.raw_size > _AT_ONCE):
                    entries.append(DeferredEntry(position_of(name), session_id, data, burst))
                else:
                    entries.append(Entry(position_of(name), session_id, burst))
            except MalformedError as e:
                self._malformed(stream, name.decode(), e)
                to_parse -= _PARSED // 2  # what was refused may have taken as long
        return entries

    async def complete(self, stream: str, entry: Entry | DeferredEntry) -> Entry | None:
        """The whole entry; None: it is not what the protocol says.

        :raises TransportError: it cannot be read now.
        """
        if not isinstance(entry, DeferredEntry):
            return entry
        try:
            burst: Burst | MalformedError | None = entry.burst
            if burst is None:
                burst = await trio.to_thread.run_sync(
                    _unpacked, entry.packed, self._limits, abandon_on_cancel=True, limiter=_threads()
                )
            if isinstance(burst, MalformedError):
                raise burst
            if burst.session_json:
                burst = await inspect_burst(burst, self._limits.json)
            return Entry(entry.position, entry.session_id, burst)
        except MalformedError as e:
            self._malformed(stream, str(entry.position), e)
            return None

    def _malformed(self, stream: str, position: str, e: MalformedError) -> None:
        self._report.malformed(f"stream {stream!r}", e.kind, f"entry {position}: {e}")

    def _reader(self, stream: str, session_id: int) -> BurstReader:
        reader = self._readers.get((stream, session_id))
        if reader is None:
            if len(self._readers) >= self._SESSIONS:
                self._readers.clear()
            reader = self._readers[stream, session_id] = BurstReader(self._limits)
        return reader


def _unpacked(packed: bytes, limits: SizeLimits) -> Burst | MalformedError:
    """The error as a value: one that is raised out of a thread holds the frames, with 16 MiB, until it is collected."""
    try:
        return read_burst(packed, limits)
    except MalformedError as e:
        return MalformedError(e.kind, str(e))


_UNPACKING: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("rta_redis_unpacking")


def _threads() -> trio.CapacityLimiter:
    """One burst at a time: unpacked it may have 16 MiB."""
    try:
        return _UNPACKING.get()
    except LookupError:
        limiter = trio.CapacityLimiter(1)
        _UNPACKING.set(limiter)
        return limiter


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
