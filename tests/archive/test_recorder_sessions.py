"""Which sessions the recorder records, and what becomes of one of which nothing comes by its stream."""

from __future__ import annotations

import json

import trio

from rta.testing.bursts import json_burst, session_json

from .recording_stage import Stage


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


async def test_children_and_alternates_of_our_last_life_are_abandoned_too(autojump_clock):
    stage = Stage()
    await stage.open("a", children=["b"], alternates=["c"])
    await stage.open("b")
    await stage.open("c")
    await stage.record()
    stage.log._records.clear()
    await stage.record(70)
    assert [json.loads(stage.json(identity))["state"] for identity in "abc"] == ["abandoned"] * 3


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


# ---- deleted


async def test_a_deleted_session_is_not_recorded_again_while_the_buffer_holds_it_also_after_a_restart(autojump_clock):
    stage = Stage()
    kept, gone = await stage.open("kept"), await stage.open("gone")
    await stage.write(gone, [1, 2])
    await stage.close(gone)
    async with stage.recording():
        await trio.sleep(3)
        record = await stage.log.find("gone")
        assert record is not None
        assert await stage.log.forget(record)
        assert await stage.archive.delete("gone")
        await stage.write(kept, [1])
        await trio.sleep(3)
        assert set(stage.archive._sessions) == {"kept"}
    await stage.write(kept, [2])
    await stage.record()
    stage.archive._points.clear()  # a disk from before: all that the buffer holds is read again
    await stage.write(kept, [3])
    await stage.record()
    assert set(stage.archive._sessions) == {"kept"}
    assert stage.numbers("kept") == [1, 2, 3]
