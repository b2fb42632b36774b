"""The messages of a replay, made where the history is.

Source: docs/rsmp.md, "Replay".
"""

from __future__ import annotations

import sys

from attrs import frozen

from rta.history.delivery import Span
from rta.history.entry import Key
from rta.history.packing import pack
from rta.history.store import HistoryStore

__all__ = ["ReplayMessage", "next_message", "nothing_owed"]

_LARGEST = 8 << 10  # bytes of a message, unless a single entry is longer
_ENTRIES = 100  # of a message


@frozen
class ReplayMessage:
    """One message of a replay."""

    payload: bytes
    """Empty: there is nothing to send."""
    entries: int
    upto: int
    """Everything owed up to this position is delivered with it."""
    done: bool


def nothing_owed() -> ReplayMessage:
    """The only message where there is nothing to replay."""
    payload, _ = pack([], {"done": True})
    return ReplayMessage(payload, 0, 0, True)


def next_message(store: HistoryStore, key: Key, span: Span, last_span: bool) -> ReplayMessage:
    """Of what is owed in a span; `last_span`: there is no other one.

    :raises HistoryError: it cannot be read.
    """
    entries = store.read(key, after=span.first - 1, upto=span.last, limit=_ENTRIES + 1)
    exhausted = len(entries) <= _ENTRIES
    entries = entries[:_ENTRIES]
    if not entries:
        return ReplayMessage(nothing_owed().payload if last_span else b"", 0, span.last, last_span)
    bounds = store.bounds(key)
    flags = {"beginning": True} if bounds is not None and bounds.first == entries[0].pos else {}
    payload, count = pack(entries, flags, _LARGEST)
    if not count:
        payload, count = pack(entries[:1], flags, sys.maxsize)
    done = last_span and exhausted and count >= len(entries)
    if done:
        payload, count = pack(entries, {**flags, "done": True}, sys.maxsize)
    upto = span.last if exhausted and count == len(entries) else entries[count - 1].pos
    return ReplayMessage(payload, count, upto, done)
