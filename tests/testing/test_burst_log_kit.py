"""The kit of the burst log finds logs that are broken, and takes those that are only different."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from rta_transports.memory import MemoryLog

from rta.errors import NotConnectedError
from rta.ports import START, Batch, BurstLog, Trim
from rta.testing import BurstLogContract
from rta.wire import TimeRange, make_burst
from rta.wire.burst import SizeLimits

from .verdict import complaint, passes

SMALL = SizeLimits(1 << 14, 1 << 16)


class Wrapped:
    """A memory log with something changed."""

    def __init__(self, log):
        self.log = log

    def __getattr__(self, name):
        return getattr(self.log, name)


class WrappedTail:
    def __init__(self, tail):
        self.tail = tail

    async def next(self):
        return await self.tail.next()


class Kit(BurstLogContract):
    gap_ms = 5
    limits = SMALL

    def __init__(self, wrapper=Wrapped):
        self.now = 1_620_129_600_000
        self.wrapper = wrapper

    @asynccontextmanager
    async def open_log(self):
        yield self.wrapper(MemoryLog(256 << 20, lambda: self.now * 1_000_000))

    async def pass_time(self, log, ms):
        self.now += ms


# ---- broken logs


class SkipsAnEntry(Wrapped):
    async def read(self, stream, after, upto, max_bytes):
        batch = await self.log.read(stream, after, upto, max_bytes)
        return attrs.evolve(batch, entries=batch.entries[:2] + batch.entries[3:])


class IncludesAfter(Wrapped):
    async def read(self, stream, after, upto, max_bytes):
        return await self.log.read(stream, after.before(), upto, max_bytes)


class LeavesOutUpto(Wrapped):
    async def read(self, stream, after, upto, max_bytes):
        batch = await self.log.read(stream, after, upto.before(), max_bytes)
        return attrs.evolve(batch, position=upto)


class KnowsNoMaxBytes(Wrapped):
    async def read(self, stream, after, upto, max_bytes):
        return await self.log.read(stream, after, upto, 1 << 30)


class CountsPackedBytes(Wrapped):
    async def read(self, stream, after, upto, max_bytes):
        return await self.log.read(stream, after, upto, max_bytes * 20)


class GivesNothingThatIsTooBig(Wrapped):
    async def read(self, stream, after, upto, max_bytes):
        batch = await self.log.read(stream, after, upto, max_bytes)
        fits = [e for e in batch.entries if e.burst.raw_size <= max_bytes]
        return attrs.evolve(batch, entries=fits)


class StopsAtTheLastEntry(Wrapped):
    async def read(self, stream, after, upto, max_bytes):
        batch = await self.log.read(stream, after, upto, max_bytes)
        return attrs.evolve(batch, position=batch.entries[-1].position if batch.entries else after)


class PacksAnew(Wrapped):
    async def append(self, session, burst):
        return await self.log.append(session, make_burst(burst.message().data))


class KeepsTheFirstRange(Wrapped):
    async def find(self, identity):
        found = await self.log.find(identity)
        batch = await self.log.read(found.stream, START, await self.log.head(found.stream), 1 << 30)
        spans = [e.burst.time_range for e in batch.entries if e.burst.time_range]
        return attrs.evolve(found, time_range=spans[-1])


class CountsInFloats(Wrapped):
    async def find(self, identity):
        found = await self.log.find(identity)
        span = found.time_range
        return attrs.evolve(found, time_range=TimeRange(int(float(span.start)), int(float(span.end))))


class KeepsTheFirstJson(Wrapped):
    async def find(self, identity):
        found = await self.log.find(identity)
        batch = await self.log.read(found.stream, START, await self.log.head(found.stream), 1 << 30)
        return attrs.evolve(found, json=next(j for e in batch.entries for j in e.burst.session_json))


class TellsTheRecordFirst(Wrapped):
    def __init__(self, log):
        super().__init__(log)
        self.told = None

    async def append(self, session, burst):
        self.told = burst.time_range
        await trio.sleep(0.01)
        return await self.log.append(session, burst)

    async def find(self, identity):
        return attrs.evolve(await self.log.find(identity), time_range=self.told)


class GivesTheSameIds(Wrapped):
    async def open_session(self, identity, stream):
        return attrs.evolve(await self.log.open_session(identity, stream), stream_session_id=1)


class BeginsTooLate(Wrapped):
    async def open_session(self, identity, stream):
        opened = await self.log.open_session(identity, stream)
        late = opened.stream_position._replace(ms=opened.stream_position.ms + 1000)
        return attrs.evolve(opened, stream_position=late)


class ForgetsItsHead(Wrapped):
    async def head(self, stream):
        batch = await self.log.read(stream, START, await self.log.head(stream), 1 << 30)
        return batch.entries[-1].position if batch.entries else START


class TakesJsonForData(Wrapped):
    async def last_data(self, stream, session_id, after, upto):
        batch = await self.log.read(stream, after, upto, 1 << 30)
        return max((e.position for e in batch.entries if e.session_id == session_id), default=None)


class MixesTheLastDataUp(Wrapped):
    async def last_data(self, stream, session_id, after, upto):
        batch = await self.log.read(stream, after, upto, 1 << 30)
        return max((e.position for e in batch.entries if e.burst.has_data or e.burst.has_events), default=None)


class SearchesTheEndOnly(Wrapped):
    async def last_data(self, stream, session_id, after, upto):
        batch = await self.log.read(stream, after, upto, 1 << 30)
        end = [e for e in batch.entries if e.burst.has_data or e.burst.has_events][-1000:]
        return max((e.position for e in end if e.session_id == session_id), default=None)


class NeverTellsOfLoss(Wrapped):
    async def read(self, stream, after, upto, max_bytes):
        return attrs.evolve(await self.log.read(stream, after, upto, max_bytes), lost=False)


class AlwaysTellsOfLoss(Wrapped):
    async def read(self, stream, after, upto, max_bytes):
        return attrs.evolve(await self.log.read(stream, after, upto, max_bytes), lost=True)


class KeepsOneTooFew(Wrapped):
    async def trim(self, keep):
        return await self.log.trim(attrs.evolve(keep, max_entries=keep.max_entries and keep.max_entries - 1))


class MiscountsTheTrimmed(Wrapped):
    async def trim(self, keep):
        return await self.log.trim(keep) + 1


class ForgetsSessionsWithEntries(Wrapped):
    async def trim(self, keep):
        if keep.session_ttl_ms is not None:
            await self.log.trim(Trim(max_entries=0))
        return await self.log.trim(keep)


class NeverForgets(Wrapped):
    async def trim(self, keep):
        return await self.log.trim(attrs.evolve(keep, session_ttl_ms=None))


class LosesWhatACancelledNextHadRead(Wrapped):
    @asynccontextmanager
    async def follow(self, stream, after):
        class Tail(WrappedTail):
            async def next(self):
                batch = await self.tail.next()
                await trio.lowlevel.checkpoint()
                return batch

        async with self.log.follow(stream, after) as tail:
            yield Tail(tail)


class RepeatsTheLastEntry(Wrapped):
    @asynccontextmanager
    async def follow(self, stream, after):
        class Tail(WrappedTail):
            last = ()

            async def next(self):
                batch = await self.tail.next()
                entries, self.last = [*self.last, *batch.entries], batch.entries[-1:]
                return attrs.evolve(batch, entries=entries)

        async with self.log.follow(stream, after) as tail:
            yield Tail(tail)


class FollowsFromTheHeadOnly(Wrapped):
    @asynccontextmanager
    async def follow(self, stream, after):
        async with self.log.follow(stream, max(after, await self.log.head(stream))) as tail:
            yield tail


class FollowsForOneOnly(Wrapped):
    def __init__(self, log):
        super().__init__(log)
        self.tails = {}

    @asynccontextmanager
    async def follow(self, stream, after):
        async with self.log.follow(stream, after) as tail:
            yield self.tails.setdefault(stream, tail)


class DoesNotWait(Wrapped):
    @asynccontextmanager
    async def follow(self, stream, after):
        class Tail(WrappedTail):
            async def next(self):
                with trio.move_on_after(0):
                    return await self.tail.next()
                return Batch([], after)

        async with self.log.follow(stream, after) as tail:
            yield Tail(tail)


BROKEN = [
    (SkipsAnEntry, "test_read_gives_what_is_behind_after_and_not_behind_upto"),
    (SkipsAnEntry, "test_append_gives_the_position_that_readers_see"),
    (IncludesAfter, "test_read_gives_what_is_behind_after_and_not_behind_upto"),
    (LeavesOutUpto, "test_read_gives_what_is_behind_after_and_not_behind_upto"),
    (KnowsNoMaxBytes, "test_a_batch_stops_once_it_holds_max_bytes"),
    (CountsPackedBytes, "test_max_bytes_counts_what_bursts_hold_unpacked"),
    (StopsAtTheLastEntry, "test_a_batch_is_at_upto_when_nothing_more_is_to_be_read"),
    (PacksAnew, "test_bursts_come_back_as_they_were_appended"),
    (KeepsTheFirstRange, "test_time_ranges_expand_and_never_shrink"),
    (CountsInFloats, "test_a_time_range_becomes_the_record_s_to_the_nanosecond"),
    (KeepsTheFirstJson, "test_the_latest_session_json_is_the_record_s"),
    (TellsTheRecordFirst, "test_the_record_is_never_ahead_of_the_entries"),
    (GivesTheSameIds, "test_every_session_gets_a_fresh_id"),
    (BeginsTooLate, "test_nothing_of_a_session_is_before_its_stream_position"),
    (ForgetsItsHead, "test_the_head_stays_where_it_was"),
    (TakesJsonForData, "test_the_last_data_of_a_session_are_its_last_samples_or_events"),
    (MixesTheLastDataUp, "test_the_last_data_are_searched_for_behind_after_and_not_behind_upto"),
    (SearchesTheEndOnly, "test_the_last_data_are_found_however_much_others_have_written_behind_them"),
    (NeverTellsOfLoss, "test_read_says_so_when_entries_behind_the_position_had_been_trimmed"),
    (AlwaysTellsOfLoss, "test_nothing_is_lost_for_who_had_read_what_was_trimmed"),
    (KeepsOneTooFew, "test_the_newest_entries_are_kept"),
    (MiscountsTheTrimmed, "test_trim_says_how_many_entries_went"),
    (ForgetsSessionsWithEntries, "test_a_session_is_kept_while_it_has_entries"),
    (NeverForgets, "test_a_session_without_updates_and_entries_is_forgotten"),
    (LosesWhatACancelledNextHadRead, "test_a_next_cancelled_at_any_moment_loses_nothing"),
    (RepeatsTheLastEntry, "test_following_goes_over_from_what_there_is_to_what_comes"),
    (FollowsFromTheHeadOnly, "test_following_from_the_start_gives_everything_there_is"),
    (FollowsForOneOnly, "test_every_follower_gets_everything"),
    (DoesNotWait, "test_next_waits_until_something_is_appended"),
]


@pytest.mark.parametrize(("broken", "test"), BROKEN, ids=lambda x: getattr(x, "__name__", None))
def test_a_broken_log_fails(broken, test):
    assert complaint(Kit(broken), test)


@pytest.mark.parametrize("test", sorted({test for _, test in BROKEN}))
def test_the_same_log_passes_unbroken(test):
    assert passes(Kit(), test)


def test_a_log_that_gives_nothing_too_big_fails():
    test = "test_a_batch_has_one_entry_even_if_it_is_bigger_than_max_bytes"
    assert complaint(Kit(GivesNothingThatIsTooBig), test, max_bytes=1)


def test_the_kit_asks_for_open_log():
    with pytest.raises(NotImplementedError, match="BurstLogContract must say how to open its log"):
        BurstLogContract().open_log()


# ---- logs that are different


class TestALogThatTrimsRoughly(BurstLogContract):
    """Keeps up to seven entries more than it is asked to."""

    slack = 7
    gap_ms = 5
    limits = SMALL

    def setup_method(self) -> None:
        self.now = 1_620_129_600_000

    @asynccontextmanager
    async def open_log(self) -> AsyncIterator[BurstLog]:
        class TrimsRoughly(Wrapped):
            async def trim(self, keep):
                if keep.max_entries is None:
                    return await self.log.trim(keep)
                return await self.log.trim(attrs.evolve(keep, max_entries=keep.max_entries + 7))

        yield TrimsRoughly(MemoryLog(256 << 20, lambda: self.now * 1_000_000))

    async def pass_time(self, log: BurstLog, ms: int) -> None:
        self.now += ms


class Unreachable(Wrapped):
    """Can be cut off."""

    down = False

    async def append(self, session, burst):
        if self.down:
            raise NotConnectedError("the log cannot be reached")
        return await self.log.append(session, burst)

    @asynccontextmanager
    async def follow(self, stream, after):
        log = self

        class Tail(WrappedTail):
            async def next(self):
                if log.down:
                    raise NotConnectedError("the log cannot be reached")
                return await self.tail.next()

        async with self.log.follow(stream, after) as tail:
            yield Tail(tail)


class AppendsTwice(Unreachable):
    """Has appended what it says it could not."""

    async def append(self, session, burst):
        await self.log.append(session, burst)
        if self.down:
            raise NotConnectedError("the log cannot be reached")


class SkipsWhatCameDuringTheOutage(Unreachable):
    @asynccontextmanager
    async def follow(self, stream, after):
        log = self

        class Tail(WrappedTail):
            async def next(self):
                if log.down:
                    await self.tail.next()
                    raise NotConnectedError("the log cannot be reached")
                return await self.tail.next()

        async with self.log.follow(stream, after) as tail:
            yield Tail(tail)


class KitWithOutages(Kit):
    @asynccontextmanager
    async def outage(self, log):
        log.down = True
        yield
        log.down = False


GOES_ON = "test_a_follower_goes_on_from_the_same_place_after_an_outage"
TRIED_AGAIN = "test_an_append_that_an_outage_made_fail_can_be_tried_again"


@pytest.mark.parametrize("test", [GOES_ON, TRIED_AGAIN])
def test_a_log_that_is_as_before_after_an_outage_passes(test):
    assert passes(KitWithOutages(Unreachable), test)


def test_a_log_that_an_outage_does_not_touch_fails():
    assert complaint(KitWithOutages(), TRIED_AGAIN)


def test_a_log_that_appends_what_it_says_it_could_not_fails():
    assert complaint(KitWithOutages(AppendsTwice), TRIED_AGAIN)


def test_a_follower_that_loses_its_place_in_an_outage_fails():
    assert complaint(KitWithOutages(SkipsWhatCameDuringTheOutage), GOES_ON)
