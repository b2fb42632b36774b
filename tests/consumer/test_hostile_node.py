"""A node that sends whatever there is: the watch, its lines and its table, and the source of sessions live through it,
and see another node, which is well, as if there were nothing else."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import cbor2
import pytest
import trio
from rta_transports.memory import MemoryBroker, MemoryTopics
from rta_transports.mqtt import MqttSourceOptions
from rta_transports.mqtt.source import listen_to
from trio.testing import MockClock

from rta.cli.event_text import event_json, event_lines
from rta.cli.paging import Pager
from rta.cli.watch_table import GapCounts, Watched
from rta.consumer import StatusReceived, Watch, open_consumer
from rta.consumer.counts import Counts
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context, SourceUpdate, TopicMessage
from rta.rsmp.payload import iso
from rta.wire.values import Ns

from .fake_node import BASE, FakeNode, at, entry

WELL = "dk/cph/well"
MESSAGES = 1500
_TOPICS = [
    *("presence", "status/car.engine/live", "status/car.engine", "channel/car.engine/live", "replay/car.engine/live"),
    *("alarm/car.hot", "alarm/car.engine", "status/car.engine/default", "channel/car.engine", "replay/car.engine"),
    *("status", "status/x", "status/a.b/c/d", "alarm", "history/car.engine/live", "result/car.engine", "nonsense/x"),
    *("status/\x1b[31m.x/[red]", "presence/more"),
]


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


class Hostile:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def message(self) -> tuple[str, bytes, bool]:
        """Topic below the node, payload, retained."""
        c = self.chance
        return c.choice(_TOPICS), self.payload(), c.random() < 0.4

    def payload(self) -> bytes:
        c = self.chance
        made = c.random()
        if made < 0.05:
            return b""
        if made < 0.15:
            return c.randbytes(c.randrange(1, 60))
        if made < 0.2:
            whole = cbor2.dumps(self.said())
            return whole[: c.randrange(len(whole))] or b"\xff"
        if made < 0.22:
            return cbor2.dumps({"entries": [{"ts": iso(at(1)), "values": {f"a{i}": i for i in range(3000)}, "seq": 5}]})
        return cbor2.dumps(self.said())

    def said(self) -> Any:
        c = self.chance
        return c.choice(
            [
                lambda: c.choice(["online", "offline", "shutdown", "\x1b[2J", "on" * 50_000, 7, None]),
                lambda: {"state": c.choice(["running", "stopped", "Running", 1, None, ["running"]])},
                lambda: {"entries": [self.entry() for _ in range(c.choice([0, 1, 1, 1, 3, 30]))], **self.flags()},
                lambda: {"entries": [self.entry() for _ in range(c.choice([1, 1, 4]))], **self.flags()},
                lambda: {"entries": [self.alarm() for _ in range(c.choice([0, 1, 3]))], **self.flags()},
                self.alarm,
                self.anything,
            ]
        )()

    def flags(self) -> dict[str, Any]:
        c = self.chance
        return {
            k: c.choice([True, False, 1, "yes", None])
            for k in ("done", "full", "complete", "beginning")
            if c.random() < 0.3
        }

    def time(self) -> Any:
        c = self.chance
        if c.random() < 0.8:
            return iso(at(c.randrange(-50, 50)))
        return c.choice(
            ["2026-13-01", "", None, 7, "9999-12-31T23:59:59Z", "1677-09-22T00:00:00Z", "2262-04-11", "0001-01-01"]
        )

    def entry(self) -> Any:
        c = self.chance
        if c.random() < 0.05:
            return self.anything()
        made: dict[str, Any] = {"ts": self.time(), "values": self.values(), "seq": self.number()}
        if c.random() < 0.2:
            made["next_ts"] = self.time()
        if c.random() < 0.1:
            del made[c.choice(list(made))]
        return made

    def number(self) -> Any:
        c = self.chance
        if c.random() < 0.8:
            return c.randrange(60)
        return c.choice([None, "7", -1, 1.5, 2.0, True, 2**63, 2**63 - 1, 10**30, [1], 10**6])

    def values(self) -> Any:
        c = self.chance
        if c.random() < 0.05:
            return self.anything()
        return {
            c.choice(["rpm", "group", "sg/1", "", "\x1b]0;x\x07", "[bold]", "é" * 300]): self.anything()
            for _ in range(3)
        }

    def alarm(self) -> Any:
        c = self.chance
        if c.random() < 0.4:
            return {
                "aSp": c.choice(["Issue", "Acknowledge", "Suspend", 3]),
                "aSt": c.choice(["active", "inActive", "inactive", "Active", None, {}]),
                "aTs": self.time(),
                "rvs": self.anything(),
            }
        return {
            "ts": self.time(),
            "component": self.anything() if c.random() < 0.3 else c.choice([None, "sg/1", 7]),
            "active": c.choice([True, False, None]),
            "values": self.values(),
        }

    def anything(self, depth: int = 0) -> Any:
        c = self.chance
        simple = [None, True, 7, -1.5, float("nan"), float("inf"), 2**70, "", "text", "\x1b[31m", "[red]", b"bytes"]
        if depth > 3 or c.random() < 0.6:
            return c.choice(simple)
        if c.random() < 0.5:
            return [self.anything(depth + 1) for _ in range(c.randrange(4))]
        return {c.choice(["a", "sg/1", "entries", "", 5]): self.anything(depth + 1) for _ in range(c.randrange(4))}


class Liar(FakeNode):
    """Answers fetches with whatever it likes, also what nobody asked for."""

    hostile: Hostile

    def _send_history(self, message: TopicMessage, asked: dict[str, str]) -> None:
        assert message.response_topic is not None
        for _ in range(self.hostile.chance.randrange(4)):
            correlation = message.correlation if self.hostile.chance.random() < 0.8 else b"nobody's"
            self.bus.send(message.response_topic, self.hostile.payload(), correlation=correlation)


class Looker:
    """Looks at a watch as `rta watch` does, in all its ways."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.gaps = GapCounts()
        self.of_well: list[int | None] = []

    async def look(self) -> None:
        async for event in self.watch:
            now = Ns(BASE)
            json.loads(event_json(event, now))
            assert all(line.isprintable() for line in event_lines(event, now))
            self.gaps.handle(event)
            if isinstance(event, StatusReceived) and event.node == WELL:
                self.of_well += [e.seq for e in event.entries]

    def table(self) -> str:
        watched = Watched(["+"], self.watch.nodes, self.gaps, "tmc", trouble=None)
        return "\n".join(line.plain for line in watched.draw(Ns(BASE), Pager(), 100, 40))


