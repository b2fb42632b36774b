"""What the store promises, said in the simplest way: a list."""

from __future__ import annotations

from typing import NamedTuple

from rta.history.entry import Bounds, KeptEntry, Key, NewEntry, Retention
from rta.wire.values import Ns

__all__ = ["NaiveStore"]


class _Entry(NamedTuple):
    key: Key
    pos: int
    ts: Ns
    seq: int
    values: bytes


class NaiveStore:
    """All entries that are kept, in order."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        self.last = 0
        self.mark = b""

    def of(self, key: Key) -> list[_Entry]:
        return [entry for entry in self.entries if entry.key == key]

    def bounds(self, key: Key) -> Bounds | None:
        kept = self.of(key)
        if not kept:
            return None
        first, last = kept[0], kept[-1]
        return Bounds(first.pos, last.pos, len(kept), first.ts, last.ts, last.seq)

    def streams(self) -> dict[Key, Bounds]:
        return {e.key: bounds for e in self.entries if (bounds := self.bounds(e.key))}

    def commit(self, entries: list[NewEntry], mark: bytes | None) -> None:
        self.entries += [_Entry(*entry) for entry in entries]
        self.last = entries[-1][1] if entries else self.last
        self.mark = self.mark if mark is None else mark

    def read(
        self,
        key: Key,
        *,
        since: int | None = None,
        until: int | None = None,
        after: int = 0,
        upto: int | None = None,
        limit: int = 500,
    ) -> list[KeptEntry]:
        kept = self.of(key)
        following = [*(e.ts for e in kept[1:]), None][: len(kept)]
        found = [
            KeptEntry(e.pos, e.ts, e.seq, e.values, next_ts)
            for e, next_ts in zip(kept, following, strict=True)
            if (since is None or e.ts >= since)
            and (until is None or e.ts < until)
            and e.pos > after
            and (upto is None or e.pos <= upto)
        ]
        return found[:limit]

    def trim(self, limits: dict[Key, Retention]) -> dict[Key, int]:
        gone = {}
        for key, limit in limits.items():
            kept = self.of(key)
            count = 0
            while count < len(kept) and (len(kept) - count > limit.entries or kept[count].ts < limit.before):
                count += 1
            if count:
                gone[key] = count
                self.entries = [e for e in self.entries if e.key != key or e.pos > kept[count - 1].pos]
        return gone

    def forget(self, key: Key) -> None:
        self.entries = [e for e in self.entries if e.key != key]
