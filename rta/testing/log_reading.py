"""Contract of a log: what `read` gives between two positions, and where the last data of a session are."""

from __future__ import annotations

import lz4.block
import pytest

from rta.ports import START, Position, Trim
from rta.testing.bursts import (
    burst_of_every_kind,
    event_burst,
    json_burst,
    large_burst,
    large_json_burst,
    numbered_burst,
    range_burst,
    session_json,
)
from rta.testing.log_under_test import LogUnderTest, numbers
from rta.wire import Burst, read_burst

__all__ = ["ReadChecks"]

PLENTY = 64 << 20


def _as_another_writer_packs(burst: Burst) -> Burst:
    """The same burst, compressed in another way than ours."""
    packed = lz4.block.compress(burst.raw(), mode="high_compression", compression=12, store_size=False)
    return read_burst(packed)


class ReadChecks(LogUnderTest):
    """`read` and `last_data`."""

    async def test_bursts_come_back_as_they_were_appended(self) -> None:
        bursts = [
            burst_of_every_kind("a"),
            event_burst(),
            json_burst(session_json("a")),
            range_burst(1, 2),
            json_burst(),
            _as_another_writer_packs(burst_of_every_kind("a")),
        ]
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            for burst in bursts:
                await log.append(session, burst)
            read = [e.burst for e in await self.everything(other, "s")]
            assert [b.packed for b in read] == [b.packed for b in bursts]
            for got, burst in zip(read, bursts, strict=True):
                assert (got.raw_size, got.session_json) == (burst.raw_size, burst.session_json)
                assert (got.time_range, got.has_data, got.has_events) == (
                    burst.time_range,
                    burst.has_data,
                    burst.has_events,
                )

    async def test_a_burst_may_be_as_large_as_the_limit(self) -> None:
        burst = large_burst(self.limits.burst)
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await log.append(session, burst)
            (entry,) = await self.everything(log, "s")
            assert entry.burst.packed == burst.packed

    async def test_session_json_may_be_as_large_as_its_limit(self) -> None:
        burst = large_json_burst("a", self.limits.session_json)
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await log.append(session, burst)
            (entry,) = await self.everything(log, "s")
            found = await log.find("a")
            assert found is not None
            assert entry.burst.packed == burst.packed
            assert found.json == burst.session_json[0]

    async def test_sessions_on_one_stream_are_told_apart_by_id(self) -> None:
        async with self.open_log() as log:
            sessions = [await log.open_session(i, "s") for i in ("a", "b", "c")]
            for i in range(9):
                await log.append(sessions[i % 3], numbered_burst(i))
            entries = await self.everything(log, "s")
            assert [e.session_id for e in entries] == [s.stream_session_id for s in sessions] * 3
            assert numbers(entries) == list(range(9))

    async def test_streams_are_apart(self) -> None:
        async with self.open_log() as log:
            (here, there) = [await log.open_session(i, i) for i in ("here", "there")]
            for i in range(3):
                await log.append(here, numbered_burst(i))
                await log.append(there, numbered_burst(100 + i))
            assert numbers(await self.everything(log, "here")) == [0, 1, 2]

    async def test_reading_takes_nothing_away(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(3))
            for by in (log, other, log):
                assert numbers(await self.everything(by, "s")) == [0, 1, 2]

    async def test_read_gives_what_is_behind_after_and_not_behind_upto(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            places = [START, *await self.append_numbers(log, session, range(5))]
            for first, after in enumerate(places):
                for last, upto in enumerate(places[first:], first):
                    batch = await log.read("s", after, upto, PLENTY)
                    assert numbers(batch.entries) == list(range(first, last))
                    assert (batch.position, batch.lost) == (upto, False)

    async def test_read_from_before_a_position_includes_it(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            (_, second, third) = await self.append_numbers(log, session, range(3))
            assert numbers((await log.read("s", second.before(), third, PLENTY)).entries) == [1, 2]
            assert numbers((await log.read("s", START, third.before(), PLENTY)).entries) == [0, 1]

    async def test_the_last_data_of_a_session_are_its_last_samples_or_events(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            (session, silent) = [await log.open_session(i, "s") for i in ("a", "silent")]
            end = Position((await log.append(silent, json_burst(session_json("silent")))).ms + 3_600_000, 0)
            assert await other.last_data("s", silent.stream_session_id, START, end) is None
            for burst in (numbered_burst(1), event_burst()):
                last = await log.append(session, burst)
                assert await other.last_data("s", session.stream_session_id, START, end) == last
                for burst_without_data in (json_burst(session_json("a")), range_burst(1, 2)):
                    await log.append(session, burst_without_data)
                await log.append(silent, json_burst(session_json("silent")))
                assert await other.last_data("s", session.stream_session_id, START, end) == last

    async def test_the_last_data_are_searched_for_behind_after_and_not_behind_upto(self) -> None:
        async with self.open_log() as log:
            (session, others) = [await log.open_session(i, "s") for i in ("a", "b")]
            places: list[Position | None] = []
            for i in range(3):
                await log.append(others, numbered_burst(i))
                places.append(await log.append(session, numbered_burst(i)))
            end = await log.append(others, numbered_burst(9))
            assert await log.last_data("s", session.stream_session_id, START, end) == places[-1]
            places = [None, *places]
            for first, after in enumerate(places):
                for last, upto in enumerate(places):
                    found = await log.last_data("s", session.stream_session_id, after or START, upto or START)
                    assert found == (places[last] if last > first else None)

    async def test_the_last_data_are_found_however_much_others_have_written_behind_them(self) -> None:
        async with self.open_log() as log:
            (session, others) = [await log.open_session(i, "s") for i in ("a", "b")]
            (last,) = await self.append_numbers(log, session, [1])
            (*_, end) = await self.append_numbers(log, others, range(1500))
            assert await log.last_data("s", session.stream_session_id, START, end) == last

    async def test_what_was_trimmed_or_never_was_has_no_last_data(self) -> None:
        async with self.open_log() as log:
            (session, others) = [await log.open_session(i, "s") for i in ("a", "b")]
            await log.append(session, numbered_burst(1))
            (*_, end) = await self.append_numbers(log, others, range(self.slack + 2))
            await log.trim(Trim(max_entries=1))
            assert await log.last_data("s", session.stream_session_id, START, end) is None
            assert await log.last_data("s", 1 << 40, START, end) is None
            assert await log.last_data("unknown", 1, START, end) is None

    async def test_a_batch_is_at_upto_when_nothing_more_is_to_be_read(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            (first, second) = await self.append_numbers(log, session, range(2))
            beyond = Position(second.ms, second.seq + 5)
            for after, upto in [
                (START, second.before()),
                (first, second.before()),
                (second, second),
                (second, beyond),
                (START, beyond),
            ]:
                assert (await log.read("s", after, upto, PLENTY)).position == upto

    async def test_a_stream_that_nobody_knows_is_empty(self) -> None:
        async with self.open_log() as log:
            for after, upto in [(START, START), (START, Position(5, 0)), (Position(5, 0), Position(6, 1))]:
                batch = await log.read("unknown", after, upto, PLENTY)
                assert (batch.entries, batch.position, batch.lost) == ([], upto, False)

    async def test_a_batch_has_all_there_is_while_it_fits(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            positions = await self.append_numbers(log, session, range(300))
            batch = await log.read("s", START, positions[-1], PLENTY)
            assert numbers(batch.entries) == list(range(300))

    async def test_a_batch_stops_once_it_holds_max_bytes(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            positions = await self.append_numbers(log, session, range(8))
            batch = await log.read("s", START, positions[-1], 3 * numbered_burst(0).raw_size)
            assert numbers(batch.entries) == [0, 1, 2]
            assert positions[2] <= batch.position < positions[3]

    async def test_max_bytes_counts_what_bursts_hold_unpacked(self) -> None:
        burst = json_burst(session_json("a", group="x" * 5000))
        assert len(burst.packed) * 10 < burst.raw_size
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            for _ in range(8):
                upto = await log.append(session, burst)
            assert len((await log.read("s", START, upto, 2 * burst.raw_size)).entries) == 2

    @pytest.mark.parametrize("max_bytes", [0, 1])
    async def test_a_batch_has_one_entry_even_if_it_is_bigger_than_max_bytes(self, max_bytes: int) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            positions = await self.append_numbers(log, session, range(3))
            after = START
            for i in range(3):
                batch = await log.read("s", after, positions[-1], max_bytes)
                assert numbers(batch.entries) == [i]
                after = batch.position
            assert after == positions[-1]

    @pytest.mark.parametrize("share", [0.5, 1.0, 1.7, 3.0, 4.2])
    async def test_reading_on_from_each_batch_s_position_gives_everything_once(self, share: float) -> None:
        max_bytes = int(share * numbered_burst(0).raw_size)
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            upto = (await self.append_numbers(log, session, range(20)))[-1]
            after, got, batches = START, [], 0
            while after < upto:
                batch = await log.read("s", after, upto, max_bytes)
                assert batch.entries
                assert sum(e.burst.raw_size for e in batch.entries[:-1]) < max(max_bytes, 1)
                got += numbers(batch.entries)
                after, batches = batch.position, batches + 1
            assert got == list(range(20))
            assert batches >= 4
