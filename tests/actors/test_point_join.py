"""Reading over REST, and going on behind its flush point: every sample exactly once, whatever happens in between."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import trio
from attrs import Factory, define
from examples import examples
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.client.since_mark import SinceMark
from rta.ports import CloseCode, FlushPoint
from rta.session.subscription import Subscription
from tests.actors.join_stage import OURS, Connection, Reading, Stage, tags_of
from tests.session.simulation import ALL

WANTS = (ALL, ALL, Subscription(True, False, frozenset({1, 3})), Subscription(False, True))

steps = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 4), st.sampled_from([0, 0, 500, 30_000])),
    st.tuples(st.just("append"), st.integers(1, 4), st.sampled_from([0, 0, 500, 30_000])),
    st.tuples(st.just("other"), st.sampled_from("ab")),
    st.tuples(st.just("commit"), st.sampled_from([1, 3, 1000])),
    st.tuples(st.just("commit"), st.just(1000)),
    st.tuples(st.just("cut"), st.integers(0, 10)),
    st.tuples(st.just("trim"), st.sampled_from([0, 0, 2, 5])),
    st.tuples(st.just("open"), st.sampled_from("aab")),
    st.tuples(st.just("kill"), st.booleans()),
    st.tuples(st.just("read"), st.sampled_from([1, 2, 4, 4, 4])),
    st.tuples(st.just("connect"), st.integers(0, 3), st.sampled_from([0, 300, 1 << 40, 1 << 40])),
    st.tuples(st.just("join"), st.booleans()),
    st.tuples(st.just("join"), st.booleans()),
    st.tuples(st.just("subscribe"), st.integers(0, 3)),
    st.tuples(st.just("break"), st.integers(0, 3)),
    st.tuples(st.just("come back"), st.integers(0, 3), st.sampled_from([300, 1 << 40, 1 << 40])),
    st.tuples(st.just("drain"), st.integers(0, 3), st.sampled_from([100, 1 << 40])),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.3, 2.0, 8.0])),
    st.tuples(st.just("settle")),
    st.tuples(st.just("turns"), st.integers(1, 5)),
)


def is_wanted(tag: int, want: Subscription) -> bool:
    """Items are of channel 1, channel 2, of a row of 3 and 4, or events, by their tags."""
    return [want.covers_data((1,)), want.covers_data((2,)), want.covers_data((3, 4)), want.events][tag % 4]


@define(eq=False)
class Joined:
    """A client that has read over REST, and goes on live, over one connection after the other."""

    had: Counter[int]
    since: SinceMark
    want: Subscription
    link: Connection
    subscribed: bool = False
    killed: bool = False
    """Its connection went with the service."""

    @property
    def connected(self) -> bool:
        return not self.killed and self.link.code is None

    @property
    def gone(self) -> bool:
        """It would have to read over REST again."""
        return not self.killed and self.link.code == CloseCode.POINT_LOST

    def subscribe(self) -> None:
        if self.connected and not self.subscribed:
            self.subscribed = True
            self.link.subscribe(self.want)

    def receive(self) -> None:
        for message in self.link.arrived():
            if isinstance(message, FlushPoint):
                self.since.mark(str(message))
            else:
                self.had.update(tags_of(self.since.add(message).message().data))


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
            case "join", subscribed:
                self.readings.append(Reading())
                await self.read(4)
                if self.readings[-1].done:
                    client = self.connect(self.readings[-1], 0, 1 << 40)
                    await wait_all_tasks_blocked()
                    if subscribed:
                        client.subscribe()
            case "subscribe", index:
                for client in self.pick(index):
                    client.subscribe()
            case "break", index:
                for client in self.pick(index):
                    client.link.break_off()
            case "come back", index, room:
                for client in self.pick(index):
                    self.come_back(client, room)
                    client.subscribe()
            case "drain", index, size:
                for client in self.pick(index):
                    client.link.drain_socket(size)
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

    def pick(self, index: int) -> list[Joined]:
        return self.clients[-1 - index :][:1]

    def connect(self, reading: Reading, index: int, room: int) -> Joined:
        assert reading.point is not None
        want = WANTS[index % len(WANTS)]
        had = Counter(tag for tag in reading.tags if is_wanted(tag, want))
        client = Joined(had, SinceMark(str(reading.point)), want, self.stage.connect(reading.point, room))
        self.clients.append(client)
        return client

    def come_back(self, client: Joined, room: int) -> None:
        if client.connected or client.gone:
            return
        client.receive()
        client.since.connect()
        client.link, client.subscribed, client.killed = (
            self.stage.connect(FlushPoint.parse(client.since.point), room),
            False,
            False,
        )

    async def end(self) -> None:
        """All that was in the way is taken away; then everybody must have what they are due."""
        await self.stage.commit(1 << 30)
        reading = Reading()
        while reading.left:
            await self.stage.read(reading)
        last = self.connect(reading, 0, 1 << 40) if reading.done else None
        for seconds in (2, 2, 6, 2):
            for client in self.clients:
                self.come_back(client, 1 << 40)
            await wait_all_tasks_blocked()
            for client in self.clients:
                client.subscribe()
                client.link.open_up()
            await trio.sleep(seconds)
        for client in self.clients:
            client.receive()
            self.check(client)
        assert last is None or not last.gone

    def check(self, client: Joined) -> None:
        assert set(client.had) <= set(self.stage.sent), "a sample of somebody else"
        assert max(client.had.values(), default=1) == 1, f"twice: {[t for t, n in client.had.items() if n > 1]}"
        if client.gone:
            assert not self.harmless, f"turned away for nothing: {client.link.reason}"
            return
        assert client.link.code in (None, CloseCode.NORMAL), f"{client.link.code} {client.link.reason}"
        missing = {tag for tag in self.stage.recorded if is_wanted(tag, client.want)} - set(client.had)
        assert not missing, f"never came: {missing}"


async def play(ring: int, story: list[tuple[Any, ...]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rta.session.catch_up.MARK_INTERVAL", 0.1)
        patch.setattr("rta.actors.served_client.MARK_INTERVAL", 0.1)
        await _play(ring, story)


async def _play(ring: int, story: list[tuple[Any, ...]]) -> None:
    async with trio.open_nursery() as nursery:
        stage = Stage(nursery)
        await stage.begin(ring)
        await stage.open("a")
        told = Play(stage)
        for step in story:
            await told.step(step)
        await told.end()
        nursery.cancel_scope.cancel()


PLENTY = 1 << 40
RECORDED_SINCE = [("append", 4, 0), ("commit", 1000), ("read", 4), ("append", 4, 0), ("commit", 1000), ("trim", 0)]
BROKEN_OFF = [("append", 4, 0), ("commit", 1000), ("join", True), ("settle",), ("append", 4, 0), ("settle",)]
SLOW = [("append", 4, 0), ("commit", 1000), ("read", 4), ("connect", 0, 100), ("settle",), ("subscribe", 0)]


@settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
@given(ring=st.sampled_from([1 << 16, 1 << 20]), story=st.lists(steps, max_size=60))
@example(1 << 16, [*RECORDED_SINCE, ("connect", 0, PLENTY), ("settle",), ("subscribe", 0)])
@example(1 << 16, [*BROKEN_OFF, ("break", 0), ("come back", 0, PLENTY)])
@example(1 << 16, [*SLOW, *[("append", 4, 30_000), ("settle",)] * 3, ("commit", 1000), ("trim", 0), ("cut", 0)])
def test_every_sample_comes_exactly_once(ring: int, story: list[tuple[Any, ...]]) -> None:
    trio.run(play, ring, story, clock=MockClock(autojump_threshold=0))


async def clients_behind_the_buffer(nursery: trio.Nursery, number: int) -> tuple[Stage, list[Connection]]:
    """Clients that have taken nothing, while the buffer has forgotten what is next; the archive has it."""
    stage = Stage(nursery)
    await stage.begin(1 << 16)
    await stage.open("a")
    links = [stage.connect(None) for _ in range(number)]
    await wait_all_tasks_blocked()
    for link in links:
        link.subscribe(ALL)
    await wait_all_tasks_blocked()
    for link in links:
        link.socket.room = 0
    for _ in range(10):
        await stage.append(4, 10_000)
    await wait_all_tasks_blocked()
    await stage.commit(1 << 30)
    await stage.trim(2)
    return stage, links


async def behind_the_buffer(nursery: trio.Nursery) -> tuple[Stage, Connection]:
    stage, [link] = await clients_behind_the_buffer(nursery, 1)
    return stage, link


def came(link: Connection) -> list[int]:
    return [
        tag
        for message in link.arrived()
        if not isinstance(message, FlushPoint)
        for tag in tags_of(message.message().data)
    ]


async def test_a_client_behind_the_buffer_is_served_from_the_archive(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    stage, link = await behind_the_buffer(nursery)
    link.open_up()
    await trio.sleep(1)
    assert (link.code, sorted(came(link))) == (None, sorted(stage.sent))


async def test_it_waits_for_an_archive_that_cannot_be_read_now(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    stage, link = await behind_the_buffer(nursery)
    stage.archive.down = True
    link.open_up()
    await trio.sleep(5)
    stage.archive.down = False
    await trio.sleep(2)
    assert (link.code, sorted(came(link))) == (None, sorted(stage.sent))


async def test_it_is_sent_away_when_the_archive_stays_away(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    stage, link = await behind_the_buffer(nursery)
    stage.archive.down = True
    link.open_up()
    await trio.sleep(15)
    assert link.code == CloseCode.FELL_BEHIND


async def test_those_who_wait_for_the_same_in_vain_are_sent_away_together_and_hold_up_nobody(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    stage, links = await clients_behind_the_buffer(nursery, 3)
    stage.archive.down = True
    for link in links:
        link.open_up()
    other = stage.connect(None)
    await wait_all_tasks_blocked()
    other.subscribe(ALL)
    await stage.append(4, 0)
    await wait_all_tasks_blocked()
    assert set(list(stage.sent)[-4:]) <= set(came(other))
    await trio.sleep(15)
    assert [link.code for link in links] == [CloseCode.FELL_BEHIND] * 3
    assert other.code is None


async def test_what_the_reader_itself_has_missed_comes_from_the_archive(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    stage = Stage(nursery)
    await stage.begin(1 << 16)
    await stage.open("a")
    link = stage.connect(None)
    await wait_all_tasks_blocked()
    link.subscribe(ALL)
    await wait_all_tasks_blocked()
    for _ in range(5):  # without a turn for the reader
        await stage.append(4, 0)
    await stage.commit(1 << 30)
    await stage.trim(1)
    await trio.sleep(1)
    assert (link.code, sorted(came(link))) == (None, sorted(stage.sent))
