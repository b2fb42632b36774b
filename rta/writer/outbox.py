"""What waits of one session, in order: bursts that are made, and samples that are to become the next one.

Plain code: it is told the time, and says what to send when.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum, auto

from attrs import define, frozen

from rta.wire import Burst, TimeRange, make_burst, range_item
from rta.writer.items import EncodedItem, samples_in

__all__ = ["BurstKind", "SessionOutbox", "Waiting"]


class BurstKind(Enum):
    """What a burst is for: only data may be dropped."""

    DATA = auto()
    UPDATE = auto()
    """Session JSON that a later one makes obsolete."""
    KEEP = auto()
    """The first and the last session JSON, and bursts that have some of their own."""


@frozen(slots=True, eq=False)
class Waiting:
    """A burst in line."""

    number: int
    """Smaller is older, over all outboxes."""
    burst: Burst
    size: int
    kind: BurstKind

    @property
    def samples(self) -> int:
        return sum(map(samples_in, self.burst.message().data))


@define(eq=False)
class _Batch:
    """Samples that are to become a burst."""

    number: int
    due: float
    items: list[EncodedItem]
    size: int = 0


class SessionOutbox:
    """The head stays in line, the very same burst, until it is known to have been written."""

    def __init__(self, numbers: Iterator[int], target: int, delay: float) -> None:
        """Bytes before compression, and seconds."""
        self.span: TimeRange | None = None
        """What the session covers, what was dropped of it included."""
        self.json = ""
        """The latest session JSON."""
        self.ended = False
        """Nothing more may be added."""
        self.size = 0
        """Bytes that wait."""
        self._numbers, self._target, self._delay = numbers, target, delay
        self._line: deque[Waiting] = deque()
        self._batch: _Batch | None = None
        self._sending = False

    # ---- adding

    def add(self, item: EncodedItem, now: float) -> None:
        """Collect. `now` in seconds, of any clock."""
        if self._batch is not None and self._batch.size + item.size > self._target:
            self.seal()
        if self._batch is None:
            self._batch = _Batch(next(self._numbers), now + self._delay, [])
        self._batch.items.append(item)
        self._batch.size += item.size
        self.size += item.size
        self.span = item.span.union(self.span)
        if self._batch.size >= self._target:
            self.seal()

    def add_burst(self, burst: Burst, kind: BurstKind) -> None:
        """As it is, behind all that waits."""
        self.seal()
        self.span = TimeRange.union_of(self.span, burst.time_range)
        if burst.session_json:
            self.json = burst.session_json[-1]
        self._line.append(Waiting(next(self._numbers), burst, burst.raw_size, kind))
        self.size += burst.raw_size

    def seal(self) -> None:
        """Make a burst of what has been collected."""
        batch, self._batch = self._batch, None
        if batch is None:
            return
        assert self.span is not None
        burst = make_burst([item.item for item in batch.items] + [range_item(self.span)])
        self._line.append(Waiting(batch.number, burst, batch.size, BurstKind.DATA))

    def end(self) -> None:
        """No more is added; what waits goes out at once."""
        self.seal()
        self.ended = True

    # ---- sending

    @property
    def due(self) -> float | None:
        """When the next burst is to go out; None: nothing waits. Minus infinity: at once."""
        if self._line:
            return float("-inf")
        return None if self._batch is None else self._batch.due

    def head(self, now: float) -> Burst | None:
        """What is to be written now, again and again the same until `done`; None: nothing yet."""
        if not self._line and self._batch is not None and now >= self._batch.due:
            self.seal()
        if not self._line:
            return None
        self._sending = True
        return self._line[0].burst

    def done(self) -> None:
        """The head has been written."""
        self._sending = False
        self.size -= self._line.popleft().size

    @property
    def newest(self) -> int:
        """The number of the newest burst that waits, of what is still being collected not; -1: none does."""
        return self._line[-1].number if self._line else -1

    def holds(self, number: int) -> bool:
        """Whether this one, or an older one, still waits."""
        return bool(self._line) and self._line[0].number <= number

    @property
    def samples(self) -> int:
        """How many samples wait."""
        collected = 0 if self._batch is None else sum(p.samples for p in self._batch.items)
        return collected + sum(w.samples for w in self._line)

    # ---- dropping: the head may have been written already, once it was given out

    def _droppable(self) -> Iterator[Waiting]:
        return (w for i, w in enumerate(self._line) if w.kind is BurstKind.DATA and not (i == 0 and self._sending))

    @property
    def oldest_droppable(self) -> int | None:
        """The number of the oldest data that may be dropped."""
        first = next(self._droppable(), None)
        if first is not None:
            return first.number
        return None if self._batch is None else self._batch.number

    def drop_oldest(self) -> int:
        """Drop the oldest data: how many samples. There must be some."""
        if next(self._droppable(), None) is None:
            self.seal()
        dropped = next(self._droppable())
        self._line.remove(dropped)
        self.size -= dropped.size
        return dropped.samples

    def drop_updates(self) -> None:
        """Drop session JSON that waits and is about to be replaced."""
        for w in [w for i, w in enumerate(self._line) if w.kind is BurstKind.UPDATE and not (i == 0 and self._sending)]:
            self._line.remove(w)
            self.size -= w.size
