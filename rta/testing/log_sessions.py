"""Contract of a log: opening and finding sessions, and where their entries begin."""

from __future__ import annotations

import pytest
import trio

from rta.ports import START
from rta.testing.bursts import json_burst, numbered_burst, session_json
from rta.testing.log_under_test import LogUnderTest, numbers
from rta.wire import TimeRange

__all__ = ["SessionChecks"]

ODD_NAMES = [
    "a b",
    "urn:x-mat:session/1",
    "%2F",
    "sïtzung 路 🚗",
    "{tag}",
    "<id>",
    "*",
    "'\"\\",
    " ",
    "x" * 300,
]


class SessionChecks(LogUnderTest):
    """`open_session`, `find`, `sessions`."""

    async def test_shared_says_whether_other_processes_see_the_log(self) -> None:
        async with self.open_log() as log:
            assert log.shared in (True, False)

    async def test_an_unknown_identity_is_not_found(self) -> None:
        async with self.open_log() as log:
            await log.open_session("a", "s")
            assert await log.find("b") is None

    async def test_a_log_with_nothing_in_it_has_no_sessions(self) -> None:
        async with self.open_log() as log:
            assert await log.sessions() == []

    async def test_a_session_is_found_as_it_was_opened(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            opened = await log.open_session("a", "s")
            assert (opened.identity, opened.stream) == ("a", "s")
            assert await other.find("a") == opened

    async def test_a_session_has_no_json_and_no_range_before_an_append_brings_them(self) -> None:
        async with self.open_log() as log:
            opened = await log.open_session("a", "s")
            assert (opened.json, opened.time_range) == (None, None)

    async def test_sessions_lists_every_session_once(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            opened = [await log.open_session(f"session {i}", f"stream {i % 2}") for i in range(5)]
            listed = sorted(await other.sessions(), key=lambda r: r.identity)
            assert listed == opened

    async def test_a_session_that_is_to_be_forgotten_is_gone_and_its_entries_stay(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            opened, stays = await log.open_session("a", "s"), await log.open_session("b", "s")
            await log.append(opened, json_burst(session_json("a", "closed")))
            await log.append(opened, numbered_burst(1))
            record = await other.find("a")
            assert record is not None
            assert await other.forget(record)
            assert await log.find("a") is None
            assert [found.identity for found in await log.sessions()] == ["b"]
            entries = (await log.read("s", START, await log.head("s"), 1 << 20)).entries
            assert [entry.session_id for entry in entries] == [opened.stream_session_id] * 2
            assert not await log.forget(record)
            again = await log.open_session("a", "s")
            assert not await other.forget(record)
            assert await other.find("a") == again
            assert await other.find("b") == stays

    async def test_every_session_gets_a_fresh_id(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            ids = []

            async def open_some(identity: str, stream: str) -> None:
                for by in (log, other):
                    ids.append((await by.open_session(identity, stream)).stream_session_id)

            async with trio.open_nursery() as nursery:
                for i in range(6):
                    nursery.start_soon(open_some, f"session {i % 3}", f"stream {i % 2}")
            assert len(set(ids)) == 12

    @pytest.mark.parametrize("name", ODD_NAMES)
    async def test_any_text_names_a_session_and_a_stream(self, name: str) -> None:
        async with self.open_log() as log:
            await log.open_session("another", "stream")
            opened = await log.open_session(name, name)
            await log.append(opened, numbered_burst(1))
            found = await log.find(name)
            assert found is not None
            assert (found.identity, found.stream) == (name, name)
            assert numbers(await self.everything(log, name)) == [1]

    async def test_sessions_are_found_together(self) -> None:
        async with self.open_log() as log:
            opened = [await log.open_session(identity, "s") for identity in ("a", "b", "c")]
            assert await log.find_all(["c", "a", "nobody"]) == {"c": opened[2], "a": opened[0]}
            assert await log.find_all([]) == {}

    async def test_an_identity_that_is_known_is_taken_over(self) -> None:
        async with self.open_log() as log:
            old = await log.open_session("a", "s")
            await log.append(old, json_burst(session_json("a")))
            new = await log.open_session("a", "t")
            assert new.stream_session_id != old.stream_session_id
            assert (await log.find("a"), await log.sessions()) == (new, [new])

    async def test_a_session_that_was_taken_over_starts_without_json_and_range(self) -> None:
        async with self.open_log() as log:
            old = await log.open_session("a", "s")
            await log.append(old, json_burst(session_json("a", "closed")))
            await log.append(old, numbered_burst(1, TimeRange(1, 2)))
            await log.open_session("a", "s")
            found = await log.find("a")
            assert found is not None
            assert (found.json, found.time_range) == (None, None)

    async def test_who_has_been_taken_over_does_not_touch_the_record_any_more(self) -> None:
        async with self.open_log() as log:
            old = await log.open_session("a", "s")
            new = await log.open_session("a", "s")
            await log.append(new, json_burst(session_json("a", group="new")))
            await log.append(old, json_burst(session_json("a", "closed", group="old")))
            found = await log.find("a")
            assert found is not None
            assert found.stream_session_id == new.stream_session_id
            assert found.json == session_json("a", group="new")

    async def test_a_session_on_a_new_stream_begins_at_the_start(self) -> None:
        async with self.open_log() as log:
            assert (await log.open_session("a", "s")).stream_position == START

    async def test_nothing_of_a_session_is_before_its_stream_position(self) -> None:
        async with self.open_log() as log:
            before = await log.open_session("before", "s")
            await self.append_numbers(log, before, range(3))
            late = await log.open_session("late", "s")
            await self.append_numbers(log, before, range(3, 6))
            await self.append_numbers(log, late, range(10, 13))
            entries = await self.everything(log, "s", late.stream_position.before())
            assert numbers([e for e in entries if e.session_id == late.stream_session_id]) == [10, 11, 12]

    async def test_a_stream_position_leaves_out_what_was_there_long_before(self) -> None:
        async with self.open_log() as log:
            before = await log.open_session("before", "s")
            positions = await self.append_numbers(log, before, range(3))
            late = await log.open_session("late", "s")
            assert late.stream_position >= positions[-1]

    async def test_a_session_opened_amid_appends_of_another_misses_nothing(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            busy = await log.open_session("busy", "s")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.append_numbers, log, busy, range(30))
                for i in range(5):
                    session = await other.open_session(f"session {i}", "s")
                    await self.append_numbers(other, session, [100, 101])
                    entries = await self.everything(other, "s", session.stream_position.before())
                    assert numbers([e for e in entries if e.session_id == session.stream_session_id]) == [
                        100,
                        101,
                    ]

    async def test_a_session_keeps_its_id_and_position_as_it_grows(self) -> None:
        async with self.open_log() as log:
            opened = await log.open_session("a", "s")
            await self.append_numbers(log, opened, range(3))
            found = await log.find("a")
            assert found is not None
            assert found.stream_session_id == opened.stream_session_id
            assert found.stream_position == opened.stream_position
