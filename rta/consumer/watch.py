"""A watch: what nodes publish goes into a picture, and each change of the picture is an event.

Owns the picture and the queue of events. The queue is bounded in number and in memory. Over the bound the newest event
is dropped and counted; the picture is right all the same. Ends when it is cancelled; the events end with the
consumer too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

import trio

from rta.consumer.events import Event, GapFound, GapHealed, PresenceChanged, ReplayReceived
from rta.consumer.healer import Fetching, Healer
from rta.consumer.memory_size import event_memory_size
from rta.consumer.patterns import Pattern
from rta.consumer.picture import Picture, RemoteNode
from rta.errors import RtaError, TransportError, first_error
from rta.ports import Reporter, TopicBus, TopicMessage
from rta.subscriber import Subscriber
from rta.wire.values import Ns

__all__ = ["Watch"]

_WAITING = 8192  # messages that wait to be handled; over it the newest are lost, and retained ones come anew
_MEMORY = 64 << 20  # bytes, about, of events that wait to be received
_AFTER_FLOOD = 1.0  # s until it subscribes anew


class Watch:
    """`async for event in watch`, until it ends; `watch.nodes` is what is known by now."""

    def __init__(
        self,
        bus: TopicBus,
        consumer: Fetching,
        at_once: trio.Semaphore,
        patterns: list[Pattern],
        replay: bool,
        heal: bool,
        bound: int,
        clock: Callable[[], int],
        report: Reporter,
    ) -> None:
        self.dropped = 0
        """Events that were lost because they were not received in time."""
        self._bus = bus
        self._patterns = patterns
        self._replay = replay
        self._clock = clock
        self._report = report
        self._picture = Picture(report)
        self._send, self._receive = trio.open_memory_channel[Event](bound)
        self._sizes: deque[int] = deque()  # of the waiting events, bytes
        self._memory = 0
        self._healer = Healer(self._picture, consumer, at_once, self._tell, clock) if heal else None

    @property
    def nodes(self) -> dict[str, RemoteNode]:
        """The picture: nodes by id. It changes in place; do not change it."""
        return self._picture.nodes

    @property
    def waiting(self) -> int:
        """Events that wait to be received. When there are none, `nodes` is what the events told, lost ones aside."""
        return len(self._sizes)

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self.receive()
        except trio.ClosedResourceError:
            raise StopAsyncIteration from None

    async def receive(self) -> Event:
        """Wait for the next event. A cancelled call loses nothing.

        :raises trio.ClosedResourceError: the watch has ended.
        """
        event = await self._receive.receive()
        self._memory -= self._sizes.popleft()
        return event

    # ---- for the consumer

    def end(self) -> None:
        """There are no more events."""
        self._receive.close()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Runs until cancelled; started when it has subscribed.

        :raises TransportError: the bus refuses it, before it is started.
        """
        failure: RtaError | None = None
        try:
            async with trio.open_nursery() as nursery:
                if self._healer is not None:
                    nursery.start_soon(self._healer.run)
                for number, pattern in enumerate(self._patterns):
                    await nursery.start(partial(self._subscriber(number, pattern).run, required=True))
                task_status.started()
        except* TransportError as group:
            failure = first_error(group)
        finally:
            self.end()
        if failure is not None:
            raise failure

    def _subscriber(self, number: int, pattern: Pattern) -> Subscriber:
        return Subscriber(
            self._bus,
            pattern.filters(self._replay),
            partial(self._handle, number),
            partial(self._report.count, "rta_consumer_left_out_total", reason="flood"),
            bound=_WAITING,
            renew_after=_AFTER_FLOOD,
            name=f"watch of {pattern.text}",
        )

    def _handle(self, number: int, message: TopicMessage) -> None:
        parsed = self._patterns[number].parse(message.topic)
        if parsed is None:
            self._report.count("rta_consumer_left_out_total", reason="topic")
            return
        node, address = parsed
        if not any(p.fits(node) for p in self._patterns[:number]):
            self._tell(self._picture.feed(node, address, message.payload, message.retained, Ns(self._clock())))

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ReplayReceived):
                stream = self.nodes[event.node].streams[event.code, event.name]
                stream.replayed_at = None if event.done else trio.current_time()
            if self._healer is not None and isinstance(event, GapFound | GapHealed | ReplayReceived | PresenceChanged):
                self._healer.wake()
            if isinstance(event, ReplayReceived) and not event.entries and not event.done:
                continue  # nothing of it is new
            if not self._put(event):
                self.dropped += 1
                self._report.count("rta_consumer_left_out_total", reason="event")

    def _put(self, event: Event) -> bool:
        """Whether there was room for it."""
        size = event_memory_size(event)
        if self._memory + size > _MEMORY:
            return False
        try:
            self._send.send_nowait(event)
        except trio.WouldBlock:
            return False
        except trio.BrokenResourceError:
            return True  # the watch is ending
        self._sizes.append(size)
        self._memory += size
        return True