async def attack(node: Liar, hostile: Hostile, well: FakeNode) -> None:
    for i in range(MESSAGES):
        topic, payload, retain = hostile.message()
        node.bus.send(f"{node.id}/{topic}", payload, retain=retain)
        if not i % 50:
            well.bus.send(f"{WELL}/status/car.engine/live", cbor2.dumps({"entries": [entry(1 + i // 50)]}), qos=1)
        if not i % 10:
            await trio.sleep(hostile.chance.choice([0.01, 0.1, 5]))


@pytest.mark.parametrize("seed", range(3))
async def test_it_is_lived_through(autojump_clock, seed):
    broker = MemoryBroker()
    bus, second = MemoryTopics(broker=broker), MemoryTopics(broker=broker)
    hostile, report = Hostile(seed), Counts()
    options = MqttSourceOptions(consumer="display", nodes=["dk/cph/+"], start=["car.engine/live"])
    context = Context("plant", Path(), lambda: BASE + round(trio.current_time() * 1e9), Metrics(HotCounters(), dict))
    liar = Liar(broker, "dk/cph/liar")
    liar.hostile = hostile
    reported: list[SourceUpdate] = []

    async def take(updates: trio.MemoryReceiveChannel[SourceUpdate]) -> None:
        async for update in updates:
            reported.append(update)

    async with (
        liar.running(),
        FakeNode(broker, WELL).running() as well,
        open_consumer(bus, "tmc", clock=context.clock, report=report) as consumer,
        consumer.watch("dk/cph/+") as watch,
        listen_to(second, options, context) as source,
        trio.open_nursery() as nursery,
    ):
        looker = Looker(watch)
        send, receive = trio.open_memory_channel[SourceUpdate](0)
        nursery.start_soon(looker.look)
        nursery.start_soon(take, receive)
        nursery.start_soon(source.run, send)
        await well.online()
        await attack(liar, hostile, well)
        assert looker.table()
        await liar.online()  # and then all is well
        before = watch.nodes[liar.id].streams["car.engine", "live"].entries
        await liar.say("status/car.engine/live", {"entries": [entry(10**6 + 5, second=100)]})
        await trio.sleep(100)
        assert watch.nodes[liar.id].streams["car.engine", "live"].entries > before
        assert looker.of_well == list(range(1, 1 + MESSAGES // 50))
        assert watch.nodes[WELL].streams["car.engine", "live"].lost == 0
        assert source.waiting == 0
        assert reported
        nursery.cancel_scope.cancel()
