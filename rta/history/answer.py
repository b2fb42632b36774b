"""The answer to one fetch: history messages, made a chunk at a time, so that no more than that is in memory.

What is asked for ends at the newest entry there was at the beginning. Of a chunk one more entry is read than it has, so
that the last message can say that it is the last.

Source: docs/rsmp.md, "History and fetch".
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from rta.history.entry import KeptEntry, Key
from rta.history.packing import pack
from rta.history.request import Range
from rta.history.store import HistoryStore
from rta.rsmp.payload import MAX_PAYLOAD, encode

__all__ = ["NOTHING", "HistoryAnswer", "step"]

NOTHING = encode({"entries": [], "complete": True})
"""The last message, and where there is nothing the only one."""

_ENTRIES = 500  # of a chunk
_MESSAGES = 4  # of a chunk, about: large entries, and those for small messages, are read in smaller ones
_FIRST = 50  # entries, before their size is known
_FRAME = 80  # bytes of an entry in a message besides its values, about
_END = len(encode({"end": True})) - 1


@frozen
class HistoryAnswer:
    """One fetch being answered: how far it is."""

    key: Key
    asked: Range
    done: bool = False
    entries: int = 0
    """How many have been given."""
    oversize: int = 0
    """How many were left out, because no message can hold them."""
    after: int = 0
    """The last position that has been read."""
    upto: int | None = None
    """The last one to be read; None: not known yet."""
    chunk: int = _FIRST
    """Entries to be read next."""


def step(store: HistoryStore, answer: HistoryAnswer, limit: int = MAX_PAYLOAD) -> tuple[HistoryAnswer, list[bytes]]:
    """How far it is then, and the next messages, of at most `limit` bytes where an entry is not larger.

    :raises HistoryError: it cannot be read.
    """
    bounds = store.bounds(answer.key) if answer.upto is None or not answer.entries else None
    upto = answer.upto if answer.upto is not None else bounds.last if bounds else 0
    oldest = bounds.first if bounds else 0
    since, until = answer.asked.since, answer.asked.until
    chunk = store.read(answer.key, since=since, until=until, after=answer.after, upto=upto, limit=answer.chunk + 1)
    done = len(chunk) <= answer.chunk
    chunk = chunk[: answer.chunk]
    following = evolve(answer, done=done, upto=upto)
    if chunk:
        size = sum(len(e.values) for e in chunk) // len(chunk) + _FRAME
        following = evolve(following, after=chunk[-1].pos, chunk=max(min(_MESSAGES * limit // size, _ENTRIES), 1))
    messages: list[bytes] = []
    entries, oversize = answer.entries, answer.oversize
    while chunk:
        flags = {"complete": False}
        if not entries and chunk[0].pos <= oldest:
            flags["beginning"] = True
        payload, count = _pack(chunk, flags, limit)
        entries += count
        oversize += not count
        if count and count == len(chunk) and done:
            flags["complete"] = True
            if chunk[-1].next_ts is None:
                flags["end"] = True
            messages.append(pack(chunk, flags, MAX_PAYLOAD)[0])
            break
        messages += [payload] if count else []
        chunk = chunk[count or 1 :]
    else:
        messages += [NOTHING] if done else []
    return evolve(following, entries=entries, oversize=oversize), messages


def _pack(chunk: Sequence[KeptEntry], flags: dict[str, bool], limit: int) -> tuple[bytes, int]:
    """A message that is not the last, though it may become that, and how many entries it has: none where the first
    fits into no message at all."""
    payload, count = pack(chunk, flags, limit - _END)
    if not count:
        payload, count = pack(chunk[:1], flags, MAX_PAYLOAD - _END)
    return payload, count
