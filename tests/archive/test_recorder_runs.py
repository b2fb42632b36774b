"""Runs of a session in the archive: ids that are used again, and streams that a session has left for another."""

from __future__ import annotations

import trio

from rta.ports import Portion

from .recording_stage import Stage


async def test_an_identity_that_is_used_again_has_two_runs(autojump_clock):
    stage = Stage()
    first = await stage.open("a")
    async with stage.recording():
        await trio.sleep(2)
        await stage.write(first, [1])
        second = await stage.open("a")
        await stage.write(second, [2])
        await stage.write(first, [3])
        await trio.sleep(2)
    runs = (await stage.archive.find("a")).runs
    assert [run.session_id for run in runs] == [first.stream_session_id, second.stream_session_id]
    assert sorted(stage.numbers("a")) == [1, 2, 3]


async def test_an_id_that_is_used_again_is_another_session_from_its_json_on(autojump_clock):
    stage = Stage()
    first = await stage.open("a")
    async with stage.recording():
        await trio.sleep(2)
        await stage.write(first, [1])
        await trio.sleep(1)
        stage.log._last_id = first.stream_session_id - 1
        second = await stage.open("b")
        assert second.stream_session_id == first.stream_session_id
        await stage.write(second, [2])
        await trio.sleep(2)
    assert stage.numbers("a") == [1]
    assert stage.numbers("b") == [2]


async def test_a_run_that_was_over_before_we_had_heard_of_it_is_recorded(autojump_clock):
    stage = Stage(details={"vehicle": "x"})
    details = {"vehicle": "x"}
    await stage.open("first", details=details)
    async with stage.recording():
        await trio.sleep(3.3)
        for number in range(3):
            await stage.write(await stage.open("a", details=details), [number])
        await stage.write(await stage.open("other", details={}), [1])
        await stage.open("other", details={})
        await trio.sleep(5)
    assert stage.numbers("a") == [0, 1, 2]
    assert len((await stage.archive.find("a")).runs) == 3
    assert set(stage.archive._sessions) == {"first", "a"}


async def test_a_stream_is_left_also_if_a_session_had_another_run_that_was_never_closed(autojump_clock):
    stage = Stage()
    await stage.open("a")
    async with stage.recording() as recorder:
        await trio.sleep(3)
        await stage.close(await stage.open("a"))
        await trio.sleep(60)
        for _ in range(40):
            await trio.sleep(1)
            assert recorder.streams == 0


async def test_runs_are_in_the_order_in_which_they_began_also_when_an_id_is_used_again(autojump_clock):
    stage = Stage()
    async with stage.recording():
        await trio.sleep(2)
        for number, (stream, session_id) in enumerate([("s", 1), ("t", 1), ("s", 1)]):
            stage.log._last_id = session_id - 1
            await stage.write(await stage.open("a", stream), [number])
            await trio.sleep(3)
    found = await stage.archive.find("a")
    assert [(run.stream, run.session_id) for run in found.runs] == [("s", 1), ("t", 1), ("s", 1)]
    assert stage.numbers("a") == [0, 1, 2]
    assert found.flush_point.stream == "s"
    await stage.record()
    assert len((await stage.archive.find("a")).runs) == 3


class SlowDisk:
    """An archive that needs long for portions of some streams."""

    def __init__(self, stage: Stage, *slow: str) -> None:
        self._append = stage.archive.append
        self._slow = slow
        self.portions: list[Portion] = []
        stage.archive.append = self.append

    async def append(self, portion: Portion) -> None:
        if portion.stream in self._slow:
            await trio.sleep(2)
        await self._append(portion)
        self.portions.append(portion)


async def test_a_session_that_has_gone_to_another_stream_is_recorded_there_once_all_before_is(autojump_clock):
    stage = Stage()
    first = await stage.open("a", "s")
    disk = SlowDisk(stage, "s")
    async with stage.recording():
        await trio.sleep(6)
        for number in range(20):
            await stage.write(first, [number])
            await trio.sleep(0.2)
        await stage.write(await stage.open("a", "t"), range(20, 30))
        await trio.sleep(20)
    assert stage.numbers("a") == list(range(30))
    assert [run.stream for run in (await stage.archive.find("a")).runs] == ["s", "t"]
    streams = [p.stream for p in disk.portions if any(e.burst.has_data for e in p.entries)]
    assert streams == sorted(streams), "something of the first run came behind something of the second"


async def test_two_streams_that_sessions_have_left_for_one_another_do_not_wait_for_ever(autojump_clock):
    stage = Stage()
    one, two = await stage.open("a", "s"), await stage.open("b", "t")
    SlowDisk(stage, "s", "t")
    async with stage.recording() as recorder:
        await trio.sleep(6)
        await stage.write(one, [1])
        await stage.write(two, [1])
        one, two = await stage.open("a", "t"), await stage.open("b", "s")
        await stage.write(one, [2])
        await stage.write(two, [2])
        await trio.sleep(25)
        assert recorder.lag == 0
    assert stage.numbers("a") == stage.numbers("b") == [1, 2]


async def test_who_has_left_a_stream_that_nobody_can_record_is_recorded_all_the_same(autojump_clock):
    stage = Stage()
    first = await stage.open("a", "s")
    disk = SlowDisk(stage)
    async with stage.recording():
        await trio.sleep(3)
        disk._slow, stage.clock.offset = ("s",), 0.0
        stage.log._claims["s"] = "another one", trio.current_time() + 1000
        await trio.sleep(3)
        await stage.write(first, [1])
        await stage.write(await stage.open("a", "t"), [2])
        await trio.sleep(3)
    assert stage.numbers("a") == [2]
