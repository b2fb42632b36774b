"""The memory log: the contract of every log, and what is its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from rta_transports.memory import TRANSPORT, MemoryLog, MemoryLogOptions

from rta.ports import START, BurstLog, Context, Duration, Position, Size, Trim
from rta.testing import BurstLogContract, large_burst, number_of, numbered_burst

MIB = 1 << 20
NOON_MS = 1_620_129_600_000


@define
class Clock:
    """A wall clock that moves when it is told to."""

    ms: int = NOON_MS

    def __call__(self) -> int:
        return self.ms * 1_000_000


class TestByTheSystemClock(BurstLogContract):
    gap_ms = 5

    @asynccontextmanager
    async def open_log(self) -> AsyncIterator[BurstLog]:
        yield MemoryLog(256 * MIB, time.time_ns)


class TestByAClockThatStandsStill(BurstLogContract):
    def setup_method(self) -> None:
        self.clock = Clock()

    @asynccontextmanager
    async def open_log(self) -> AsyncIterator[BurstLog]:
        yield MemoryLog(256 * MIB, self.clock)

    async def pass_time(self, log: BurstLog, ms: int) -> None:
        self.clock.ms += ms


def numbers_in(entries):
    return [number_of(e.burst) for e in entries]


async def everything(log, stream, after=START):
    return await log.read(stream, after, await log.head(stream), MIB)


class TestTheBoundInBytes:
    @settings(max_examples=examples(60), deadline=None)
    @given(
        bound=st.integers(1, 20_000),
        appends=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1024, 6000)), max_size=30),
    )
    async def test_it_holds_after_every_append(self, bound, appends):
        log = MemoryLog(bound, Clock())
        sessions = {name: await log.open_session(name, name) for name in "abc"}
        for name, size in appends:
            await log.append(sessions[name], large_burst(size))
            held = [e.burst for s in "abc" for e in (await everything(log, s)).entries]
            assert sum(len(b.packed) for b in held) <= log.bytes <= bound

    @settings(max_examples=examples(60), deadline=None)
    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just("append"), st.sampled_from("abc")),
                st.tuples(st.just("keep"), st.integers(0, 6)),
                st.tuples(st.just("pass"), st.integers(0, 50)),
                st.tuples(st.just("age"), st.integers(0, 50)),
            ),
            max_size=40,
        )
    )
    async def test_nothing_is_counted_once_nothing_is_held(self, steps):
        clock = Clock()
        log = MemoryLog(20_000, clock)
        sessions = {name: await log.open_session(name, name) for name in "abc"}
        for step, value in steps:
            match step:
                case "append":
                    await log.append(sessions[value], large_burst(2000))
                case "keep":
                    await log.trim(Trim(max_entries=value))
                case "pass":
                    clock.ms += value
                case "age":
                    await log.trim(Trim(max_age_ms=value))
            assert 0 <= log.bytes <= 20_000
        await log.trim(Trim(max_entries=0))
        assert log.bytes == 0

    async def test_the_oldest_go_first_whatever_their_stream(self):
        log = MemoryLog(8_000, Clock())
        quiet, busy = [await log.open_session(i, i) for i in ("quiet", "busy")]
        await log.append(quiet, numbered_burst(0))
        for i in range(100):
            await log.append(busy, numbered_burst(i))
        assert (await everything(log, "quiet")).entries == []
        kept = numbers_in((await everything(log, "busy")).entries)
        assert kept
        assert kept == list(range(100 - len(kept), 100))

    async def test_a_burst_over_the_bound_is_not_held_and_its_head_is_known(self):
        log = MemoryLog(1_000, Clock())
        session = await log.open_session("a", "s")
        position = await log.append(session, large_burst(5_000))
        assert log.bytes == 0
        assert await log.head("s") == position

    async def test_many_entries_come_and_go(self):
        log = MemoryLog(100_000, Clock())
        session = await log.open_session("a", "s")
        for i in range(6_000):
            await log.append(session, numbered_burst(i))
        kept = numbers_in((await everything(log, "s")).entries)
        assert kept == list(range(6_000 - len(kept), 6_000))

    async def test_a_follower_that_was_overtaken_is_told_that_something_is_lost(self):
        log = MemoryLog(2_000, Clock())
        session = await log.open_session("a", "s")
        first = await log.append(session, numbered_burst(0))
        async with log.follow("s", first) as tail:
            for i in range(1, 20):
                await log.append(session, numbered_burst(i))
            batch = await tail.next()
            assert batch.lost
            assert numbers_in(batch.entries)[-1] == 19
            await log.append(session, numbered_burst(20))
            batch = await tail.next()
            assert (numbers_in(batch.entries), batch.lost) == ([20], False)

    async def test_a_follower_whose_entries_have_all_gone_is_told_so(self):
        log = MemoryLog(2_000, Clock())
        session, other = [await log.open_session(i, i) for i in ("a", "b")]
        first = await log.append(session, numbered_burst(0))
        async with log.follow("a", first) as tail:
            last = await log.append(session, numbered_burst(1))
            for i in range(20):
                await log.append(other, numbered_burst(i))
            batch = await tail.next()
            assert (batch.entries, batch.position, batch.lost) == ([], last, True)


class TestAClockThatStepsBack:
    @settings(max_examples=examples(60), deadline=None)
    @given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from("ab")), min_size=1, max_size=40))
    async def test_never_makes_positions_go_back(self, steps):
        clock = Clock()
        log = MemoryLog(MIB, clock)
        sessions = {name: await log.open_session(name, name) for name in "ab"}
        positions = {"a": [START], "b": [START]}
        for step, name in steps:
            clock.ms += step
            positions[name].append(await log.append(sessions[name], numbered_burst(0)))
        for name, of_stream in positions.items():
            assert of_stream == sorted(set(of_stream))
            assert [e.position for e in (await everything(log, name)).entries] == of_stream[1:]

    async def test_positions_count_on_within_the_latest_millisecond(self):
        clock = Clock()
        log = MemoryLog(MIB, clock)
        session = await log.open_session("a", "s")
        positions = []
        for ms in (NOON_MS, NOON_MS - 5, NOON_MS - 1, NOON_MS + 1):
            clock.ms = ms
            positions.append(await log.append(session, numbered_burst(0)))
        assert positions == [
            Position(NOON_MS, 0),
            Position(NOON_MS, 1),
            Position(NOON_MS, 2),
            Position(NOON_MS + 1, 0),
        ]

    async def test_does_not_wake_a_follower_for_nothing_nor_keep_it_asleep(self):
        clock = Clock()
        log = MemoryLog(MIB, clock)
        session = await log.open_session("a", "s")
        async with log.follow("s", await log.append(session, numbered_burst(0))) as tail:
            clock.ms -= 1000
            await log.append(session, numbered_burst(1))
            assert numbers_in((await tail.next()).entries) == [1]


class TestAge:
    async def test_entries_older_than_asked_for_are_dropped_to_the_millisecond(self):
        clock = Clock()
        log = MemoryLog(MIB, clock)
        session = await log.open_session("a", "s")
        for i in range(5):
            await log.append(session, numbered_burst(i))
            clock.ms += 100
        assert await log.trim(Trim(max_age_ms=300)) == 2
        assert numbers_in((await everything(log, "s")).entries) == [2, 3, 4]

    async def test_the_log_s_own_bound_holds_at_every_trim(self):
        clock = Clock()
        log = MemoryLog(MIB, clock, max_age_ms=100)
        session = await log.open_session("a", "s")
        await log.append(session, numbered_burst(0))
        clock.ms += 101
        await log.append(session, numbered_burst(1))
        assert await log.trim(Trim()) == 1
        assert numbers_in((await everything(log, "s")).entries) == [1]

    @pytest.mark.parametrize(("own", "asked"), [(100, 500), (500, 100)])
    async def test_the_shorter_of_both_bounds_counts(self, own, asked):
        clock = Clock()
        log = MemoryLog(MIB, clock, max_age_ms=own)
        session = await log.open_session("a", "s")
        await log.append(session, numbered_burst(0))
        clock.ms += 200
        assert await log.trim(Trim(max_age_ms=asked)) == 1

    async def test_a_session_is_forgotten_once_it_is_older_than_asked_for(self):
        clock = Clock()
        log = MemoryLog(MIB, clock)
        await log.open_session("a", "s")
        clock.ms += 100
        await log.trim(Trim(session_ttl_ms=100))
        assert await log.find("a") is not None
        clock.ms += 1
        await log.trim(Trim(session_ttl_ms=100))
        assert await log.find("a") is None


async def test_the_clock_of_the_log_is_the_one_it_was_given():
    assert await MemoryLog(MIB, Clock(1234)).now() == 1234


async def test_the_memory_of_one_process_is_not_shared():
    assert MemoryLog(MIB, Clock()).shared is False


@pytest.mark.parametrize(("max_age", "left"), [(None, [0, 1]), (Duration(0.15), [1])])
async def test_options_and_clock_reach_the_log(max_age, left, tmp_path):
    clock = Clock()
    context = Context("buffer", tmp_path, clock, report=None)
    async with TRANSPORT.log.open(MemoryLogOptions(Size(MIB), max_age), context) as log:
        session = await log.open_session("a", "s")
        for i in range(2):
            await log.append(session, numbered_burst(i))
            clock.ms += 100
        await log.trim(Trim())
        assert numbers_in((await everything(log, "s")).entries) == left


async def test_claims_that_have_run_out_are_forgotten(autojump_clock):
    log = MemoryLog(1 << 20, lambda: 0)
    for number in range(100):
        assert await log.claim(f"ticket:{number}", "owner", 1.0)
        await trio.sleep(0.5)
    assert len(log._claims) <= 3
