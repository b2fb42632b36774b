"""The source of remote nodes: what they publish on a topic bus, as sessions.

Owns a consumer on a bus of its own, from the opening of the source to its end, so that what comes between two runs is
not lost. `Listener` hears, `MqttSource.run` reports; between them is the plain `RemoteSessions`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from rta.background import in_background
from rta.backoff import Backoff
from rta.clock_bounds import ClockBounds
from rta.consumer import (
    Consumer,
    Event,
    HistoryReceived,
    PresenceChanged,
    ReplayReceived,
    StatusReceived,
    Watch,
    open_consumer,
)
from rta.errors import NotConnectedError, RtaError, TransportError
from rta.ports import Context, FollowedNode, SourceUpdate, TopicBus
from rta.wakeup import Wakeup
from rta_transports.mqtt.bus import open_topics
from rta_transports.mqtt.channel_file import ChannelFile
from rta_transports.mqtt.sessions import Instant, RemoteSessions, followed_nodes
from rta_transports.mqtt.source_options import MqttSourceOptions, read_stream

__all__ = ["MqttSource", "listen_to", "open_source"]

_COLLECT = 0.02  # s; what comes within is one burst
_FULL = (
    8 << 20
)  # bytes that may wait to be reported; then we listen no more, and the watch leaves out what it cannot hold
_SAVING = 1.0  # s between two savings of the numbers of channels


class Listener:
    """Hears the nodes, for as long as the source is open."""

    def __init__(self, options: MqttSourceOptions, context: Context, consumer: Consumer, file: ChannelFile) -> None:
        self.trouble: str | None = None
        """Why the broker does not let us listen."""
        self.heard = Wakeup()
        """Set when something has come."""
        self.room = Wakeup()
        """To be set when something has been reported."""
        self.sessions = RemoteSessions(
            context.name,
            context.report,
            grace=options.grace,
            max_nodes=options.max_nodes,
            max_channels=options.max_channels,
            clocks=ClockBounds(options.max_ahead, options.max_behind),
            known=file.read(),
        )
        self._options, self._context, self._consumer, self._file = options, context, consumer, file
        self._watch: Watch | None = None
        self._started: set[str] = set()
        self._learned = Wakeup()

    def now(self) -> Instant:
        return Instant(self._context.clock(), trio.current_time())

    async def run(self) -> None:
        """Until it is cancelled."""
        backoff = Backoff(first=0.5, cap=10.0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_numbers)
            while True:
                try:
                    async with self._consumer.watch(*self._options.nodes, heal=self._options.heal) as watch:
                        self.trouble, self._watch = None, watch
                        await self._listen(watch, nursery)
                except TransportError as e:
                    self.trouble = str(e)
                await backoff.pause()

    def followed(self, connected: bool) -> list[FollowedNode]:
        """What is known of the nodes. `connected`: to the broker."""
        options, watch = self._options, self._watch
        named = [node for node in options.nodes if "+" not in node]
        return followed_nodes(
            {} if watch is None else watch.nodes,
            [*named, *self.sessions.nodes],
            self.sessions.session_of,
            connected=connected and watch is not None and self.trouble is None,
            heals=options.heal,
        )

    async def _listen(self, watch: Watch, nursery: trio.Nursery) -> None:
        missed = 0
        async for event in watch:
            self._hear(event)
            if isinstance(event, PresenceChanged) and event.presence == "online":
                self._start_streams(event.node, nursery)
            while self.sessions.size > _FULL:
                await self.room.wait()
            if watch.dropped > missed and not watch.waiting:
                missed = watch.dropped
                self._catch_up(watch, nursery)

    def _catch_up(self, watch: Watch, nursery: trio.Nursery) -> None:
        """Nodes may have come or gone by events that were left out."""
        for node in {*self.sessions.nodes, *watch.nodes}:
            known = watch.nodes.get(node)
            presence = None if known is None else known.presence
            self.sessions.presence(node, presence, self.now())
            if presence == "online":
                self._start_streams(node, nursery)
        self.heard.set()

    def _hear(self, event: Event) -> None:
        match event:
            case PresenceChanged(node=node, presence=presence):
                self.sessions.presence(node, presence, self.now())
            case StatusReceived() | ReplayReceived() | HistoryReceived():
                entries = [(entry.ts, entry.values) for entry in event.entries]
                self.sessions.entries(event.node, event.code, event.name, entries, self.now())
            case _:
                return
        self.heard.set()
        if self.sessions.learned:
            self._learned.set()

    def _start_streams(self, node: str, nursery: trio.Nursery) -> None:
        if self._options.start and node not in self._started and len(self._started) < self._options.max_nodes:
            self._started.add(node)
            nursery.start_soon(self._start, node)

    async def _start(self, node: str) -> None:
        for code, name in map(read_stream, self._options.start):
            try:
                await self._consumer.start(node, code, name)
            except RtaError as e:  # there are too many of them
                self._context.report.malformed(self._context.name, "starts", str(e))

    # ---- the numbers of channels

    async def _keep_numbers(self) -> None:
        while True:
            await self._learned.wait()
            self.sessions.learned = False
            await trio.to_thread.run_sync(self._file.write, self.sessions.channels_document())
            await trio.sleep(_SAVING)

    def save(self) -> None:
        """What has not been saved yet. Blocks."""
        if self.sessions.learned:
            self._file.write(self.sessions.channels_document())


class MqttSource:
    """The nodes of one broker."""

    def __init__(self, options: MqttSourceOptions, bus: TopicBus, listener: Listener) -> None:
        self._options, self._bus, self._listener = options, bus, listener
        self._lost: str | None = None

    @property
    def waiting(self) -> int:
        """Bytes, about, of what has come and has not been reported."""
        return self._listener.sessions.size

    def followed(self) -> list[FollowedNode]:
        """As `rta.ports.NodeFollower` has it."""
        return self._listener.followed(connected=self._bus.trouble is None)

    async def run(self, updates: trio.MemorySendChannel[SourceUpdate]) -> None:
        """For ever.

        :raises NotConnectedError: there is no connection to the broker, or there has been none for the grace.
        """
        await self._connected()
        self._lost = None
        self._listener.sessions.forget_sessions()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_connection)
            await self._report(updates)
            nursery.cancel_scope.cancel()
        raise NotConnectedError(self._lost or "the connection to the broker is lost")

    async def _report(self, updates: trio.MemorySendChannel[SourceUpdate]) -> None:
        """Until the connection is lost for good. Nothing that was taken from the sessions is left unreported then."""
        listener = self._listener
        while self._lost is None:
            now = listener.now()
            due = listener.sessions.due(now)
            if due is None or due > now.at:
                with trio.CancelScope(deadline=float("inf") if due is None else due):
                    await listener.heard.wait()
                continue
            await trio.sleep(_COLLECT)
            for update in listener.sessions.updates(listener.now()):
                await updates.send(update)
            listener.room.set()

    async def _connected(self) -> None:
        with trio.move_on_after(self._options.connect_timeout):
            await self._bus.link()
            if self._listener.trouble is None:
                return
        raise NotConnectedError(
            self._listener.trouble or self._bus.trouble or f"{self._options.where()}: not connected"
        )

    async def _watch_connection(self) -> None:
        while True:
            link = await self._bus.link()
            await link.lost.wait()
            with trio.move_on_after(self._options.grace):
                await self._bus.link(link.number)
                continue
            self._lost = self._bus.trouble or f"{self._options.where()}: not connected"
            self._listener.heard.set()
            return


@asynccontextmanager
async def listen_to(bus: TopicBus, options: MqttSourceOptions, context: Context) -> AsyncIterator[MqttSource]:
    """A source on a bus that nobody else uses."""
    file = ChannelFile(context)
    async with open_consumer(bus, options.consumer, clock=context.clock, report=context.report) as consumer:
        listener = Listener(options, context, consumer, file)
        try:
            async with in_background(listener.run):
                yield MqttSource(options, bus, listener)
        finally:
            listener.save()


@asynccontextmanager
async def open_source(options: MqttSourceOptions, context: Context) -> AsyncIterator[MqttSource]:
    """It connects at once, and by itself again whenever the connection is lost."""
    async with open_topics(options, context) as bus, listen_to(bus, options, context) as source:
        yield source
