"""A history in memory, the twin of the one on disk as far as fetches read it, and one that can be broken."""

from __future__ import annotations

from typing import Any

import cbor2

from rta.errors import HistoryError
from rta.history.entry import Bounds, KeptEntry, Key

__all__ = ["Kept"]

SECOND = 1_000_000_000


class Kept:
    """Entries of streams, in recording order."""

    def __init__(self) -> None:
        self.last = 0
        self.entries: dict[Key, list[KeptEntry]] = {}
        self.reads = 0
        self.given = 0
        """Entries, in all reads."""
        self.broken_after: int | None = None
        """Reads until it cannot be read any more."""

    def record(self, key: Key, ts: int, values: Any, seq: int = 0) -> KeptEntry:
        self.last += 1
        entry = KeptEntry(self.last, ts, seq or self.last, cbor2.dumps(values), None)
        self.entries.setdefault(key, []).append(entry)
        return entry

    def fill(self, key: Key, count: int, text: str = "") -> None:
        """One a second, from the epoch on."""
        for i in range(count):
            self.record(key, i * SECOND, {"n": i, "text": text} if text else {"n": i})

    def trim(self, key: Key, count: int) -> None:
        del self.entries[key][:count]

    def forget(self, key: Key) -> None:
        self.entries.pop(key, None)

    def bounds(self, key: Key) -> Bounds | None:
        kept = self.entries.get(key)
        if not kept:
            return None
        first, last = kept[0], kept[-1]
        return Bounds(first.pos, last.pos, len(kept), first.ts, last.ts, last.seq)

    def read(self, key, *, since=None, until=None, after=0, upto=None, limit=500) -> list[KeptEntry]:
        if self.broken_after is not None and self.reads >= self.broken_after:
            raise HistoryError("the disk is gone")
        self.reads += 1
        kept = self.entries.get(key, [])
        found = []
        for entry, following in zip(kept, [*kept[1:], None], strict=False):
            if (
                entry.pos > after
                and (upto is None or entry.pos <= upto)
                and (since is None or entry.ts >= since)
                and (until is None or entry.ts < until)
            ):
                next_ts = None if following is None else following.ts
                found.append(KeptEntry(entry.pos, entry.ts, entry.seq, entry.values, next_ts))
                if len(found) == limit:
                    break
        self.given += len(found)
        return found
