"""The recorder on a memory log and a plain archive: what comes is in the archive, once."""

from __future__ import annotations

import json

import trio

from .recording_stage import Stage


async def test_what_comes_is_recorded_within_a_quarter_of_a_second(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    async with stage.recording() as recorder:
        await trio.sleep(3)
        for number in range(20):
            await stage.write(session, [number])
            await trio.sleep(0.25)
            assert stage.numbers("a") == list(range(number + 1))
        assert recorder.lag == 0
    assert stage.health.healthy
    assert json.loads(stage.json("a"))["state"] == "open"


async def test_many_entries_are_one_portion(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    async with stage.recording():
        await trio.sleep(3)
        before = stage.archive.portions
        for number in range(100):
            await stage.write(session, [number])
            await trio.sleep(0.001)
        await trio.sleep(1)
        assert stage.archive.portions <= before + 3
    assert stage.numbers("a") == list(range(100))


async def test_what_is_there_already_is_recorded_from_the_start_of_its_session(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    await stage.write(session, range(50))
    await stage.record()
    assert stage.numbers("a") == list(range(50))
    assert stage.holes("a") == []


async def test_a_new_session_is_found_within_a_second_or_so(autojump_clock):
    stage = Stage()
    async with stage.recording():
        await trio.sleep(3.3)
        session = await stage.open("a", "another stream")
        await stage.write(session, [1])
        await trio.sleep(1.5)
        assert stage.numbers("a") == [1]


async def test_a_new_session_on_a_stream_that_is_recorded_is_found_at_once(autojump_clock):
    stage = Stage()
    await stage.open("a")
    async with stage.recording():
        await trio.sleep(3.3)
        session = await stage.open("b")
        await stage.write(session, [1])
        await trio.sleep(0.2)
        assert stage.numbers("b") == [1]
        assert stage.holes("b") == []


async def test_a_recorder_goes_on_where_the_last_one_has_stopped(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    await stage.write(session, range(10))
    await stage.record()
    await stage.write(session, range(10, 20))
    await stage.record()
    assert stage.numbers("a") == list(range(20))
    assert stage.holes("a") == []
    [run] = (await stage.archive.find("a")).runs
    assert run.start == session.stream_position.before()


async def test_entries_of_a_session_that_cannot_be_found_are_left_out_and_hold_nobody_up(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    gone = await stage.log.open_session("gone", "s")
    del stage.log._records["gone"]
    async with stage.recording():
        await trio.sleep(3)
        await stage.write(gone, [1])
        await stage.write(session, [1])
        await trio.sleep(4)
        assert stage.numbers("a") == [1]
        for number in range(2, 20):
            await stage.write(gone, [number])
            await stage.write(session, [number])
            await trio.sleep(0.25)
            assert stage.numbers("a") == list(range(1, number + 1))
    assert stage.counted("rta_archive_left_out_total") == 19
    assert set(stage.archive._sessions) == {"a"}


async def test_a_session_that_becomes_known_late_lacks_nothing_if_it_is_in_time(autojump_clock):
    stage = Stage()
    await stage.open("a")
    late = await stage.log.open_session("late", "s")
    record = stage.log._records.pop("late")
    async with stage.recording():
        await trio.sleep(3)
        await stage.write(late, [1, 2])
        await trio.sleep(0.5)
        stage.log._records["late"] = record
        await trio.sleep(2)
    assert stage.numbers("late") == [1, 2]
    assert stage.holes("late") == []


async def test_a_session_that_becomes_known_too_late_has_a_hole(autojump_clock):
    stage = Stage()
    await stage.open("a")
    late = await stage.log.open_session("late", "s")
    record = stage.log._records.pop("late")
    async with stage.recording():
        await trio.sleep(3)
        positions = await stage.write(late, [1, 2])
        await trio.sleep(10)
        stage.log._records["late"] = record
        await trio.sleep(2)
        await stage.write(late, [3])
        await trio.sleep(2)
    assert stage.numbers("late") == [3]
    [hole] = stage.holes("late")
    assert hole.after < positions[0]
    assert positions[1] <= hole.upto
    assert stage.counted("rta_archive_holes_total") == 1


# ---- who records


async def test_of_two_recorders_one_records_and_the_other_takes_over_within_seconds(autojump_clock):
    one, two = Stage(), Stage()
    two.clock, two.log = one.clock, one.log
    session = await one.open("a")
    async with two.recording() as second:
        async with trio.open_nursery() as nursery:
            async with one.recording() as first:
                await trio.sleep(3)
                await one.write(session, range(10))
                await trio.sleep(3)
                assert {first.streams, second.streams} == {0, 1}
                has, waits = (one, two) if first.streams else (two, one)
                assert has.numbers("a") == list(range(10))
                assert "a" not in waits.archive._sessions
                assert waits.health.healthy
            nursery.cancel_scope.cancel()
        await one.write(session, range(10, 20))
        await trio.sleep(10)
        assert second.streams == 1
        assert two.numbers("a") == list(range(20))


async def test_who_has_slept_does_not_append(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    async with stage.recording() as recorder:
        await trio.sleep(3)
        stage.log._claims["s"] = "another one", trio.current_time() + 1000
        before = stage.archive.portions
        await trio.sleep(5)
        await stage.write(session, [1])
        await trio.sleep(5)
        assert recorder.streams == 0
        assert stage.archive.portions == before
        assert stage.health.healthy


# ---- the end


async def test_at_the_end_all_that_the_buffer_holds_is_recorded(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    async with stage.recording() as recorder:
        await trio.sleep(3)
        await stage.write(session, range(10))
        last = await stage.open("last", "t")
        await stage.write(last, [1])
        await recorder.finish(5)
    assert stage.numbers("a") == list(range(10))
    assert stage.numbers("last") == [1]


async def test_the_end_does_not_wait_for_a_disk_for_ever(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    async with stage.recording() as recorder:
        await trio.sleep(3)
        stage.archive.fail = "the disk is full"
        await stage.write(session, range(10))
        with trio.fail_after(6):
            await recorder.finish(5)


async def test_a_stream_whose_sessions_are_closed_is_left_and_followed_again_when_something_comes(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    async with stage.recording() as recorder:
        await trio.sleep(3)
        await stage.close(session)
        await trio.sleep(60)
        assert recorder.streams == 0
        await stage.write(session, [7])
        await trio.sleep(3)
        assert recorder.streams == 1
    assert stage.numbers("a") == [7]
