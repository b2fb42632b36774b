"""The node: streams over topics.

Owns the stream core, the publisher, the command desk and the audit file. Receives samples and changes of clocks over a
bounded channel, requests over the topic bus; sends over the topic bus. Ends with the site: what is collected is sent,
then it says "shutdown" and disconnects.

Source: docs/rsmp.md, "Presence and connection".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import tzinfo
from functools import partial
from pathlib import Path

import structlog
import trio

from rta.actors.alarms import Alarms
from rta.actors.audit import Audit
from rta.actors.command_server import CommandResult, CommandServer
from rta.actors.fetch_server import FetchServer
from rta.actors.history_worker import OpenHistory, in_a_process
from rta.actors.presences import Presences, presence_of
from rta.actors.publisher import Publisher
from rta.actors.recorder import Recorder
from rta.actors.replayer import Replayer
from rta.actors.stream_commands import stream_commands
from rta.actors.streams import Streams
from rta.actors.throttle import Throttle
from rta.alarm.definition import AlarmDefinition
from rta.errors import TransportError
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.node.node import Cleared, Node, NodeEvent, Removed, StateChanged, Update
from rta.node.node_stream import NodeStream, Now
from rta.ports import Link, TopicBus, TopicMessage, Will
from rta.ports.alarm import Alarm
from rta.ports.command import Command
from rta.rsmp.payload import encode
from rta.rsmp.presence import OFFLINE, SHUTDOWN
from rta.rsmp.topics import NodeTopics, TopicKind
from rta.stream.clock import ClockChanged, Sampled
from rta.stream.clock_step import ClockStepDetector
from rta.stream.definition import StatusDefinition, StreamDefinition
from rta.subscriber import Subscriber
from rta.wire.values import Ns

__all__ = ["NodeActor"]

log = structlog.get_logger("rta.node")

_WHO = "topics"
_LOOK = 1.0  # seconds between looks at what is to be pruned, and the longest sleep of the clock
_SET_BACK = 1.0  # seconds the wall clock may be set back without everything beginning anew
_SET_FORWARD = 10.0  # and forward: so much can be played through, and costs less than to forget all values
_GOODBYE = 2.0  # seconds for the last messages
_COMMITTED = 1.5  # seconds for what has been sent to be in the history, or to go on without it


class NodeActor:
    """One node."""

    def __init__(
        self,
        node_id: str,
        zone: tzinfo,
        bus: TopicBus,
        samples: trio.MemoryReceiveChannel[Sampled | ClockChanged],
        health: Health,
        metrics: Metrics,
        tally: HotCounters,
        clock: Callable[[], int],
        state_dir: Path | None = None,
        administration: bool = False,
        keepers: OpenHistory = in_a_process,
    ) -> None:
        """`clock`: wall time, ns since the Unix epoch. `keepers` open the history."""
        self._id = node_id
        self._bus = bus
        self._samples = samples
        self._health = health
        self._metrics = metrics
        self._clock = clock
        self._topics = NodeTopics(node_id)
        self._node = Node(zone)
        self._clock_step: ClockStepDetector
        self._publisher = Publisher(bus, self._topics, metrics, tally)
        self._audit = Audit(state_dir, metrics)
        self._recorder = Recorder(state_dir, self._node, self._publish, self._now, health, metrics, keepers)
        self._replayer = Replayer(lambda: self._node.streams, self._recorder, bus, self._topics, metrics)
        self._desk = CommandServer(self._topics, self._answer, self._audit, self._now, metrics)
        self._fetches = FetchServer(
            self._topics,
            bus,
            self._node.keeps,
            self._recorder.read,
            partial(self._recorder.settled, _COMMITTED),
            metrics,
        )
        self.streams = Streams(
            self._node, self._recorder.take, self._audit, self._now, state_dir, administration, self._recorder
        )
        self.streams.changed = self._changed
        self._throttle = Throttle(self.streams, metrics)
        self._presences = Presences(self._node, bus, health, metrics)
        self.alarms = Alarms(self._publisher, self._now, metrics)
        self._due_changed = trio.Event()
        self._stop = trio.Event()
        self._ended = trio.Event()
        self._working = trio.CancelScope()
        self._requests = tuple(
            self._topics.all(kind) for kind in (TopicKind.THROTTLE, TopicKind.COMMAND, TopicKind.FETCH)
        )
        self._own = (
            self._topics.all(TopicKind.STATE),
            self._topics.all(TopicKind.ALARM),
            self._topics.topic(TopicKind.PRESENCE),
        )

    def configure(
        self,
        statuses: Iterable[tuple[StatusDefinition, list[StreamDefinition]]],
        commands: Iterable[Command] = (),
        alarms: Iterable[AlarmDefinition] = (),
        plug_ins: Mapping[str, Alarm] | None = None,
    ) -> None:
        """What the node has; then what administration has changed of it is restored.

        :raises RtaError: it cannot be.
        """
        for status, streams in statuses:
            self._node.add_status(status)
            for stream in streams:
                self._node.add(stream, self._now())
        self.streams.restore()
        self._desk.register([*stream_commands(self.streams), *commands])
        self.alarms.configure(alarms, plug_ins or {})

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until `stop`, or cancelled."""
        try:
            await self._run(task_status)
        finally:
            self._ended.set()

    async def _run(self, task_status: trio.TaskStatus[None]) -> None:
        now = self._now()
        self._clock_step = ClockStepDetector(now.wall, now.steady, back=_SET_BACK, forward=_SET_FORWARD)
        async with trio.open_nursery() as recording:
            recording.start_soon(self._audit.run)
            try:
                recording.start_soon(self._recorder.run)
                if any(s.definition.history for s in self._node.streams):
                    await self._recorder.open()
                async with trio.open_nursery() as nursery:
                    await nursery.start(self._desk.run)
                    await nursery.start(self._fetches.run)
                    # Streams run from the start, with or without a connection.
                    self._recorder.take(self._node.start_defaults(self._now(), self._recorder.seqs()))
                    await self._recorder.settled(_COMMITTED)
                    nursery.start_soon(self._subscriber(self._requests, self._asked).run)
                    nursery.start_soon(self._subscriber(self._own, self._told).run)
                    nursery.start_soon(self._work)
                    nursery.start_soon(self._presences.run)
                    nursery.start_soon(self._publisher.run, self._refresh)
                    nursery.start_soon(self._count)
                    async with self._bus.connect(
                        self._id, Will(self._topics.topic(TopicKind.PRESENCE), encode(OFFLINE))
                    ):
                        nursery.start_soon(self._stay_connected)
                        task_status.started()
                        await self._stop.wait()
                        await self._say_goodbye()
                        nursery.cancel_scope.cancel()
            finally:
                self._recorder.close()
                self._audit.close()

    def stop(self) -> None:
        """Ask `run` to come to an orderly end."""
        self._stop.set()

    async def ended(self) -> None:
        """Wait until it has."""
        await self._ended.wait()

    @property
    def running(self) -> tuple[int, int]:
        """How many streams there are, and how many of them run."""
        streams = self._node.streams
        return len(streams), sum(s.run is not None for s in streams)

    def _now(self) -> Now:
        return Now(Ns(self._clock()), trio.current_time())

    # ---- the connection

    async def _stay_connected(self) -> None:
        number = 0
        while True:
            link = await self._next_link(number)
            number = link.number
            self._health.ok(_WHO)
            log.info("connected", node=self._id)
            self._node.pruning.connected(trio.current_time())
            self._publisher.connected(self._node.streams)
            self._fetches.connected()
            async with trio.open_nursery() as connected:
                connected.start_soon(self._follow_up)
                await link.lost.wait()
                self._publisher.disconnected()
                self._fetches.disconnected()
                connected.cancel_scope.cancel()
            self._node.pruning.disconnected()
            self._health.fail(_WHO, self._bus.trouble or "the connection is lost")

    async def _follow_up(self) -> None:
        """What comes behind the pictures of the streams: alarms, then, beside live, the replay. The first entry of live
        is the next one of the last that is replayed."""
        with trio.move_on_after(_COMMITTED):
            await self._publisher.announced()
        self.alarms.connected()
        await self._recorder.settled(_COMMITTED)
        await self._replayer.run()

    async def _next_link(self, number: int) -> Link:
        while True:
            with trio.move_on_after(_LOOK):
                return await self._bus.link(number)
            if self._bus.trouble is not None:
                self._health.fail(_WHO, self._bus.trouble)

    async def _say_goodbye(self) -> None:
        """The last events, then that we leave; nothing after that."""
        self.streams.end()
        self.alarms.end()
        self._working.cancel()
        self._recorder.take(self._node.flush(self._now()))
        await self._recorder.settled(_COMMITTED)
        if self._publisher.up:
            with trio.move_on_after(_GOODBYE), suppress(TransportError):
                topic = self._topics.topic(TopicKind.PRESENCE)
                await self._bus.publish(topic, encode(SHUTDOWN), retain=True, qos=1)

    # ---- what is to be sent

    def _publish(self, out: list[NodeEvent]) -> None:
        now = trio.current_time()
        publisher = self._publisher
        for thing in out:
            match thing:
                case Update():
                    publisher.update(thing, now)
                case StateChanged(stream, running):
                    publisher.state(stream, running)
                case Cleared(stream):
                    publisher.clear(stream)
                case Removed(stream):
                    publisher.remove(stream)

    def _refresh(self, streams: list[NodeStream]) -> None:
        self._recorder.take(self._node.refresh(streams, self._look_at_the_clock()))
        self._due_changed.set()

    def _answer(self, answer: CommandResult) -> None:
        self._publisher.result(answer.topic, answer.payload, answer.correlation)

    # ---- samples and time

    async def _work(self) -> None:
        with self._working:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._take_samples)
                nursery.start_soon(self._keep_time)
                nursery.start_soon(self.alarms.run)

    async def _take_samples(self) -> None:
        async for item in self._samples:
            if self.alarms.feed(item):
                continue
            now = self._look_at_the_clock()
            match item:
                case Sampled(code, samples):
                    self._recorder.take(self._node.feed(code, samples, now))
                case ClockChanged(code, clock):
                    self._node.set_clock(code, clock, now)
            self._due_changed.set()

    async def _keep_time(self) -> None:
        while True:
            self._recorder.take(self._node.advance(self._look_at_the_clock()))
            self._due_changed = trio.Event()
            due = self._node.due()
            wait = _LOOK if due is None else min(max((due - self._clock()) / 1e9, 0.0), _LOOK)
            with trio.move_on_after(wait):
                await self._due_changed.wait()

    def _look_at_the_clock(self) -> Now:
        """The time. If the clock was set, everything begins anew, before an hour that never was is played through."""
        now = self._now()
        step = self._clock_step.step(now.wall, now.steady)
        if step is not None:
            log.warning("the clock was set", seconds=round(step, 3))
            self._recorder.take(self._node.flush(now))  # the ends of batches may be far ahead now
            self._node.begin_anew(now)
        return now

    async def _count(self) -> None:
        while True:
            await trio.sleep(_LOOK)
            self._publisher.correct_presence(trio.current_time())
            for kind, count in self._node.counts():
                self._metrics.count("rta_stream_samples_left_out_total", count, kind=kind)
            for reason in self.streams.prune():
                self._metrics.count("rta_streams_pruned_total", reason=reason)

    def _changed(self) -> None:
        self._due_changed.set()
        self._presences.changed()

    # ---- what others ask

    def _subscriber(self, filters: tuple[str, ...], handle: Callable[[TopicMessage], None]) -> Subscriber:
        lost = partial(self._metrics.count, "rta_topic_input_refused_total", kind="any", reason="flood")
        return Subscriber(self._bus, filters, handle, lost, health=self._health)

    def _told(self, message: TopicMessage) -> None:
        """What is published of ourselves, by us or by others."""
        address = self._topics.parse(message.topic)
        if address is None:
            return
        if address.kind is TopicKind.PRESENCE:
            if not self._stop.is_set():
                said = presence_of(message, self._metrics)
                self._publisher.presence(said, message.retained, trio.current_time())
        elif address.kind is TopicKind.ALARM:
            if message.retained and message.payload and not self.alarms.has(address.code):
                self._publisher.clear_topic(message.topic)
        elif message.retained and message.payload and not self._node.has(address.code, address.name):
            # Ours from before, of a stream that is no longer configured.
            self._publisher.clear_topic(message.topic)
            self._publisher.clear_topic(self._topics.topic(TopicKind.STATUS, address.code, address.name))

    def _asked(self, message: TopicMessage) -> None:
        address = self._topics.parse(message.topic)
        if address is None:
            self._metrics.count("rta_topic_input_refused_total", kind="unknown", reason="topic")
        elif message.retained:
            self._metrics.count("rta_topic_input_refused_total", kind=address.kind.value, reason="retained")
        elif address.kind is TopicKind.COMMAND:
            self._desk.handle(message, address.code)
        elif address.kind is TopicKind.FETCH:
            self._fetches.handle(message, address, trio.current_time())
        else:
            self._throttle.handle(message, address, trio.current_time())
