"""A node on a memory bus, and somebody else on the same bus."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, Literal, TypeVar

import cbor2
import trio
from rta_transports.memory import MemoryTopics

from rta.actors.node_supervisor import NodeSettings, NodeSupervisor, NodeSurroundings
from rta.alarm.definition import AlarmDefinition
from rta.errors import HistoryError
from rta.health import Health
from rta.history.entry import Beginning
from rta.history.file import HistoryWorkerLost
from rta.history.store import HistoryStore
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import TopicMessage
from rta.ports.alarm import Alarm
from rta.ports.command import Command
from rta.rsmp.message import PLAIN
from rta.store.worker import StoreWorker
from rta.stream.clock import Sampled
from rta.stream.definition import AttributeDefinition, StatusDefinition, StreamDefinition
from rta.stream.sample import Sample
from rta.wire.values import Ns

T = TypeVar("T")

Loses = Literal["now", "before", "after", "never"]

BASE = 1_700_000_000_000_000_000
NODE = "dk/tlc-1"

CAR = StatusDefinition(
    "car.engine",
    attributes={"rpm": AttributeDefinition("rpm", round=0), "oil": AttributeDefinition("oil")},
)


def decoded(payload: bytes) -> Any:
    try:
        return cbor2.loads(payload) if payload else payload
    except cbor2.CBORError:
        return payload


class InPlace:
    """See `rta.store.worker`."""

    def __init__(self, store: HistoryStore, answers: Callable[[], Awaitable[None]]) -> None:
        self.beginning = Beginning(store.last, store.mark, store.streams())
        self.damage = store.damage
        self.lost = trio.Event()
        self._store = store
        self._answers = answers
        self._loses: Loses | None = None

    def lose(self, when: Loses) -> None:
        self._loses = when
        if when == "now":
            self.lost.set()

    async def ask(self, writes: bool, work: Callable[..., T], *arguments: object, cursor: int | None = None) -> T:
        await self._answers()
        if writes and self._loses == "before":
            self.lost.set()
        if self.lost.is_set():
            raise HistoryWorkerLost("it is gone")
        value = work(self._store, *arguments)
        if writes and self._loses == "after":
            self.lost.set()
            raise HistoryWorkerLost("it is gone")
        return value


class Stage:
    """Owns the two ends of the bus."""

    def __init__(self, *streams: StreamDefinition, state_dir: Path | None = None, administration: bool = False) -> None:
        self.bus = MemoryTopics()
        self.other = MemoryTopics(broker=self.bus.broker)
        self.health, self.counters = Health(), HotCounters()
        self.metrics = Metrics(self.counters, dict)
        self.back = 0
        self._state_dir = state_dir
        self._disk = trio.Event()
        self.opening = 0.0
        """Seconds that it takes to open the history."""
        self.locked = False
        """It cannot be opened."""
        self.keeper: InPlace
        self.store: HistoryStore | None = None
        """Of the node, while it is open."""
        self.unhang()
        self.node = NodeSupervisor(
            NodeSettings(NODE, UTC, state_dir, administration),
            NodeSurroundings(self.bus, self.health, self.metrics, self.counters, self.clock),
            self.keepers,
        )
        self.send = self.node.inbox
        self.status = CAR
        self.definitions = list(streams)
        self.commands: list[Command] = []
        self.alarms: list[AlarmDefinition] = []
        self.plug_ins: dict[str, Alarm] = {}

    @asynccontextmanager
    async def keepers(self, path: Path) -> AsyncIterator[StoreWorker]:
        """In place of a process, during whose work the mock clock would jump."""
        await self._answers()
        await trio.sleep(self.opening)
        if self.locked:
            raise HistoryError("another process has it")
        path.parent.mkdir(exist_ok=True)
        store = self.store = HistoryStore(path)
        self.keeper = InPlace(store, self._answers)
        try:
            yield self.keeper
        finally:
            store.close()
            self.store = None

    async def _answers(self) -> None:
        await trio.lowlevel.checkpoint()
        await self._disk.wait()

    def lose_the_keeper(self, when: Loses = "now") -> None:
        """It is gone by itself: now, or at the next thing that it is asked to write, before or after it has done it."""
        self.keeper.lose(when)

    def hang(self) -> None:
        """The disk does not answer."""
        if self._disk.is_set():
            self._disk = trio.Event()

    def unhang(self) -> None:
        """And all that was asked of it is done."""
        self._disk.set()

    def copy_of_the_history(self, folder: Path) -> Path:
        """What a crash would leave now."""
        assert self._state_dir is not None
        folder.mkdir()
        for file in self._state_dir.glob("history*"):
            shutil.copy(file, folder)
        return folder

    def clock(self) -> int:
        return BASE + round(trio.current_time() * 1e9) - self.back

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[list[tuple[str, Any, TopicMessage]]]:
        """As `heard`, from before the node runs."""
        ear = MemoryTopics(broker=self.bus.broker)
        async with ear.connect("ear"), self.heard(bus=ear) as got:
            yield got

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Stage]:
        self.node.configure([(self.status, self.definitions)], self.commands, self.alarms, self.plug_ins)
        async with self.other.connect("other"), trio.open_nursery() as nursery:
            await nursery.start(self.node.run)
            await self.settle()
            yield self
            self.node.stop()

    async def settle(self) -> None:
        await trio.sleep(0.1)

    async def sample(self, **values: float | str | None) -> None:
        now = Ns(self.clock())
        await self.send.send(Sampled("car.engine", [Sample(now, k, PLAIN, v) for k, v in values.items()]))
        await trio.sleep(0.01)

    async def tell(self, topic: str, value: Any, **properties: Any) -> None:
        payload = value if isinstance(value, bytes) else cbor2.dumps(value)
        await self.other.publish(f"{NODE}/{topic}", payload, **properties)
        await trio.sleep(0.01)

    async def kept(self, pattern: str = f"{NODE}/#") -> dict[str, Any]:
        """The retained picture, payloads decoded, topics below the node's."""
        async with self.other.subscribe(pattern) as subscription:
            found: dict[str, Any] = {}
            while True:
                with trio.move_on_after(0.001):
                    message = await subscription.receive()
                    if message.retained:
                        found[message.topic.removeprefix(f"{NODE}/")] = decoded(message.payload)
                    continue
                return found

    @asynccontextmanager
    async def heard(
        self, pattern: str = f"{NODE}/#", bus: MemoryTopics | None = None
    ) -> AsyncIterator[list[tuple[str, Any, TopicMessage]]]:
        """What is published inside the block: topic below the node's, payload decoded, message."""
        got: list[tuple[str, Any, TopicMessage]] = []

        async def listen() -> None:
            while True:
                m = await subscription.receive()
                if not m.retained:
                    topic = m.topic.removeprefix(f"{NODE}/")
                    got.append((topic, decoded(m.payload), m))

        async with (bus or self.other).subscribe(pattern) as subscription, trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            await trio.sleep(0.001)
            yield got
            await trio.sleep(0.01)
            nursery.cancel_scope.cancel()

    def counted(self, metric: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(metric, labels) or 0.0
