"""Opening buses to brokers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from rta_transports.mqtt import MqttTopics, MqttTopicsOptions
from rta_transports.mqtt.bus import open_topics

from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context, Link, Will
from rta.testing.patience import within

__all__ = ["PATIENCE", "bus_to", "connected", "context", "linked"]

PATIENCE = 120.0


def context(folder: Path = Path()) -> Context:
    return Context("topics", folder, time.time_ns, Metrics(HotCounters(), dict))


def bus_to(port: int, folder: Path = Path(), **options: object) -> AbstractAsyncContextManager[MqttTopics]:
    """Not connected yet; comes back fast."""
    return open_topics(MqttTopicsOptions(port=port, **{"max_pause": 0.2, **options}), context(folder))  # type: ignore[arg-type]


@asynccontextmanager
async def connected(
    port: int, client_id: str, will: Will | None = None, **options: object
) -> AsyncIterator[MqttTopics]:
    async with bus_to(port, **options) as bus, bus.connect(client_id, will):
        await linked(bus)
        yield bus


async def linked(bus: MqttTopics, after: int = 0) -> Link:
    with within(PATIENCE, f"a connection behind {after}"):
        return await bus.link(after)
