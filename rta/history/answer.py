"""The answer to one fetch: history messages, made a chunk at a time, so that no more than that is in memory.

What is asked for ends at the newest entry there was at the beginning. A chunk is held back until it is known whether
something follows: the last message says that it is the last.

Blocking, for a worker thread; one step at a time.
Source: protocol notes, "Fetch / history" and "History and replay".
"""

from __future__ import annotations

from collections.abc import Sequence

from rta.history.entry import KeptEntry, Key
from rta.history.packing import pack
from rta.history.request import Range
from rta.history.store import HistoryStore
from rta.node.payload import MAX_PAYLOAD, encode

__all__ = ["NOTHING", "HistoryAnswer"]

NOTHING = encode({"entries": [], "complete": True})
"""The last message, and where there is nothing the only one."""

_ENTRIES = 500  # of a chunk
_MESSAGES = 4  # of a chunk, about: large entries, and those for small messages, are read in smaller ones
_FIRST = 50  # entries, before their size is known
_FRAME = 80  # bytes of an entry in a message besides its values, about
_END = len(encode({"end": True})) - 1


class HistoryAnswer:
    """One fetch being answered."""

    def __init__(self, key: Key, asked: Range) -> None:
        self.done = False
        self.entries = 0
        """How many have been given."""
        self.oversize = 0
        """How many were left out, because no message can hold them."""
        self._key = key
        self._asked = asked
        self._after = 0
        self._upto: int | None = None
        self._limit = _FIRST
        self._held: list[KeptEntry] = []

    def step(self, store: HistoryStore, limit: int = MAX_PAYLOAD) -> list[bytes]:
        """The next messages, of at most `limit` bytes where an entry is not larger; after the last it is `done`.

        :raises HistoryError: it cannot be read; what has been read before is kept, for `break_off`.
        """
        if self._upto is None:
            bounds = store.bounds(self._key)
            self._upto = 0 if bounds is None else bounds.last
        if not self._held:
            self._held = self._read(store, limit)
        following = self._read(store, limit) if self._held else []
        bounds = None if self.entries else store.bounds(self._key)
        oldest = 0 if bounds is None else bounds.first
        chunk, self._held = self._held, following
        self.done = not following
        messages: list[bytes] = []
        while chunk:
            flags = {"complete": False}
            if not self.entries and chunk[0].pos <= oldest:
                flags["beginning"] = True
            payload, count = self._pack(chunk, flags, limit)
            if count and count == len(chunk) and self.done:
                flags["complete"] = True
                if chunk[-1].next_ts is None:
                    flags["end"] = True
                return [*messages, pack(chunk, flags, MAX_PAYLOAD)[0]]
            messages += [payload] if count else []
            chunk = chunk[count or 1 :]
        return [*messages, NOTHING] if self.done else messages

    def break_off(self, limit: int = MAX_PAYLOAD) -> list[bytes]:
        """The last messages, where nothing more can be read."""
        self.done = True
        chunk, self._held = self._held, []
        messages: list[bytes] = []
        while chunk:
            payload, count = self._pack(chunk, {"complete": False}, limit)
            messages += [payload] if count else []
            chunk = chunk[count or 1 :]
        return [*messages, NOTHING]

    def _read(self, store: HistoryStore, limit: int) -> list[KeptEntry]:
        since, until = self._asked.since, self._asked.until
        entries = store.read(self._key, since=since, until=until, after=self._after, upto=self._upto, limit=self._limit)
        if entries:
            self._after = entries[-1].pos
            size = sum(len(e.values) for e in entries) // len(entries) + _FRAME
            self._limit = max(min(_MESSAGES * limit // size, _ENTRIES), 1)
        return entries

    def _pack(self, chunk: Sequence[KeptEntry], flags: dict[str, bool], limit: int) -> tuple[bytes, int]:
        """A message that is not the last, though it may become that, and how many entries it has: none where the first
        fits into no message at all."""
        payload, count = pack(chunk, flags, limit - _END)
        if not count:
            payload, count = pack(chunk[:1], flags, MAX_PAYLOAD - _END)
        self.entries += count
        self.oversize += not count
        return payload, count
