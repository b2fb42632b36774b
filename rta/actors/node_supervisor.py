"""The actors of one node: how they are connected, and how they begin and end together.

    sampler ──▶ node ──▶ history ──▶ publisher ──▶ topic bus
                  ╰────▶ alarms ────────╯

Each arrow is a bounded inbox whose sender waits. What comes back (what became of a message, what owes a full update) is
posted into the mailbox beside it, which never waits; so there is no circle in which all wait. Without a state directory
nothing is kept, and the node sends to the publisher at once.

Owns the connection to the bus. Ends when it is stopped: what is collected is sent, then the node says "shutdown" and
disconnects.

Source: docs/rsmp.md, "Presence and connection".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import tzinfo
from pathlib import Path

import structlog
import trio
from attrs import define, frozen

from rta.actors.administrator import Administrator, ChangeRequest
from rta.actors.alarm_messages import AlarmMessage, EndAlarms, PictureDue
from rta.actors.alarms import AlarmActor
from rta.actors.audit import Audit
from rta.actors.command_server import CommandServer
from rta.actors.fetch_server import FetchServer
from rta.actors.history import HistoryActor
from rta.actors.history_file import HistoryFile, open_history
from rta.actors.history_messages import AskKept, CloseHistory, FileLost, FileOpened, HistoryMessage, SettleHistory
from rta.actors.node import NodeActor, NodeOutlets
from rta.actors.node_messages import EndNode, LinkChanged, NodeMessage
from rta.actors.presences import Presences
from rta.actors.publisher import Publisher, PublisherOutlets
from rta.actors.publisher_messages import Flush, LinkDown, LinkUp, PublisherMessage
from rta.actors.replayer import Replayer
from rta.actors.stream_commands import stream_commands
from rta.actors.streams import Streams
from rta.actors.topic_input import OwnTopics, TopicRequests
from rta.alarm.definition import AlarmDefinition
from rta.errors import DamagedFileError, RtaError, TransportError
from rta.health import Health
from rta.history.entry import Beginning, Bounds, Key
from rta.hot_counters import HotCounters
from rta.inbox import Inbox, Outlet, Reply
from rta.latest import Latest
from rta.metrics import Metrics
from rta.node.administration import Administration
from rta.node.changes import CHANGES_FILE, Changes, load_changes
from rta.node.events import Turn
from rta.node.node import Node
from rta.node.node_stream import Now
from rta.node.view import NodeView
from rta.ports import Link, TopicBus, Will
from rta.ports.alarm import Alarm
from rta.ports.command import Command
from rta.rsmp.payload import encode
from rta.rsmp.presence import OFFLINE, SHUTDOWN
from rta.rsmp.topics import NodeTopics, TopicKind
from rta.state_file import try_to_set_aside
from rta.store.lasting import OpenWorker
from rta.stream.definition import StatusDefinition, StreamDefinition
from rta.wire.values import Ns

__all__ = ["NodeSettings", "NodeSupervisor"]

log = structlog.get_logger("rta.node")

_WHO = "topics"
_SAMPLES = 256  # messages on their way from the sampler to the node, and requests; then the senders wait
_TURNS = 64  # of the node on their way to the history, and from there to the publisher; then the senders wait
_CHANGES = 64  # of administration that wait for those before them; then whoever asks waits
_LOOK = 1.0  # seconds between looks at why there is no connection
_GOODBYE = 2.0  # seconds for the last messages
_COMMITTED = 1.5  # seconds for what has been sent to be in the history, or to go on without it


@frozen
class NodeSettings:
    """What a node is."""

    id: str
    zone: tzinfo
    """Whose midnight the clock of updates counts from."""
    state_dir: Path | None = None
    """Where changes, the audit file and the history are kept; None: they are not."""
    administration: bool = False
    """Whether streams can be added, edited and removed while it runs."""


@define
class NodeSurroundings:
    """What the actors of a node share with the rest of the site."""

    bus: TopicBus
    health: Health
    metrics: Metrics
    counters: HotCounters
    wall: Callable[[], int]
    """Wall time, ns since the Unix epoch."""


class NodeSupervisor:
    """One node."""

    def __init__(
        self, settings: NodeSettings, around: NodeSurroundings, open_history: OpenWorker = open_history
    ) -> None:
        self.inbox: Inbox[NodeMessage] = Inbox(_SAMPLES)
        """For the sampler."""
        self._settings = settings
        self._around = around
        metrics = around.metrics
        self._topics = topics = NodeTopics(settings.id)
        self._history_inbox: Inbox[HistoryMessage] = Inbox(_TURNS)
        self._publisher_inbox: Inbox[PublisherMessage] = Inbox(_TURNS)
        self._alarm_inbox: Inbox[AlarmMessage] = Inbox(_TURNS)
        changes: Inbox[ChangeRequest] = Inbox(_CHANGES)
        self._link = Latest(0)
        """The number of the connection; 0: there is none."""
        self.view = Latest(NodeView())
        self.audit = Audit(settings.state_dir, metrics, around.health)
        self._node = Node(settings.zone)
        self._administration = Administration(self._node, settings.state_dir, settings.administration)
        self._history = HistoryActor(
            self._history_inbox, self._publisher_inbox, self.view, self._file(open_history), self._now, metrics
        )
        self._publisher = Publisher(
            self._publisher_inbox,
            topics,
            PublisherOutlets(around.bus, self.inbox, self._history_inbox, metrics, around.counters),
        )
        self.alarms = AlarmActor(self._alarm_inbox, self._publisher_inbox, self._now, metrics)
        self._administrator = Administrator(changes, self.inbox, self._history.open, settings.state_dir)
        self.streams = Streams(self.inbox, changes, self._history_inbox, self._publisher_inbox, self.audit, self._now)
        self._commands = CommandServer(topics, self._publisher_inbox, self.audit, self._now, metrics)
        self._fetches = FetchServer(
            topics, around.bus, self._keeps, self._history.read, self._settle, self._link, metrics
        )
        self._replayer = Replayer(self.view, self._history, self._history_inbox, around.bus, topics, metrics)
        self._alarm_codes: frozenset[str] = frozenset()
        self._stop = trio.Event()
        self._ended = trio.Event()
        self._opening = trio.CancelScope()

    def _file(self, open_history: OpenWorker) -> HistoryFile | None:
        folder, around, inbox = self._settings.state_dir, self._around, self._history_inbox
        if folder is None:
            return None

        def opened(beginning: Beginning) -> None:
            inbox.post(FileOpened(beginning))

        def lost() -> None:
            inbox.post(FileLost())

        return (
            None if folder is None else HistoryFile(folder, open_history, opened, lost, around.health, around.metrics)
        )

    def configure(
        self,
        statuses: Iterable[tuple[StatusDefinition, list[StreamDefinition]]],
        commands: Iterable[Command] = (),
        alarms: Iterable[AlarmDefinition] = (),
        plug_ins: Mapping[str, Alarm] | None = None,
    ) -> None:
        """Before it runs, what the node has; then what administration has changed of it is restored.

        :raises RtaError: it cannot be.
        """
        for status, streams in statuses:
            self._node.add_status(status)
            for stream in streams:
                self._node.add(stream)
        if self._settings.state_dir is not None:
            self._administration.restore(self._load_changes(self._settings.state_dir), self._now())
        self._commands.register([*stream_commands(self.streams), *commands])
        self._alarm_codes = self.alarms.configure(alarms, plug_ins or {})

    def _load_changes(self, folder: Path) -> Changes:
        """What administration has changed; where that is damaged, it is set aside, and streams are as configured."""
        path = folder / CHANGES_FILE
        try:
            return load_changes(folder)
        except DamagedFileError as e:
            what = f"{path.name} was damaged ({e}): streams are as configured; {try_to_set_aside(path)}"
        except OSError as e:
            raise RtaError(f"cannot read {path}: {e.strerror or e}") from None
        log.error(what, folder=str(folder))
        self._around.health.note("streams", what)
        self._around.metrics.count("rta_state_damaged_total")
        return {}

    def stop(self) -> None:
        """Ask `run` to come to an orderly end. It does not wait for the history to be opened."""
        self._stop.set()
        self._opening.cancel()

    async def ended(self) -> None:
        """Wait until it has."""
        await self._ended.wait()

    def _now(self) -> Now:
        return Now(Ns(self._around.wall()), trio.current_time())

    # ---- their life

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until `stop`, or cancelled."""
        try:
            async with trio.open_nursery() as recording:
                recording.start_soon(self.audit.run)
                recording.start_soon(self._history.run)
                try:
                    await self._run(task_status)
                finally:
                    self._history_inbox.post(CloseHistory())
                    self.audit.close()
        finally:
            self._ended.set()

    async def _run(self, task_status: trio.TaskStatus[None]) -> None:
        around, topics = self._around, self._topics
        line: Outlet[Turn] = self._publisher_inbox if self._settings.state_dir is None else self._history_inbox
        out = NodeOutlets(line, self._alarm_inbox, self.view, self.audit, around.metrics, around.health)
        node = NodeActor(self.inbox, self._node, self._administration, self._now, out)
        if any(s.definition.history for s in self.view.value.streams.values()):
            with self._opening:
                await self._history.open()
        async with trio.open_nursery() as nursery:
            await nursery.start(self._commands.run)
            await nursery.start(self._fetches.run)
            nursery.start_soon(self._publisher.run)
            # Streams run from the start, with or without a connection.
            await nursery.start(node.run, await self._seqs())
            await self._settle()
            nursery.start_soon(self._administrator.run)
            nursery.start_soon(self.alarms.run)
            listening = around.bus, around.health, around.metrics
            requests = TopicRequests(*listening, topics, self.streams, self._commands, self._fetches)
            nursery.start_soon(requests.run)
            own = OwnTopics(*listening, topics, self.view, self._alarm_codes, self._publisher_inbox)
            hears_itself = await nursery.start(_in_scope, own.run)
            nursery.start_soon(Presences(*listening, self.view, self.inbox).run)
            will = Will(topics.topic(TopicKind.PRESENCE), encode(OFFLINE))
            async with around.bus.connect(self._settings.id, will):
                nursery.start_soon(self._stay_connected)
                task_status.started()
                await self._stop.wait()
                hears_itself.cancel()  # else its "shutdown" would be corrected
                await self._say_goodbye()
                nursery.cancel_scope.cancel()

    async def _seqs(self) -> dict[Key, int]:
        """The number of the newest kept entry of each stream."""
        kept: Reply[Mapping[Key, Bounds]] = Reply()
        await self._history_inbox.send(AskKept(False, kept))
        return {key: bounds.seq for key, bounds in (await kept.wait()).items()}

    async def _settle(self) -> None:
        """Wait until all that the node has sent is with the bus, or kept; not for ever."""
        with trio.move_on_after(_COMMITTED):
            settled: Reply[None] = Reply()
            await self._history_inbox.send(SettleHistory(settled))
            await settled.wait()
            flushed: Reply[None] = Reply()
            await self._publisher_inbox.send(Flush(flushed))
            await flushed.wait()

    def _keeps(self, code: str, name: str) -> bool:
        return self.view.value.keeps(code, name)

    # ---- the connection

    async def _stay_connected(self) -> None:
        number = 0
        while True:
            link = await self._next_link(number)
            number = link.number
            self._around.health.ok(_WHO)
            log.info("connected", node=self._settings.id)
            self.inbox.post(LinkChanged(True))
            self._publisher_inbox.post(LinkUp(number))
            self._link.show(number)
            async with trio.open_nursery() as connected:
                connected.start_soon(self._follow_up, number)
                await link.lost.wait()
                connected.cancel_scope.cancel()
            self._publisher_inbox.post(LinkDown(number))
            self._link.show(0)
            self.inbox.post(LinkChanged(False))
            self._around.health.fail(_WHO, self._around.bus.trouble or "the connection is lost")

    async def _follow_up(self, number: int) -> None:
        """What comes behind the pictures of the streams: alarms, then, beside live, the replay. The first entry of live
        is the next one of the last that is replayed."""
        with trio.move_on_after(_COMMITTED):
            while (seen := self._publisher.announced.value) != number:
                await self._publisher.announced.another(seen)
        self._alarm_inbox.post(PictureDue(number))
        await self._settle()
        await self._replayer.run()

    async def _next_link(self, number: int) -> Link:
        while True:
            with trio.move_on_after(_LOOK):
                return await self._around.bus.link(number)
            if self._around.bus.trouble is not None:
                self._around.health.fail(_WHO, self._around.bus.trouble)

    async def _say_goodbye(self) -> None:
        """The last events, then that we leave; nothing after that."""
        with trio.move_on_after(_COMMITTED):
            alarms: Reply[None] = Reply()
            await self._alarm_inbox.send(EndAlarms(alarms))
            await alarms.wait()
            node: Reply[None] = Reply()
            await self.inbox.send(EndNode(node))
            await node.wait()
        await self._settle()
        if self._link.value:
            with trio.move_on_after(_GOODBYE), suppress(TransportError):
                topic = self._topics.topic(TopicKind.PRESENCE)
                await self._around.bus.publish(topic, encode(SHUTDOWN), retain=True, qos=1)


async def _in_scope(run: Callable[[], Awaitable[None]], *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
    with trio.CancelScope() as scope:
        task_status.started(scope)
        await run()
