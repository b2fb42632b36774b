"""What a node has published, and what of it the broker has acknowledged: by listening in between them.

An entry counts as delivered once a PUBACK for a message with it has come from the broker. An entry is known by its
stream, time, number and values, as 8 bytes of a hash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

import cbor2

from scripts.soaking.packets import PUBACK, PUBLISH, Packets, read_puback, read_publish

__all__ = ["Ledger", "fingerprint", "stream_of"]


def fingerprint(stream: str, entry: Mapping[str, Any]) -> int:
    """`stream`: the topic's levels behind the kind."""
    told = (stream, entry["ts"], entry["seq"], entry["values"])
    return int.from_bytes(blake2b(cbor2.dumps(told, canonical=True), digest_size=8).digest(), "big")


def stream_of(node: str, topic: str) -> tuple[str, str]:
    """Kind of topic, and code and stream as written there; empty for topics of others."""
    if not topic.startswith(node + "/"):
        return "", ""
    kind, _, stream = topic[len(node) + 1 :].partition("/")
    return kind, stream


class Ledger:
    """Of one node, over all its connections. Entries of some streams only: those that have replay."""

    def __init__(self, node: str, streams: frozenset[str]) -> None:
        self.published: dict[str, set[int]] = {s: set() for s in streams}
        """Entries that have been on their way to the broker, by stream."""
        self.acknowledged: dict[str, set[int]] = {s: set() for s in streams}
        self.again = 0
        """Entries published once more."""
        self.kinds = Counter[str]()
        """Entries in messages by kind of topic: status or replay."""
        self.done: set[str] = set()
        """Streams whose replay has come to its end on the latest connection."""
        self.first_published: list[int] = []
        """Where somebody wants to know what is new; emptied by them."""
        self.on_replay: Callable[[bool], None] | None = None
        """Called for each replay message with entries, and again (with True) for its acknowledgement."""
        self.node = node

    def listen(self) -> _Connection:
        """A connection has been made."""
        self.done.clear()
        return _Connection(self)

    def take(self, topic: str, payload: bytes) -> tuple[str, list[int]]:
        """A message on its way: its kind, and the entries in it that matter."""
        kind, stream = stream_of(self.node, topic)
        known = self.published.get(stream)
        if kind not in ("status", "replay") or known is None or not payload:
            return "", []
        message = cbor2.loads(payload)
        prints = [fingerprint(stream, entry) for entry in message["entries"]]
        for one in prints:
            if one in known:
                self.again += 1
            else:
                known.add(one)
                self.first_published.append(one)
        self.kinds[kind] += len(prints)
        if kind == "replay" and message.get("done") is True:
            self.done.add(stream)
        if kind == "replay" and prints and self.on_replay is not None:
            self.on_replay(False)
        return f"{kind} {stream}", prints

    def settle(self, what: str, prints: list[int]) -> None:
        """The broker has taken a message."""
        kind, _, stream = what.partition(" ")
        self.acknowledged[stream].update(prints)
        if kind == "replay" and prints and self.on_replay is not None:
            self.on_replay(True)


class _Connection:
    """One connection of the node to the broker."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._up, self._down = Packets(), Packets()
        self._waiting: dict[int, tuple[str, list[int]]] = {}

    def sent(self, data: bytes) -> None:
        for first, body in self._up.feed(data):
            if first >> 4 == PUBLISH:
                message = read_publish(first, body)
                what, prints = self._ledger.take(message.topic, message.payload)
                if message.mid:
                    self._waiting[message.mid] = what, prints

    def came(self, data: bytes) -> None:
        for first, body in self._down.feed(data):
            if first >> 4 == PUBACK:
                mid, taken = read_puback(body)
                what, prints = self._waiting.pop(mid, ("", []))
                if taken and what:
                    self._ledger.settle(what, prints)
