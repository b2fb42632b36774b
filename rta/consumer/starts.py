"""The streams that a consumer has started: they are renewed before they time out, started again after outages, and at
the end stopped, if it was this consumer that made them run.

A stream that runs already when it is asked to start is only renewed, and not stopped at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import structlog
import trio
from attrs import define, field

from rta.consumer.reading import read_state
from rta.errors import MalformedError, RtaError, TransportError
from rta.ports import Reporter, TopicBus, TopicMessage
from rta.rsmp.payload import encode
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
    node: str
    code: str
    name: str
    timeout: float
    state: str | None = None
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
            start = self._starts[node, code, name] = _Start(node, code, name, timeout or _TIMEOUT)
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
        await self._send_stop(node, code, name)

    def reconnected(self) -> None:
        """There is a new connection: nodes may have forgotten the starts."""
        for start in self._starts.values():
            start.wake.set()

    async def leave(self) -> None:
        """Stop the streams that this consumer made run."""
        async with trio.open_nursery() as nursery:
            for start in self._starts.values():
                start.scope.cancel()
                if start.ours and start.state != "stopped":
                    nursery.start_soon(self._stop_quietly, start)
            self._starts.clear()

    async def _stop_quietly(self, start: _Start) -> None:
        with suppress(TransportError):
            await self._send_stop(start.node, start.code, start.name)

    async def _send_stop(self, node: str, code: str, name: str) -> None:
        topic = NodeTopics(node).topic(TopicKind.THROTTLE, code, name)
        await self._bus.publish(topic, encode({"action": "stop"}), qos=1)

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
        asked = {"action": "start", "timeout": start.timeout, "consumer": self._consumer}
        try:
            topic = NodeTopics(start.node).topic(TopicKind.THROTTLE, start.code, start.name)
            self._bus.send(topic, encode(asked), qos=1)
        except TransportError:
            return False
        start.ours = start.ours or start.state != "running"
        start.asked.set()
        return True

    async def _subscribe(self, start: _Start, *, task_status: trio.TaskStatus[None]) -> None:
        """Follow its state, and the presence of its node. If the bus refuses that, the start is renewed without."""
        topics = NodeTopics(start.node)
        state, presence = topics.topic(TopicKind.STATE, start.code, start.name), topics.topic(TopicKind.PRESENCE)
        handlers: dict[str, Callable[[TopicMessage], None]] = {
            state: lambda message: self._state(start, message),
            presence: lambda message: self._presence(start, message),
        }
        try:
            async with self._bus.subscribe(state, presence, bound=256) as subscription:
                task_status.started()
                while True:
                    message = await subscription.receive()
                    try:
                        handlers[message.topic](message)
                    except MalformedError as e:
                        self._report.malformed(f"node {start.node}", e.kind, str(e))
        except TransportError as e:
            log.warning("the state of a stream cannot be known", node=start.node, reason=str(e))
            task_status.started()

    def _state(self, start: _Start, message: TopicMessage) -> None:
        start.state = read_state(message.payload)
        start.known.set()

    def _presence(self, start: _Start, message: TopicMessage) -> None:
        if read_presence(message.payload) == ONLINE and not message.retained:
            start.wake.set()
