"""A consumer and a node of ours, on one memory bus."""

from __future__ import annotations

import pytest
import trio
from rta_transports.memory import MemoryTopics
from trio.testing import MockClock

from rta.consumer import (
    CommandError,
    GapFound,
    GapHealed,
    HistoryReceived,
    PresenceChanged,
    ReplayReceived,
    StatusReceived,
    StreamChanged,
    Watch,
    open_consumer,
)
from rta.consumer.counts import Counts
from rta.stream.definition import History, StreamDefinition, Trigger
from tests.actors.node_stage import NODE, Stage

LIVE = StreamDefinition("car.engine", "live", attributes={"rpm": Trigger.CHANGE, "oil": Trigger.ALONG})
IDLE = StreamDefinition("car.engine", "idle", attributes={"rpm": Trigger.CHANGE}, default_on=False)


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


async def test_they_understand_each_other(autojump_clock):
    async with Stage(LIVE, IDLE).running() as stage:
        bus, report = MemoryTopics(broker=stage.bus.broker), Counts()
        async with (
            open_consumer(bus, "tmc", clock=stage.clock, report=report) as consumer,
            consumer.watch(NODE) as watch,
        ):
            await stage.settle()
            streams = watch.nodes[NODE].streams
            assert watch.nodes[NODE].online
            assert {key: s.state for key, s in streams.items()} == {
                ("car.engine", "live"): "running",
                ("car.engine", "idle"): "stopped",
            }
            await stage.sample(rpm=800.4, oil=80.0)
            await stage.settle()
            assert streams["car.engine", "live"].values == {"rpm": 800, "oil": 80.0}

            await consumer.start(NODE, "car.engine", "idle", timeout=10)
            await trio.sleep(60)
            assert streams["car.engine", "idle"].state == "running"
            listed = await consumer.command(NODE, "stream.list", {"code": "car.engine", "stream": "idle"})
            assert listed["streams"][0]["consumers"]
            with pytest.raises(CommandError) as e:
                await consumer.command(NODE, "stream.add", {"code": "car.engine"})
            assert e.value.reason

            stage.bus.cut()
            await trio.sleep(5)
            assert not watch.nodes[NODE].online
            stage.bus.mend()
            await trio.sleep(5)
            assert watch.nodes[NODE].online
            assert streams["car.engine", "live"].values == {"rpm": 800, "oil": 80.0}

            kinds = []
            with trio.move_on_after(0.1):
                async for event in watch:
                    kinds.append(type(event))
            assert set(kinds) <= {PresenceChanged, StreamChanged, StatusReceived, GapFound}
            assert GapFound not in kinds
        await stage.settle()
        assert (await stage.kept())["channel/car.engine/idle"] == {"state": "stopped"}
        assert report.counts == {}


KEPT = StreamDefinition("car.engine", "live", attributes={"rpm": Trigger.CHANGE}, qos=1, history=History(), replay=10.0)


async def told(watch: Watch) -> list[object]:
    """The events that are waiting."""
    found: list[object] = []
    with trio.move_on_after(0.01):
        async for event in watch:
            found.append(event)
    return found


def entries(events: list[object]) -> list[tuple[int | None, object]]:
    kinds = StatusReceived | ReplayReceived | HistoryReceived
    return [(e.seq, e.values["rpm"]) for event in events if isinstance(event, kinds) for e in event.entries]


@pytest.mark.parametrize("whose", ["ours", "the node's"])
async def test_over_an_outage_every_entry_comes_once(autojump_clock, tmp_path, whose):
    async with Stage(KEPT, state_dir=tmp_path).running() as stage:
        bus = MemoryTopics(broker=stage.bus.broker)
        async with open_consumer(bus, "tmc", clock=stage.clock) as consumer, consumer.watch(NODE) as watch:
            await stage.sample(rpm=0)
            away = bus if whose == "ours" else stage.bus
            away.cut()
            for rpm in range(1, 201):
                await stage.sample(rpm=rpm)
            away.mend()
            await stage.sample(rpm=1000)
            await trio.sleep(20)
            events = await told(watch)
            last = watch.nodes[NODE].streams["car.engine", "live"].seq
            came = sorted(entries(events))
            assert [seq for seq, _ in came] == list(range(1, last + 1))
            assert {value for _, value in came} == {None, 1000, *range(201)}
            (found,) = [e for e in events if isinstance(e, GapFound)]
            (healed,) = [e for e in events if isinstance(e, GapHealed)]
            assert (healed.after_seq, healed.before_seq, healed.missing) == (found.after_seq, found.before_seq, 0)
            how = HistoryReceived if whose == "ours" else ReplayReceived
            assert any(isinstance(e, how) and e.entries for e in events)
