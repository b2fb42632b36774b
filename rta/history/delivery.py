"""What of a stream's kept entries has not been delivered: in flight, or owed to replay.

Plain code. An entry counts as delivered when the bus has acknowledged it, live or by replay. What is owed is held as
spans of positions; where there would be too many of them, spans are joined, so that some entries come twice rather
than one never.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from attrs import frozen

from rta.history.entry import Key

__all__ = ["UnackedSpans", "Checkpoint", "Span", "read_checkpoint", "write_checkpoint"]

_SPANS = 256


class Span(NamedTuple):
    """Positions of the history, both inclusive. Those of other streams between them do not count."""

    first: int
    last: int


class UnackedSpans:
    """Of one stream."""

    def __init__(self, owed: Iterable[Span] = ()) -> None:
        self._owed: list[Span] = sorted(owed)
        self._flying: dict[int, tuple[int, int]] = {}
        """Messages handed on: their first position to their last, and the stream's last one before them."""
        self._newest = 0
        self._replayed = 0

    def sent(self, first: int, last: int) -> None:
        """A message of these entries is handed on; `settled` says what became of it. Positions rise."""
        self._flying[first] = last, self._newest
        self._newest = last

    def in_flight(self, first: int) -> bool:
        """Whether the message that begins with this entry has not been settled."""
        return first in self._flying

    def settled(self, first: int, delivered: bool) -> None:
        """What became of the message that begins with this entry."""
        last, before = self._flying.pop(first)
        if not delivered:
            self._owe(Span(first, last), before)

    def _owe(self, span: Span, before: int) -> None:
        owed = self._owed
        at = bisect_left(owed, span)
        if at and (owed[at - 1].last >= span.first or (before and owed[at - 1].last == before)):
            owed[at - 1] = Span(owed[at - 1].first, max(span.last, owed[at - 1].last))
        else:
            owed.insert(at, span)
        if len(owed) > _SPANS:
            # The newest ones: what is being replayed is at the other end.
            owed[-2:] = [Span(owed[-2].first, owed[-1].last)]

    @property
    def owed(self) -> Span | None:
        """What is to be replayed next."""
        return self._owed[0] if self._owed else None

    @property
    def spans(self) -> int:
        """How many there are to be replayed."""
        return len(self._owed)

    def replayed(self, upto: int) -> None:
        """The entries that were owed have been delivered up to this position."""
        while self._owed and self._owed[0].first <= upto:
            span = self._owed.pop(0)
            if span.last > upto:
                self._owed.insert(0, Span(upto + 1, span.last))

    def undelivered(self) -> list[Span]:
        """Everything that would have to come again if the process ended now, in order."""
        return sorted([*self._owed, *(Span(first, last) for first, (last, _) in self._flying.items())])


@frozen
class Checkpoint:
    """What the state directory knows of deliveries."""

    upto: int
    """Of entries behind this position it knows nothing."""
    undelivered: dict[Key, list[Span]]
    """By stream; those that replay, and no others."""

    def owed(self, key: Key, last: int) -> list[Span]:
        """What a stream owes after a restart; `last`: the last position of the history."""
        later = [Span(self.upto + 1, last)] if last > self.upto else []
        return [*self.undelivered.get(key, []), *later]


def write_checkpoint(checkpoint: Checkpoint) -> bytes:
    """As it is kept."""
    streams = [[*key, spans] for key, spans in checkpoint.undelivered.items() if spans]
    return json.dumps({"upto": checkpoint.upto, "streams": streams}, ensure_ascii=False).encode()


def read_checkpoint(checkpoint: bytes) -> Checkpoint:
    """The inverse. What cannot be read says nothing: then all that is kept counts as not delivered."""
    try:
        document = json.loads(checkpoint)
        found = {
            (str(code), str(name)): [Span(int(first), int(last)) for first, last in spans]
            for code, name, spans in document["streams"]
        }
        return Checkpoint(int(document["upto"]), found)
    except (ValueError, TypeError, LookupError, RecursionError):
        return Checkpoint(0, {})
