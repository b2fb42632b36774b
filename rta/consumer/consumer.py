"""A consumer: uses the streams of nodes on a topic bus.

Owns the connection, its own presence, the answers it expects and the streams it has started. Watches and started
streams end with it, within a bounded time.

Source: docs/rsmp.md, "Presence and connection", "Start and stop", "Commands" and "History and fetch".
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import trio

from rta.background import in_background, started_in_background
from rta.consumer.answers import Answers
from rta.consumer.counts import Counts
from rta.consumer.fetch import Fetch, write_range
from rta.consumer.patterns import read_pattern, valid_code, valid_name
from rta.consumer.picture import RemoteNode
from rta.consumer.reading import CommandError, read_result
from rta.consumer.starts import Starts
from rta.consumer.watch import Watch
from rta.errors import MalformedError, NotConnectedError, QueueFullError, TransportError
from rta.ports import Link, Reporter, TopicBus, TopicMessage, Will
from rta.rsmp.payload import encode
from rta.rsmp.presence import OFFLINE, ONLINE, SHUTDOWN, PresenceKeeper, read_presence
from rta.rsmp.topics import RESERVED, NodeTopics, TopicKind, valid_node
from rta.subscriber import Subscriber
from rta.wakeup import Wakeup
from rta.wire.values import Ns

__all__ = ["Consumer", "open_consumer"]

_FETCHES = 4  # at once, to heal gaps
_ANSWERS = 4096  # messages of answers that wait to be handled
_QUIET, _LONGEST = 0.5, 5.0  # s for what the broker keeps of a node
_LATE = 0.05  # s for what had come while this process was held up
_GOODBYE = 2.0  # s for the last messages
_UNKNOWN = "; whether it was carried out is unknown"


class Consumer:
    """Made by `open_consumer`. Its methods raise `ValueError` for an invalid node, code or name."""

    def __init__(
        self,
        bus: TopicBus,
        consumer_id: str,
        nursery: trio.Nursery,
        clock: Callable[[], int],
        report: Reporter,
        chance: Callable[[int], bytes],
    ) -> None:
        self.id = consumer_id
        self._bus = bus
        self._nursery = nursery
        self._clock = clock
        self._report = report
        self._topics = NodeTopics(consumer_id)
        self._answers = Answers(chance, report)
        self._starts = Starts(consumer_id, bus, nursery, report)
        self._healing = trio.Semaphore(_FETCHES)
        self._presence = PresenceKeeper()
        self._presence_heard = Wakeup()
        self._leaving = False
        self._watches: set[Watch] = set()

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, in words; None while there is one."""
        return self._bus.trouble

    async def link(self) -> Link:
        """Wait until there is a connection."""
        return await self._bus.link()

    async def connected(self, timeout: float) -> None:
        """Wait for a connection, at most so many seconds.

        :raises NotConnectedError: there is none; the text says why.
        """
        with trio.move_on_after(timeout):
            await self._bus.link()
            return
        raise NotConnectedError(self._bus.trouble or f"no connection within {timeout:g} s")

    @asynccontextmanager
    async def watch(
        self, *patterns: str, replay: bool = True, heal: bool = True, bound: int = 4096
    ) -> AsyncIterator[Watch]:
        """Watch nodes: ids, or patterns in which `+` stands for a whole level (`dk/cph/+`).

        `replay`: receive also what nodes replay. `heal`: fetch what is missing. `bound`: events that may wait to be
        received; over it the newest are dropped.

        :raises ValueError: a pattern is invalid.
        :raises UndeliverableError: the bus refuses it.
        """
        if not patterns:
            raise ValueError("expected at least one node to watch")
        chosen = [read_pattern(text) for text in dict.fromkeys(patterns)]
        watch = Watch(self._bus, self, self._healing, chosen, replay, heal, bound, self._clock, self._report)
        async with started_in_background(watch.run):
            self._watches.add(watch)
            try:
                yield watch
            finally:
                self._watches.discard(watch)

    async def announced(self, node: str) -> RemoteNode:
        """What a node has announced of itself, as the broker keeps it: presence, streams with their states and newest
        values, alarms. Empty for a node that nothing is kept of.

        Returns when nothing more of it has come for 0.5 s, or after 5 s.

        :raises UndeliverableError: the bus refuses it.
        """
        _check_node(node)
        async with self.watch(node, replay=False, heal=False) as watch:
            with trio.move_on_after(_LONGEST):
                while True:
                    with trio.move_on_after(_QUIET) as quiet:
                        while not getattr(await watch.receive(), "retained", True):
                            pass
                    if quiet.cancelled_caught:
                        await trio.sleep(_LATE)
                        if not watch.waiting:
                            break
        return watch.nodes.get(node) or RemoteNode(node)

    async def start(self, node: str, code: str, name: str = "", timeout: float | None = None) -> None:
        """Start a stream, or renew it if it runs, and go on renewing it: until `stop`, or until this consumer ends and
        stops it, unless it ran before.

        `timeout`: seconds after which the node stops it if it is not renewed; None: 60. It is renewed after half of
        them, after reconnects, and when the node comes back. Without a connection the start is sent when there is one.
        """
        await self._starts.start(*_stream(node, code, name), timeout)

    async def stop(self, node: str, code: str, name: str = "") -> None:
        """Stop a stream, whoever started it, and renew it no longer.

        :raises TransportError: the stop could not be sent.
        """
        await self._starts.stop(*_stream(node, code, name))

    async def command(
        self,
        node: str,
        code: str,
        values: Mapping[str, Any] | None = None,
        component: Any = None,
        timeout: float = 10.0,
    ) -> dict[str, Any]:
        """Have a node carry out a command, and wait for the values of its result.

        :raises CommandError: the node has refused it, or its answer cannot be read.
        :raises UndeliverableError: the bus does not take it.
        :raises NotConnectedError: it could not be sent, or no answer came; the text says so if it may have been carried
            out.
        """
        node, code, _ = _stream(node, code, "")
        link = await self._connection()
        asked: dict[str, Any] = {"values": dict(values or {})}
        if component is not None:
            asked["component"] = component
        topic, answer = NodeTopics(node).topic(TopicKind.COMMAND, code), self._topics.topic(TopicKind.RESULT, code)
        with self._answers.expect(answer, link) as expected:
            try:
                with trio.fail_after(timeout):
                    await self._bus.publish(
                        topic, encode(asked), qos=1, response_topic=answer, correlation=expected.correlation
                    )
                    payload = await expected.receive()
            except trio.TooSlowError:
                raise NotConnectedError(f"{node}: no answer within {timeout:g} s{_UNKNOWN}") from None
            except (NotConnectedError, QueueFullError) as e:
                raise type(e)(f"{e}{_UNKNOWN}") from None
        try:
            return read_result(payload)
        except MalformedError as e:
            self._report.malformed(f"node {node}", e.kind, str(e))
            raise CommandError(f"the answer cannot be read: {e}") from None

    @asynccontextmanager
    async def fetch(
        self,
        node: str,
        code: str,
        name: str = "",
        since: Ns | None = None,
        until: Ns | None = None,
        timeout: float = 30.0,
    ) -> AsyncIterator[Fetch]:
        """Fetch what a node has kept of a stream: `async for page in fetch`.

        `since` is included, `until` is not; None: without bound. Nodes know milliseconds. `timeout`: seconds from one
        message to the next. Leaving the block early forgets the rest.

        :raises TransportError: the fetch could not be sent; see also `Fetch`.
        """
        node, code, name = _stream(node, code, name)
        link = await self._connection()
        topic, answer = (
            NodeTopics(node).topic(TopicKind.FETCH, code, name),
            self._topics.topic(TopicKind.HISTORY, code, name),
        )
        with self._answers.expect(answer, link) as expected:
            sent = False
            with trio.move_on_after(timeout):
                await self._bus.publish(
                    topic, write_range(since, until), qos=1, response_topic=answer, correlation=expected.correlation
                )
                sent = True
            if not sent:
                raise NotConnectedError(f"{node}: the fetch could not be sent within {timeout:g} s")
            yield Fetch(node, expected, timeout, lambda kind, text: self._report.malformed(f"node {node}", kind, text))

    async def _connection(self) -> Link:
        """:raises NotConnectedError: there is none."""
        if self._bus.trouble is not None:
            raise NotConnectedError(self._bus.trouble)
        return await self._bus.link()

    # ---- its own life

    async def listen(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Receive what is sent to us, until cancelled."""
        presence = self._topics.topic(TopicKind.PRESENCE)

        def handle(message: TopicMessage) -> None:
            if message.topic == presence:
                self._presence_message(message)
            else:
                self._answers.handle(message)

        def lost(count: int) -> None:
            self._report.count("rta_consumer_left_out_total", count, reason="flood")
            self._answers.dropped()

        filters = (self._topics.all(TopicKind.RESULT), self._topics.all(TopicKind.HISTORY), presence)
        subscriber = Subscriber(
            self._bus, filters, handle, lost, bound=_ANSWERS, renew_after=0.0, name=f"answers to {self.id}"
        )
        await subscriber.run(task_status=task_status)

    def _presence_message(self, message: TopicMessage) -> None:
        """Somebody has published our own presence."""
        if self._leaving:
            return
        said = None  # an unreadable presence counts as absent
        with suppress(MalformedError):
            said = read_presence(message.payload)
        self._presence.handle(said, message.retained)
        self._presence_heard.set()

    async def stay(self) -> None:
        """Say "online" on every connection; until cancelled."""
        number = 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._correct_presence)
            while True:
                link = await self._bus.link(number)
                number = link.number
                self._say_online()
                self._presence.connected()
                self._starts.reconnected()
                await link.lost.wait()
                self._answers.lost(link, self._bus.trouble)

    async def _correct_presence(self) -> None:
        while True:
            due = self._presence.due()
            with trio.move_on_at(math.inf if due is None else due):
                await self._presence_heard.wait()
            if self._presence.correct(trio.current_time()):
                self._say_online()

    def _say_online(self) -> None:
        with suppress(TransportError):  # the next connection says it again
            self._bus.send(self._topics.topic(TopicKind.PRESENCE), encode(ONLINE), retain=True, qos=1)

    async def leave(self) -> None:
        """End the watches, stop the streams that it made run, and say "shutdown"."""
        self._leaving = True
        for watch in self._watches:
            watch.end()
        if self._bus.trouble is not None:
            return
        await self._starts.leave()
        with suppress(TransportError):
            await self._bus.publish(self._topics.topic(TopicKind.PRESENCE), encode(SHUTDOWN), retain=True, qos=1)


def _stream(node: str, code: str, name: str) -> tuple[str, str, str]:
    """
    :raises ValueError: one of them is invalid.
    """
    _check_node(node)
    if not valid_code(code):
        raise ValueError(f'expected a code as in "traffic.volume", got {code[:80]!r}')
    if name and not valid_name(name):
        raise ValueError(f"{name[:80]!r} is not the name of a stream")
    return node, code, "" if name == RESERVED else name


def _check_node(node: str) -> None:
    """:raises ValueError: it cannot be the id of a node."""
    if not valid_node(node):
        raise ValueError(f"{node[:80]!r} is not the id of a node")


async def _within(seconds: float, what: Awaitable[None]) -> None:
    """Await it for at most so many seconds, also while being cancelled."""
    with trio.move_on_after(seconds, shield=True):
        await what


@asynccontextmanager
async def open_consumer(
    bus: TopicBus,
    consumer_id: str,
    *,
    clock: Callable[[], int] = time.time_ns,
    report: Reporter | None = None,
    chance: Callable[[int], bytes] = secrets.token_bytes,
) -> AsyncIterator[Consumer]:
    """Connect a bus as this consumer, and disconnect it at the end. Entering does not wait for a connection.

    The id is also the client id on the bus: two with one id take the connection from each other. `clock`: wall time, ns
    since the Unix epoch. `chance`: gives so many random bytes.

    :raises ValueError: the id is invalid.
    """
    if not valid_node(consumer_id):
        raise ValueError(f"{consumer_id[:80]!r} is not an id: levels joined by '/', without blanks, '+' and '#'")
    presence = NodeTopics(consumer_id).topic(TopicKind.PRESENCE)

    async def serve(*, task_status: trio.TaskStatus[Consumer]) -> None:
        async with trio.open_nursery() as nursery:
            consumer = Consumer(bus, consumer_id, nursery, clock, report or Counts(), chance)
            await nursery.start(consumer.listen)
            task_status.started(consumer)

    async with (
        started_in_background(serve) as consumer,
        bus.connect(consumer_id, Will(presence, encode(OFFLINE))),
        in_background(consumer.stay),
    ):
        try:
            yield consumer
        finally:
            await _within(_GOODBYE, consumer.leave())
