"""The recorder with a log that loses something or begins anew, and an archive that fails: what is gone is a hole."""

from __future__ import annotations

import json

import trio
from rta_transports.memory import MemoryLog

from rta.ports import Portion, Trim

from .recording_stage import PLENTY, Stage

# ---- a log that has forgotten


async def test_what_is_read_again_since_the_archive_has_lost_its_log_is_not_recorded_again(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    await stage.write(session, range(10))
    await stage.record()
    await stage.log.trim(Trim(max_entries=5))
    stage.archive.forget_entries("a", (await stage.archive.flush_points())["s"])
    stage.archive._points.clear()
    await stage.write(session, [10])
    await stage.record()
    assert stage.numbers("a") == list(range(11))
    assert len((await stage.archive.find("a")).runs) == 1


async def two_runs(stage):
    """Of one session, on one stream."""
    await trio.sleep(2)
    await stage.write(await stage.open("a"), [1, 2])
    await trio.sleep(2)
    await stage.write(await stage.open("a"), [3, 4])
    await trio.sleep(2)


async def third_run(stage):
    """The log has lost everything, and gives the id of the first run again."""
    stage.log.begin_anew()
    stage.log.come_back()
    session = await stage.open("a")
    await stage.write(session, [5, 6])
    return session


async def check_three_runs(stage):
    runs = (await stage.archive.find("a")).runs
    assert [run.session_id for run in runs] == [1, 2, 1]
    assert runs[0].start < runs[0].upto <= runs[2].start < runs[2].upto
    assert stage.numbers("a") == [1, 2, 3, 4, 5, 6, 7]


async def test_a_run_that_gets_the_id_of_an_earlier_one_while_it_is_recorded_is_another_one(autojump_clock):
    stage = Stage()
    async with stage.recording():
        await two_runs(stage)
        stage.log.go_out()
        await trio.sleep(1)
        session = await third_run(stage)
        await trio.sleep(5)
        await stage.write(session, [7])
        await trio.sleep(2)
    await check_three_runs(stage)


async def test_a_run_that_got_the_id_of_an_earlier_one_while_we_were_away_is_another_one(autojump_clock):
    stage = Stage()
    async with stage.recording():
        await two_runs(stage)
    session = await third_run(stage)
    await stage.record()
    await stage.write(session, [7])
    await stage.record()
    await check_three_runs(stage)


async def test_a_log_that_is_gone_with_our_last_life_is_recorded_behind_the_flush_point(autojump_clock):
    stage = Stage()
    stage.log = MemoryLog(PLENTY, stage.clock)
    await stage.write(await stage.open("a"), range(5))
    await stage.record()
    point = (await stage.archive.flush_points())["s"]
    stage.log = MemoryLog(PLENTY, stage.clock)
    await stage.write(await stage.open("b"), range(3))
    await stage.record()
    assert stage.numbers("a") == list(range(5))
    assert stage.numbers("b") == list(range(3))
    [run] = (await stage.archive.find("b")).runs
    assert run.start == point
    assert stage.holes("b") == []
    assert json.loads(stage.json("a"))["state"] == "abandoned"
    await stage.record()
    assert len((await stage.archive.find("b")).runs) == 1


async def test_a_clock_set_back_while_we_were_away_costs_nothing(autojump_clock):
    stage = Stage()
    stage.log = MemoryLog(PLENTY, stage.clock)
    await stage.write(await stage.open("a"), range(5))
    await stage.record()
    stage.clock.offset = -3600
    stage.log = MemoryLog(PLENTY, stage.clock)
    session = await stage.open("b")
    await stage.write(session, range(3))
    async with stage.recording():
        await trio.sleep(3)
        await stage.write(session, range(3, 6))
        await trio.sleep(1)
    assert stage.numbers("b") == list(range(6))


async def test_a_stream_that_begins_anew_while_it_is_recorded_is_recorded_on(autojump_clock):
    stage = Stage()
    await stage.write(await stage.open("a"), range(5))
    async with stage.recording():
        await trio.sleep(3)
        stage.log.go_out()
        await trio.sleep(1)
        stage.log.begin_anew()
        stage.log.come_back()
        await stage.write(await stage.open("b"), range(3))
        await trio.sleep(10)
    assert stage.numbers("a") == list(range(5))
    assert stage.numbers("b") == list(range(3))


# ---- what is missing


async def test_what_was_trimmed_before_it_was_recorded_is_a_hole(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    await stage.write(session, range(10))
    await stage.record()
    flushed = (await stage.archive.flush_points())["s"]
    positions = await stage.write(session, range(10, 30))
    await stage.log.trim(Trim(max_entries=5))
    await stage.record()
    assert stage.numbers("a") == [*range(10), *range(25, 30)]
    [hole] = stage.holes("a")
    assert (hole.after, hole.upto) == (flushed, positions[15].before())


async def test_a_session_of_which_all_was_trimmed_has_a_hole(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    await stage.record()
    await stage.write(session, range(10))
    await stage.log.trim(Trim(max_entries=0))
    await stage.record()
    assert len(stage.holes("a")) == 1


async def test_sessions_that_were_closed_before_lack_nothing(autojump_clock):
    stage = Stage()
    done, session = await stage.open("done"), await stage.open("a")
    await stage.close(done)
    async with stage.recording():
        await trio.sleep(2)
        stage.archive.fail = "the disk is full"
        await stage.write(session, range(10))
        await trio.sleep(2)
        await stage.log.trim(Trim(max_entries=3))
        stage.archive.fail = None
        await trio.sleep(30)
    assert stage.numbers("a") == [7, 8, 9]
    assert len(stage.holes("a")) == 1
    assert stage.holes("done") == []


# ---- what is out for a while


async def hang(portion: Portion) -> None:
    await trio.sleep_forever()


async def test_a_full_disk_is_told_and_costs_nothing_that_the_buffer_holds(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    async with stage.recording() as recorder:
        await trio.sleep(2)
        stage.archive.fail = "the disk is full"
        await stage.write(session, range(10))
        await trio.sleep(20)
        assert "recording of stream 's': nothing is being recorded: the disk is full" in stage.health.reasons
        assert recorder.lag > 15
        stage.archive.fail = None
        await trio.sleep(15)
        assert stage.health.healthy
        assert recorder.lag == 0
    assert stage.numbers("a") == list(range(10))
    assert stage.holes("a") == []
    assert stage.counted("rta_archive_failures_total") > 2


async def test_a_buffer_that_is_out_for_a_while_is_followed_again(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    async with stage.recording():
        await trio.sleep(2)
        stage.log.go_out()
        await stage.write(session, range(10))
        await trio.sleep(30)
        assert not stage.health.healthy
        stage.log.come_back()
        await trio.sleep(15)
        assert stage.health.healthy
    assert stage.numbers("a") == list(range(10))


async def test_an_archive_that_does_not_answer_makes_us_unhealthy(autojump_clock, monkeypatch):
    stage = Stage()
    session = await stage.open("a")
    async with stage.recording():
        await trio.sleep(2)
        monkeypatch.setattr(stage.archive, "append", hang)
        await stage.write(session, range(10))
        await trio.sleep(20)
        assert any("the archive has not taken anything for" in reason for reason in stage.health.reasons)
