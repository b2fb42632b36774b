"""One stream: whether it runs, its numbers, its batch. What it sends and when is decided by its updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from rta.rsmp.message import StatusMessage, StreamEvent, Values
from rta.stream.definition import StreamDefinition
from rta.stream.event_batch import EventBatch
from rta.stream.timer_heap import Timer, TimerHeap
from rta.stream.updates import Emit, Updates
from rta.wire.values import Ns

if TYPE_CHECKING:
    from rta.stream.windows import Windows

__all__ = ["Outbox", "Output", "StreamEngine"]


@define(eq=False)
class Outbox:
    """The messages that the streams of a status have to send, in order, and the wall time that their batches go by."""

    wall: Ns
    batches: TimerHeap = field(factory=TimerHeap)
    """When batches are over, wall time."""
    waiting: Output = field(factory=list)

    def drain(self) -> Output:
        """All messages."""
        out, self.waiting = self.waiting, []
        return out

    def drain_stream(self, stream: StreamEngine) -> list[StatusMessage]:
        """All messages of one stream; the others stay."""
        out = [message for sender, message in self.waiting if sender is stream]
        self.waiting = [item for item in self.waiting if item[0] is not stream]
        return out


class StreamEngine:
    """Made by `StatusEngine.add`, stopped. Times are stream time (`ts`) and wall time now."""

    __slots__ = (
        "_batch",
        "_batch_over",
        "_last",
        "_newest",
        "_outbox",
        "_settle",
        "_updates",
        "definition",
        "running",
        "seq",
    )

    def __init__(
        self,
        definition: StreamDefinition,
        outbox: Outbox,
        settle: Callable[[Ns, Ns], None],
        updates: Callable[[Emit], Updates | Windows],
    ) -> None:
        self.definition = definition
        self.running = False
        self.seq = 0
        """The number of the last event; 0 after a start."""
        self._outbox = outbox
        self._settle = settle
        self._updates = updates(self._record)
        self._batch = EventBatch() if definition.batch is not None else None
        self._batch_over = Timer(self._batch_is_over)
        self._last: StatusMessage | None = None
        """The last message since the start, if the stream aggregates."""
        self._newest: StreamEvent | None = None
        """The last event since the start."""

    @property
    def newest(self) -> StreamEvent | None:
        """The last event since the start, with all values as a consumer knows them by then; None: there was none, or
        the stream does not run."""
        event = self._newest
        if event is None or event.complete:
            return event
        return evolve(event, values=self._updates.completed(event.values), complete=True)

    def start(self, ts: Ns, wall: Ns, seq: int = 0) -> list[StatusMessage]:
        """Start it. The full update, at once and not in a batch, unless it aggregates. Nothing if it runs already.

        `seq`: the number before that of the first event."""
        if self.running:
            return []
        self._settle(ts, wall)
        self.running = True
        self.seq = seq
        self._updates.begin(ts)
        self._flush()
        return self._outbox.drain_stream(self)

    def stop(self, ts: Ns, wall: Ns) -> list[StatusMessage]:
        """Stop it. What is in the batch; pending changes and open windows are dropped."""
        if not self.running:
            return []
        self._settle(ts, wall)
        self._updates.end()
        self._flush()
        self.running = False
        self._last = self._newest = None
        return self._outbox.drain_stream(self)

    def flush(self, wall: Ns) -> list[StatusMessage]:
        """What is in the batch, for a shutdown."""
        self._outbox.wall = wall
        self._flush()
        return self._outbox.drain_stream(self)

    def reconnected(self, ts: Ns, wall: Ns) -> list[StatusMessage]:
        """What is in the batch, then a full update at once. If it aggregates: its last message again."""
        if not self.running:
            return []
        self._settle(ts, wall)
        self._flush()
        if isinstance(self._updates, Updates):
            self._updates.full(ts)
            self._flush()
        elif self._last is not None and not any(sender is self for sender, _ in self._outbox.waiting):
            self._send(self._last)
        return self._outbox.drain_stream(self)

    def jump(self, ts: Ns) -> None:
        """Stream time goes on from `ts`; see `StatusEngine.begin_anew`."""
        if self.running:
            self._updates.jump(ts)

    def _record(self, ts: Ns, values: Values, complete: bool) -> None:
        self.seq += 1
        event = self._newest = StreamEvent(ts, values, self.seq, complete)
        if self._batch is None:
            self._send(StatusMessage((event,), complete))
            return
        for message in self._batch.add(event):
            self._send(message)
        if len(self._batch) == 1:
            self._outbox.batches.set(self._batch_over, Ns(self._outbox.wall + (self.definition.batch or 0)))

    def _batch_is_over(self, _at: Ns) -> None:
        self._flush()

    def _flush(self) -> None:
        if self._batch is not None:
            self._outbox.batches.cancel(self._batch_over)
            for message in self._batch.flush():
                self._send(message)

    def _send(self, message: StatusMessage) -> None:
        self._outbox.waiting.append((self, message))
        if self.definition.aggregating:
            self._last = message


Output = list[tuple[StreamEngine, StatusMessage]]
"""Messages of a status in the order in which they are to be sent."""
