"""The streams that a consumer has started: they are renewed before they time out, started again after outages, and at
the end stopped, if it was this consumer that made them run.

A stream that runs already when it is asked to start is only renewed, and not stopped at the end.
"""

from __future__ import annotations

from contextlib import suppress

import structlog
import trio
from attrs import define, field

from rta.consumer.throttle import STOP, ThrottledStream, write_start
from rta.errors import MalformedError, RtaError, TransportError
from rta.ports import Reporter, TopicBus
from rta.rsmp.presence import ONLINE, read_presence
from rta.rsmp.topics import NodeTopics, TopicKind
from rta.wakeup import Wakeup

__all__ = ["Starts"]

log = structlog.get_logger("rta.consumer")

_TIMEOUT = 60.0  # s, where none is given
_MOST = 1024
_STATE = 1.0  # s for a stream's retained state to come
_SETTLE = 0.5  # s after a reconnect for the retained state to come
_UNSENT = 1.0  # s until a start that could not be sent is tried again
_ASKED = 2.0  # s that a caller waits for the first try


@define(eq=False)
class _Start:
    stream: ThrottledStream
    timeout: float
    ours: bool = False
    """It did not run when we started it."""
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    known: trio.Event = field(factory=trio.Event)
    asked: trio.Event = field(factory=trio.Event)
    wake: Wakeup = field(factory=Wakeup)


class Starts:
    """Keeps the streams running that one consumer has started. Has a task for each, in the consumer's nursery."""

    def __init__(self, consumer: str, bus: TopicBus, nursery: trio.Nursery, report: Reporter) -> None:
        self._consumer = consumer
        self._bus = bus
        self._nursery = nursery
        self._report = report
        self._starts: dict[tuple[str, str, str], _Start] = {}

    async def start(self, node: str, code: str, name: str, timeout: float | None) -> None:
        """Start a stream and keep it running. Without a connection it is started as soon as there is one."""
        if timeout is not None and not 0 < timeout < float("inf"):
            raise ValueError(f"expected a timeout of more than 0 s, got {timeout!r}")
        start = self._starts.get((node, code, name))
        if start is None:
            if len(self._starts) >= _MOST:
                raise RtaError(f"{_MOST} streams have been started already")
            start = self._starts[node, code, name] = _Start(ThrottledStream(node, code, name), timeout or _TIMEOUT)
            self._nursery.start_soon(self._keep, start)
        else:
            start.timeout = timeout or _TIMEOUT
            start.asked = trio.Event()
            start.wake.set()
        if self._bus.trouble is None:
            with trio.move_on_after(_ASKED):
                await start.asked.wait()

    async def stop(self, node: str, code: str, name: str) -> None:
        """:raises TransportError: it could not be sent."""
        start = self._starts.pop((node, code, name), None)
        if start is not None:
            start.scope.cancel()
        stream = ThrottledStream(node, code, name) if start is None else start.stream
        if stream.state is None and not name:
            await self._find(stream)
        await self._send_stop(stream)

    def reconnected(self) -> None:
        """There is a new connection: nodes may have forgotten the starts."""
        for start in self._starts.values():
            start.wake.set()

    async def leave(self) -> None:
        """Stop the streams that this consumer made run."""
        async with trio.open_nursery() as nursery:
            for start in self._starts.values():
                start.scope.cancel()
                if start.ours and start.stream.state != "stopped":
                    nursery.start_soon(self._stop_quietly, start)
            self._starts.clear()

    async def _stop_quietly(self, start: _Start) -> None:
        with suppress(TransportError):
            await self._send_stop(start.stream)

    async def _send_stop(self, stream: ThrottledStream) -> None:
        for topic in stream.throttle_topics:
            await self._bus.publish(topic, STOP, qos=1)

    async def _find(self, stream: ThrottledStream) -> None:
        """Hear how an unnamed stream is announced, if it is."""
        with trio.move_on_after(_STATE), suppress(TransportError):
            async with self._bus.subscribe(*stream.state_topics) as subscription:
                while stream.state is None:
                    with suppress(MalformedError):
                        stream.handle(await subscription.receive())

    # ---- one of them

    async def _keep(self, start: _Start) -> None:
        with start.scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._subscribe, start)
                while True:
                    sent = self._bus.trouble is None and await self._ask(start)
                    with trio.move_on_after(start.timeout / 2 if sent else _UNSENT) as patience:
                        await start.wake.wait()
                    if not patience.cancelled_caught and start.asked.is_set():
                        with trio.move_on_after(_SETTLE):
                            while True:
                                await start.wake.wait()  # further reasons within this time ask for no further start

    async def _ask(self, start: _Start) -> bool:
        with trio.move_on_after(_STATE):
            await start.known.wait()
        try:
            for topic in start.stream.throttle_topics:
                self._bus.send(topic, write_start(start.timeout, self._consumer), qos=1)
        except TransportError:
            return False
        start.ours = start.ours or start.stream.state != "running"
        start.asked.set()
        return True

    async def _subscribe(self, start: _Start, *, task_status: trio.TaskStatus[None]) -> None:
        """Follow its state, and the presence of its node. If the bus refuses that, the start is renewed without."""
        node, states = start.stream.node, start.stream.state_topics
        presence = NodeTopics(node).topic(TopicKind.PRESENCE)
        try:
            async with self._bus.subscribe(*states, presence, bound=256) as subscription:
                task_status.started()
                while True:
                    message = await subscription.receive()
                    try:
                        if message.topic in states:
                            start.stream.handle(message)
                            start.known.set()
                        elif read_presence(message.payload) == ONLINE and not message.retained:
                            start.wake.set()
                    except MalformedError as e:
                        self._report.malformed(f"node {node}", e.kind, str(e))
        except TransportError as e:
            log.warning("the state of a stream cannot be known", node=node, reason=str(e))
            task_status.started()
