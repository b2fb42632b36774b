"""The recorder on a memory log and a plain archive: what comes is in the archive, once, and what is missing is told."""

from __future__ import annotations

import json

import trio
from rta_transports.memory import MemoryLog

from rta.ports import Portion, Trim
from rta.testing.bursts import json_burst, session_json

from .recording_stage import PLENTY, Stage


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


async def hang(portion: Portion) -> None:
    await trio.sleep_forever()


# ---- which sessions


async def test_only_sessions_with_the_details_are_recorded(autojump_clock):
    stage = Stage(details={"vehicle": "x", "year": "2020"})
    wanted = await stage.open("wanted", details={"vehicle": "x", "year": 2020})
    other = await stage.open("other", details={"vehicle": "y", "year": 2020})
    elsewhere = await stage.open("elsewhere", "t", details={})
    async with stage.recording() as recorder:
        await trio.sleep(3)
        for number in range(10):
            for session in (wanted, other, elsewhere):
                await stage.write(session, [number])
            await trio.sleep(0.2)
            assert stage.numbers("wanted") == list(range(number + 1))
        assert recorder.streams == 1
    assert set(stage.archive._sessions) == {"wanted"}
    assert stage.counted("rta_archive_left_out_total") == 0


async def test_a_session_whose_json_comes_behind_its_first_data_lacks_nothing(autojump_clock):
    stage = Stage(details={"vehicle": "x"})
    await stage.open("first", details={"vehicle": "x"})
    async with stage.recording():
        await trio.sleep(3)
        session = await stage.log.open_session("a", "s")
        await stage.write(session, [1, 2])
        await trio.sleep(1)
        await stage.log.append(session, json_burst(session_json("a", details={"vehicle": "x"})))
        await stage.write(session, [3])
        await trio.sleep(3)
    assert stage.numbers("a") == [1, 2, 3]
    assert stage.holes("a") == []


async def test_what_is_being_recorded_stays_so_when_its_details_change(autojump_clock):
    stage = Stage(details={"driver": "x"})
    session = await stage.open("a", details={"driver": "x"})
    async with stage.recording():
        await trio.sleep(2)
        await stage.log.append(session, json_burst(session_json("a", details={"driver": "y"})))
        await trio.sleep(2)
        await stage.write(session, [1])
        await trio.sleep(2)
    assert stage.numbers("a") == [1]


# ---- runs


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


# ---- failures


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


# ---- what does not come by the stream


async def test_a_session_json_that_changes_in_the_buffer_only_is_told_to_the_archive(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    async with stage.recording():
        await trio.sleep(3)
        record = stage.log._records["a"]
        closed = session_json("a", "closed")
        stage.log._records["a"] = type(record)(*[
            *(record.identity, record.stream, record.stream_session_id, record.stream_position),
            record.last_updated, closed,
        ])  # fmt: skip
        await trio.sleep(4)
        assert stage.json("a") == closed
        newer = session_json("a", "closed", group="newer")
        await stage.log.append(session, json_burst(newer))
        await trio.sleep(4)
        assert stage.json("a") == newer


async def test_the_configurations_that_a_session_is_bound_to_are_recorded_even_if_they_come_later(autojump_clock):
    stage = Stage()
    await stage.open("a", configBindings=[{"identifier": "c", "channelOffset": 0}])
    async with stage.recording():
        await trio.sleep(3)
        assert await stage.archive.configuration("c") is None
        await stage.log.publish("c", '{"applications": {}}')
        await trio.sleep(3)
        assert await stage.archive.configuration("c") == '{"applications": {}}'


async def test_a_session_that_the_buffer_has_forgotten_is_abandoned_after_a_while(autojump_clock):
    stage = Stage()
    await stage.open("a", details={"driver": "A. Smith"})
    async with stage.recording():
        await trio.sleep(3)
        del stage.log._records["a"]
        await trio.sleep(50)
        assert json.loads(stage.json("a"))["state"] == "open"
        await trio.sleep(20)
        found = json.loads(stage.json("a"))
        assert found == json.loads(session_json("a", "abandoned", details={"driver": "A. Smith"}))


async def test_a_session_that_is_still_there_is_never_abandoned(autojump_clock):
    stage = Stage()
    await stage.open("a")
    await stage.record()
    await stage.record(60)
    assert json.loads(stage.json("a"))["state"] == "open"


async def test_a_session_that_comes_back_in_time_is_not_abandoned(autojump_clock):
    stage = Stage()
    await stage.open("a")
    async with stage.recording():
        await trio.sleep(3)
        record = stage.log._records.pop("a")
        await trio.sleep(50)
        stage.log._records["a"] = record
        await trio.sleep(100)
    assert json.loads(stage.json("a"))["state"] == "open"


async def test_a_session_whose_record_has_run_out_is_recorded_on_as_long_as_something_comes(autojump_clock):
    stage = Stage()
    session = await stage.open("a")
    await stage.record()
    record = stage.log._records.pop("a")
    async with stage.recording():
        await trio.sleep(3)
        for number in range(10):
            await stage.write(session, [number])
            await trio.sleep(20)
            assert stage.numbers("a") == list(range(number + 1))
            assert json.loads(stage.json("a"))["state"] == "open"
        await trio.sleep(60)
        assert json.loads(stage.json("a"))["state"] == "abandoned"
        stage.log._records["a"] = record
        await trio.sleep(5)
        assert json.loads(stage.json("a"))["state"] == "open"


async def test_a_session_whose_new_run_has_not_said_anything_is_abandoned_until_it_does(autojump_clock):
    stage = Stage()
    await stage.open("a")
    async with stage.recording():
        await trio.sleep(3)
        again = await stage.log.open_session("a", "s")
        await trio.sleep(70)
        assert json.loads(stage.json("a"))["state"] == "abandoned"
        await stage.log.append(again, json_burst(session_json("a")))
        await trio.sleep(1)
        assert json.loads(stage.json("a"))["state"] == "open"
        await trio.sleep(100)
        assert json.loads(stage.json("a"))["state"] == "open"


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
