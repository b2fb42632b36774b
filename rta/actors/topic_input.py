"""What others publish to a node: requests, and what is said in its name.

Owns two subscriptions. Hands fetches and commands to their servers, and asks for starts and stops itself, one after the
other; waits while whoever is asked is busy. What the subscriptions cannot hold meanwhile is dropped and counted. Tells
the publisher what of the node's own topics is to be cleared or contradicted. What is wrong is counted and gets no
answer.

Ends when it is cancelled.
Source: docs/rsmp.md, "Start and stop".
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import trio

from rta.actors.command_server import CommandServer
from rta.actors.fetch_server import FetchServer
from rta.actors.presences import presence_of
from rta.actors.publisher_messages import ClearTopic, OwnPresenceHeard, OwnStateHeard
from rta.actors.streams import Streams
from rta.consumer.reading import read_state
from rta.errors import MalformedError
from rta.health import Health
from rta.inbox import Outlet
from rta.latest import Latest
from rta.node.node_stream import Refused
from rta.node.throttle import read_throttle
from rta.node.token_bucket import TokenBucket
from rta.node.view import NodeView
from rta.ports import Reporter, TopicBus, TopicMessage
from rta.rsmp.topics import NodeTopics, TopicAddress, TopicKind
from rta.subscriber import Subscriber

__all__ = ["OwnTopics", "TopicRequests"]


class TopicRequests:
    """Requests that come over topics."""

    def __init__(
        self,
        bus: TopicBus,
        health: Health,
        report: Reporter,
        topics: NodeTopics,
        streams: Streams,
        commands: CommandServer,
        fetches: FetchServer,
    ) -> None:
        self._bus = bus
        self._health = health
        self._topics = topics
        self._streams = streams
        self._commands = commands
        self._fetches = fetches
        self._report = report
        self._bucket = TokenBucket()

    async def run(self) -> None:
        """Until cancelled."""
        filters = tuple(self._topics.all(kind) for kind in (TopicKind.THROTTLE, TopicKind.COMMAND, TopicKind.FETCH))
        lost = partial(self._refused, "any", "flood")
        await Subscriber(self._bus, filters, self._handle, lost, health=self._health).run()

    async def _handle(self, message: TopicMessage) -> None:
        address = self._topics.parse(message.topic)
        if address is None:
            self._refused("unknown", "topic")
        elif message.retained:
            self._refused(address.kind.value, "retained")
        elif address.kind is TopicKind.COMMAND:
            await self._commands.handle(message, address.code)
        elif address.kind is TopicKind.FETCH:
            self._fetches.handle(message, address, trio.current_time())
        elif self._bucket.acquire(trio.current_time()):
            await self._throttle(message, address)
        else:
            self._refused("throttle", "flood")

    async def _throttle(self, message: TopicMessage, address: TopicAddress) -> None:
        try:
            asked = read_throttle(message.payload)
            if asked.starts:
                await self._streams.start(address.code, address.name, asked.by, asked.timeout, asked.consumer)
            else:
                await self._streams.stop(address.code, address.name, asked.by)
        except MalformedError as e:
            self._report.malformed("throttle", e.kind, f"{message.topic}: {e}")
            self._refused("throttle", e.kind)
        except Refused:
            self._refused("throttle", "refused")

    def _refused(self, kind: str, reason: str, count: int = 1) -> None:
        self._report.count("rta_topic_input_refused_total", count, kind=kind, reason=reason)


class OwnTopics:
    """What is published of a node, by itself or by others."""

    def __init__(
        self,
        bus: TopicBus,
        health: Health,
        report: Reporter,
        topics: NodeTopics,
        view: Latest[NodeView],
        alarms: frozenset[str],
        publisher: Outlet[ClearTopic | OwnPresenceHeard | OwnStateHeard],
    ) -> None:
        """`alarms`: the codes of those there are."""
        self._bus = bus
        self._health = health
        self._topics = topics
        self._view = view
        self._alarms = alarms
        self._publisher = publisher
        self._report = report

    async def run(self) -> None:
        """Until cancelled."""
        topics = self._topics
        own = (topics.all(TopicKind.STATE), topics.all(TopicKind.ALARM), topics.topic(TopicKind.PRESENCE))
        lost = partial(self._report.count, "rta_topic_input_refused_total", kind="any", reason="flood")
        await Subscriber(self._bus, own, self._handle, lost, health=self._health).run()

    async def _handle(self, message: TopicMessage) -> None:
        address = self._topics.parse(message.topic)
        if address is None:
            return
        if address.kind is TopicKind.PRESENCE:
            said = presence_of(message, self._report)
            await self._publisher.send(OwnPresenceHeard(said, message.retained))
        elif not message.retained:
            await self._state_heard(message, address)
        elif not message.payload:
            return
        elif address.kind is TopicKind.ALARM:
            if address.code not in self._alarms:
                await self._publisher.send(ClearTopic(message.topic))
        elif (address.code, address.name) not in self._view.value.streams:
            # Ours from before, of a stream that is no longer configured.
            await self._publisher.send(ClearTopic(message.topic))
            await self._publisher.send(ClearTopic(self._topics.topic(TopicKind.STATUS, address.code, address.name)))

    async def _state_heard(self, message: TopicMessage, address: TopicAddress) -> None:
        key = address.code, address.name
        if address.kind is TopicKind.STATE and message.topic == self._topics.topic(TopicKind.STATE, *key):
            state = None  # one that is unreadable is as wrong as none
            with suppress(MalformedError):
                state = read_state(message.payload)
            await self._publisher.send(OwnStateHeard(key, None if state is None else state == "running"))
