"""Reading over REST, and going on behind its flush point: every sample exactly once, whatever happens in between."""

from __future__ import annotations

from collections import Counter
from typing import Any

import trio
from attrs import Factory, define
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.ports import CloseCode
from rta.session.subscription import Subscription
from tests.actors.join_stage import OURS, Connection, Reading, Stage

REFUSALS = (CloseCode.POINT_LOST, CloseCode.FELL_BEHIND, CloseCode.UNREACHABLE)
WANTS = (
    [Subscription(True, True)],
    [Subscription(False, False, frozenset({1, 3})), Subscription(True, True)],
    [Subscription(True, False), Subscription(False, True)],
)

steps = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 4), st.sampled_from([0, 0, 500, 30_000])),
    st.tuples(st.just("append"), st.integers(1, 4), st.sampled_from([0, 0, 500, 30_000])),
    st.tuples(st.just("other"), st.sampled_from("ab")),
    st.tuples(st.just("commit"), st.sampled_from([1, 3, 1000])),
    st.tuples(st.just("commit"), st.just(1000)),
    st.tuples(st.just("cut"), st.integers(0, 10)),
    st.tuples(st.just("trim"), st.sampled_from([0, 2, 5, 20])),
    st.tuples(st.just("open"), st.sampled_from("aab")),
    st.tuples(st.just("kill"), st.booleans()),
    st.tuples(st.just("read"), st.sampled_from([1, 2, 4, 4, 4])),
    st.tuples(st.just("connect"), st.integers(0, 3), st.sampled_from([0, 300, 1 << 40, 1 << 40])),
    st.tuples(st.just("subscribe"), st.integers(0, 3)),
    st.tuples(st.just("drain"), st.integers(0, 3), st.sampled_from([100, 1 << 40])),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.3, 2.0, 8.0])),
    st.tuples(st.just("settle")),
    st.tuples(st.just("turns"), st.integers(1, 5)),
)


@define(eq=False)
class Joined:
    """A client that has read over REST, and goes on live."""

    had: list[int]
    link: Connection
    owed: set[int]
    """What was recorded when it came."""
    wants: list[Subscription]
    killed: bool = False

    @property
    def all(self) -> Counter[int]:
        return Counter([*self.had, *self.link.tags])


@define(eq=False)
class Play:
    """One story."""

    stage: Stage
    readings: list[Reading] = Factory(list)
    clients: list[Joined] = Factory(list)
    harmless: bool = True
    """Nothing has happened for which a point may be refused."""

    async def step(self, step: tuple[Any, ...]) -> None:
        stage = self.stage
        match step:
            case "append", items, pad:
                if stage.record is not None:
                    await stage.append(items, pad)
            case "other", stream:
                await stage.append_other(stream)
            case "commit", entries:
                await stage.commit(entries)
            case "cut", back:
                session = await stage.session()
                if session is not None:
                    runs = [r for r in session.runs if r.upto > r.start]
                    if runs:
                        run = runs[-1 - back % len(runs)]
                        stage.archive.forget_entries(OURS, run.upto)
                        self.harmless = False
            case "trim", keep:
                await stage.trim(keep)
                self.harmless = False
            case "open", stream:
                await stage.open(stream)
            case "kill", buffer:
                await stage.kill(buffer)
                for client in self.clients:
                    client.killed = True
            case "read", kinds:
                await self.read(kinds)
            case "connect", index, room:
                done = [r for r in self.readings if r.done]
                if done:
                    self.connect(done[index % len(done)], index, room)
            case "subscribe", index:
                if self.clients:
                    self.subscribe(self.clients[-1 - index % len(self.clients)])
            case "drain", index, size:
                if self.clients:
                    self.clients[-1 - index % len(self.clients)].link.drain_socket(size)
            case "wait", seconds:
                await trio.sleep(seconds)
            case ("settle",):
                await wait_all_tasks_blocked()
            case "turns", number:
                for _ in range(number):
                    await trio.lowlevel.checkpoint()

    async def read(self, kinds: int) -> None:
        if not self.readings or not self.readings[-1].left:
            self.readings.append(Reading())
        reading = self.readings[-1]
        for _ in range(min(kinds, len(reading.left))):
            await self.stage.read(reading)

    def connect(self, reading: Reading, index: int, room: int) -> Joined:
        link = self.stage.connect(reading.point, room)
        client = Joined(list(reading.tags), link, self.stage.recorded, list(WANTS[index % len(WANTS)]))
        self.clients.append(client)
        return client

    def subscribe(self, client: Joined) -> None:
        if client.wants:
            client.link.subscribe(client.wants.pop(0))

    async def end(self) -> None:
        """All that was in the way is taken away; then everybody must have what they are due."""
        stage = self.stage
        await stage.commit(1000)
        reading = Reading()
        while reading.left:
            await stage.read(reading)
        last = self.connect(reading, 0, 1 << 40) if reading.done else None
        await wait_all_tasks_blocked()
        for client in self.clients:
            while client.wants:
                self.subscribe(client)
                await wait_all_tasks_blocked()
            client.link.open_up()
        for _ in range(2):
            await trio.sleep(11)
            for client in self.clients:
                client.link.open_up()
        for client in self.clients:
            self.check(client)
        if last is not None and not last.killed:
            assert last.link.code in (None, CloseCode.NORMAL), last.link.reason

    def check(self, client: Joined) -> None:
        times = client.all
        assert set(times) <= set(self.stage.sent), "a sample of somebody else"
        assert max(times.values(), default=1) == 1, f"more than once: {[t for t, n in times.items() if n > 1]}"
        if client.killed or client.link.code in REFUSALS:
            # The archive may not know the present run for a while.
            excused = client.killed or client.link.code == CloseCode.UNREACHABLE or not self.harmless
            assert excused, f"turned away for nothing: {client.link.code} {client.link.reason}"
            return
        due = client.owed if client.link.code == CloseCode.NORMAL else self.stage.recorded
        missing = due - set(times)
        assert not missing, f"never came: {missing}"


async def play(ring: int, story: list[tuple[Any, ...]]) -> None:
    async with trio.open_nursery() as nursery:
        stage = Stage(nursery)
        await stage.begin(ring)
        await stage.open("a")
        told = Play(stage)
        for step in story:
            await told.step(step)
        await told.end()
        nursery.cancel_scope.cancel()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(ring=st.sampled_from([1 << 16, 1 << 20]), story=st.lists(steps, max_size=60))
def test_every_sample_comes_exactly_once(ring: int, story: list[tuple[Any, ...]]) -> None:
    trio.run(play, ring, story, clock=MockClock(autojump_threshold=0))
