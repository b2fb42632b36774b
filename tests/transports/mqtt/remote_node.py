"""A remote node that says what it is told to, on a bus in memory; and a source that listens to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from rta_transports.memory import MemoryBroker, MemoryTopics
from rta_transports.mqtt import MqttSource, MqttSourceOptions
from rta_transports.mqtt.source import listen_to
from told import Told

from rta.errors import TransportError
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context, SourceUpdate, TopicMessage, Will
from rta.rsmp.payload import encode, iso
from rta.testing.patience import within
from rta.wire.values import Ns

__all__ = ["BASE", "NODE", "S", "Hearing", "Node", "clock", "entry", "hearing", "listening"]

BASE = 1_763_720_231_123_000_000
S = 1_000_000_000
NODE = "dk/tlc-1"


class Node:
    """Its end of the bus."""

    def __init__(self, broker: MemoryBroker, node: str = NODE) -> None:
        self.id = node
        self.bus = MemoryTopics(broker=broker)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Node]:
        async with self.bus.connect(self.id, Will(f"{self.id}/presence", encode("offline"))):
            yield self

    def says(self, topic: str, value: Any, *, retain: bool = False, **properties: Any) -> None:
        payload = value if isinstance(value, bytes) else encode(value)
        self.bus.send(f"{self.id}/{topic}", payload, retain=retain, qos=1, **properties)

    def presence(self, presence: str) -> None:
        self.says("presence", presence, retain=True)

    def status(self, *entries: dict[str, Any], stream: str = "car.engine/live", retain: bool = False) -> None:
        self.says(f"status/{stream}", {"entries": list(entries)}, retain=retain)

    def replay(self, *entries: dict[str, Any], stream: str = "car.engine/live", **flags: bool) -> None:
        self.says(f"replay/{stream}", {"entries": [{**e, "next_ts": None} for e in entries], **flags})

    async def answers(self, subscription: Any, *entries: dict[str, Any], stream: str = "car.engine/live") -> None:
        """Wait for a fetch, and answer it with these."""
        request: TopicMessage = await subscription.receive()
        assert request.response_topic is not None
        self.bus.send(
            request.response_topic,
            encode({"entries": [{**e, "next_ts": None} for e in entries], "complete": True}),
            qos=1,
            correlation=request.correlation,
        )


def entry(second: float, seq: int, **values: Any) -> dict[str, Any]:
    """Of a moment after `BASE`."""
    return {"ts": iso(Ns(BASE + round(second * S))), "values": values, "seq": seq}


def clock() -> int:
    return BASE + round(trio.current_time() * 1e9)


@asynccontextmanager
async def listening(
    bus: MemoryTopics, state_dir: Path | None = None, **options: Any
) -> AsyncIterator[tuple[MqttSource, Metrics]]:
    """The source, opened; it does not run yet."""
    metrics = Metrics(HotCounters(), dict)
    chosen = MqttSourceOptions(**{"consumer": "tmc", "nodes": ["dk/+"], **options})
    async with listen_to(bus, chosen, Context("plant", Path(), clock, metrics, state_dir)) as source:
        yield source, metrics


class Hearing:
    """A source that runs, and what it has reported."""

    def __init__(self, source: MqttSource, metrics: Metrics, bus: MemoryTopics, nursery: trio.Nursery) -> None:
        self.bus, self.told, self.errors = bus, Told(), list[str]()
        self.source, self._metrics, self._nursery = source, metrics, nursery

    def run(self) -> None:
        """Let it run, again."""
        self._nursery.start_soon(self._run)

    async def _run(self) -> None:
        send, receive = trio.open_memory_channel[SourceUpdate](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._take, receive)
            async with send:
                try:
                    await self.source.run(send)
                except TransportError as e:
                    self.errors.append(str(e))

    async def _take(self, receive: trio.MemoryReceiveChannel[SourceUpdate]) -> None:
        async for update in receive:
            self.told.take(update)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        with within(10, what):
            while not condition():
                await trio.sleep(0.01)

    def counted(self, metric: str, **labels: str) -> float:
        return self._metrics.registry.get_sample_value(metric, labels) or 0.0

    @property
    def samples(self) -> list[tuple[float, float]]:
        """Of rpm in the newest session: seconds after `BASE`, and value."""
        identity = list(self.told.sessions)[-1]
        found = self.told.samples.get(identity, {}).get("rpm:car.engine.live", [])
        return [((ts - BASE) / S, value) for ts, value in found]


@asynccontextmanager
async def hearing(broker: MemoryBroker, **options: Any) -> AsyncIterator[Hearing]:
    """A source that runs until the end of the block."""
    bus = MemoryTopics(broker=broker)
    async with listening(bus, **options) as (source, metrics), trio.open_nursery() as nursery:
        heard = Hearing(source, metrics, bus, nursery)
        heard.run()
        await trio.sleep(0.1)
        yield heard
        nursery.cancel_scope.cancel()
