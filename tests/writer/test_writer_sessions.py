"""Writing sessions with Trio: what the log gets, and when; what happens at the bound and at the end."""

from __future__ import annotations

import json

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from rta.errors import NotConnectedError, RtaError
from rta.testing import numbered_burst, session_json
from rta.wire import Event, SessionModel, SessionState, TimeRange
from rta.writer import WriteError, WriterClosed, WriterFull, WriterObserver, WriterSettings, open_writer, write_to

from .logs import FlakyLog, Reply, samples_of, state_of

NOW = 1_700_000_000 * 10**9


def settings(max_bytes: int = 1 << 20, on_full="wait", target: int = 65536) -> WriterSettings:
    return WriterSettings(max_bytes=max_bytes, on_full=on_full, target=target)


def writing(log: FlakyLog, *more, **named):
    return write_to(log, "car", *more, clock=lambda: NOW, **named)  # type: ignore[arg-type]


# ---- what the log gets


async def test_the_first_burst_is_the_session_and_the_last_its_end(autojump_clock) -> None:
    log = FlakyLog()
    async with writing(log) as writer:
        session = await writer.open_session(identity="a", identifier="Run 1", details={"car": 7})
        await session.write(1, [NOW, NOW + 10], [1.0, 2.0])
        await session.close()
        first, data, last = log.bursts["a"]
        opened, closed = json.loads(first.session_json[0]), json.loads(last.session_json[0])
        assert (opened["state"], opened["identifier"], opened["details"]) == ("open", "Run 1", {"car": 7})
        assert data.time_range == TimeRange(NOW, NOW + 10)
        assert closed["state"] == "closed"
        assert closed["timeRange"] == {"startTime": NOW, "endTime": NOW + 10}
        assert closed["endTimestamp"] == "2023-11-14T22:13:20+00:00"


async def test_samples_are_collected_for_a_tenth_of_a_second(autojump_clock) -> None:
    log = FlakyLog()
    async with writing(log) as writer, await writer.open_session(identity="a") as session:
        start = trio.current_time()
        for i in range(5):
            await session.write(1, [i], [i])
            await trio.sleep(0.04)
        await session.write_event(Event(timestamp=9))
        await session.flush()
    assert log.times[1] - start == pytest.approx(0.1)
    assert [len(samples_of([b])) for b in log.bursts["a"][1:3]] == [3, 2]
    assert samples_of(log.bursts["a"]) == [(i, float(i)) for i in range(5)]


async def test_a_burst_goes_out_as_it_is_and_without_delay(autojump_clock) -> None:
    log = FlakyLog()
    async with writing(log) as writer, await writer.open_session(identity="a") as session:
        start = trio.current_time()
        burst = numbered_burst(1)
        await session.write_burst(burst)
        await session.flush()
        assert log.bursts["a"][1] is burst
        assert trio.current_time() == start


async def test_session_json_given_as_text_goes_byte_for_byte() -> None:
    log = FlakyLog()
    text, newer = session_json("a", "open", odd=[1, 2]), session_json("a", "open", odd=[3])
    async with writing(log) as writer:
        session = await writer.open_session(text)
        assert session.identity == "a"
        await session.update(newer)
        await session.close()
    assert [b.session_json[0] for b in log.bursts["a"][:2]] == [text, newer]
    assert json.loads(log.bursts["a"][2].session_json[0])["odd"] == [3]


async def test_a_model_is_opened_and_stays_as_it_was() -> None:
    log, model = FlakyLog(), SessionModel("a")
    async with writing(log) as writer:
        await writer.open_session(model)
    assert [state_of(b) for b in log.bursts["a"]] == ["open", "closed"]
    assert model.state is SessionState.UNKNOWN


async def test_an_identity_that_is_open_is_not_opened_again() -> None:
    async with writing(FlakyLog()) as writer:
        session = await writer.open_session(identity="a")
        with pytest.raises(ValueError, match="is open"):
            await writer.open_session(identity="a")
        await session.close()
        await writer.open_session(identity="a")


async def test_one_session_that_the_log_refuses_does_not_hold_up_another(autojump_clock) -> None:
    log = FlakyLog([Reply.NEVER])

    async def write() -> None:
        async with writing(log) as writer:
            await writer.open_session(identity="a")
            await wait_all_tasks_blocked()
            await (await writer.open_session(identity="b")).close()

    with pytest.raises(WriteError):
        await write()
    assert [state_of(b) for b in log.bursts["b"]] == ["open", "closed"]


# ---- the end


async def test_what_is_open_at_the_end_is_closed_and_written() -> None:
    log = FlakyLog()
    async with writing(log) as writer:
        await (await writer.open_session(identity="a")).write(1, [1], [1])
    assert state_of(log.bursts["a"][-1]) == "closed"
    assert samples_of(log.bursts["a"]) == [(1, 1.0)]


async def test_an_exception_leaves_truncated_and_comes_out_as_it_is() -> None:
    log = FlakyLog()

    async def write() -> None:
        async with writing(log) as writer:
            await (await writer.open_session(identity="a")).write(1, [1], [1])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write()
    assert state_of(log.bursts["a"][-1]) == "truncated"
    assert samples_of(log.bursts["a"]) == [(1, 1.0)]


async def test_an_exception_within_a_session_leaves_that_one_truncated() -> None:
    log = FlakyLog()
    async with writing(log) as writer:
        with pytest.raises(ZeroDivisionError):
            async with await writer.open_session(identity="a"):
                raise ZeroDivisionError
        await writer.open_session(identity="b")
    assert state_of(log.bursts["a"][-1]) == "truncated"
    assert state_of(log.bursts["b"][-1]) == "closed"


async def test_a_cancellation_leaves_truncated() -> None:
    log = FlakyLog()
    with trio.CancelScope() as scope:
        async with writing(log) as writer, await writer.open_session(identity="a") as session:
            await session.write(1, [1], [1])
            scope.cancel()
            await trio.sleep_forever()
    assert state_of(log.bursts["a"][-1]) == "truncated"
    assert samples_of(log.bursts["a"]) == [(1, 1.0)]


async def test_a_session_whose_json_says_closed_stays_so() -> None:
    log = FlakyLog()
    async with writing(log) as writer:
        session = await writer.open_session(identity="a")
        await session.update(session_json("a", "failed"))
    assert [state_of(b) for b in log.bursts["a"]] == ["open", "failed"]


@pytest.mark.parametrize("reply", [Reply.LOST, Reply.NEVER])
async def test_what_cannot_be_written_in_time_is_an_error(autojump_clock, reply) -> None:
    log = FlakyLog(otherwise=reply)
    start = trio.current_time()
    with pytest.raises(WriteError) as raised:
        async with writing(log) as writer:
            await (await writer.open_session(identity="a")).write(1, [1, 2], [1, 2])
    assert raised.value.samples == 2
    assert raised.value.waiting > 0
    assert trio.current_time() - start == pytest.approx(5.0)


async def test_an_error_of_the_caller_says_too_what_was_not_written(autojump_clock) -> None:
    async def write() -> None:
        async with writing(FlakyLog(otherwise=Reply.LOST)) as writer:
            await writer.open_session(identity="a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as raised:
        await write()
    assert "could not be written" in raised.value.__notes__[0]


async def test_nothing_is_taken_after_the_end() -> None:
    async with writing(FlakyLog()) as writer:
        session = await writer.open_session(identity="a")
        await session.close()
        await session.close()
        with pytest.raises(WriterClosed):
            await session.write(1, [1], [1])
    with pytest.raises(WriterClosed):
        await writer.open_session(identity="b")


async def test_a_programming_error_of_the_log_is_not_swallowed() -> None:
    class Broken(FlakyLog):
        async def append(self, session, burst):
            raise ZeroDivisionError

    async def write() -> None:
        async with writing(Broken()) as writer:
            await writer.open_session(identity="a")
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as raised:
        await write()
    assert raised.value.subgroup(ZeroDivisionError) is not None


# ---- while the log is away


async def test_why_it_fails_can_be_read_and_is_told(autojump_clock) -> None:
    reasons: list[str | None] = []

    class Told(WriterObserver):
        def failing(self, reason: str | None) -> None:
            reasons.append(reason)

    log = FlakyLog(otherwise=Reply.LOST)
    async with writing(log, watcher=Told()) as writer:
        session = await writer.open_session(identity="a")
        await wait_all_tasks_blocked()
        assert writer.failing == "the log is away"
        assert writer.waiting == session.waiting > 0
        log.always(Reply.DONE)
        await session.flush()
        assert writer.failing is None
        assert writer.waiting == 0
        assert writer.written > 0
    assert reasons == ["the log is away", None]


async def test_a_cancelled_close_still_closes(autojump_clock) -> None:
    log = FlakyLog(otherwise=Reply.LOST)
    async with writing(log) as writer:
        session = await writer.open_session(identity="a")
        with trio.move_on_after(1):
            await session.close(SessionState.FAILED)
        log.always(Reply.DONE)
    assert state_of(log.bursts["a"][-1]) == "failed"


async def test_a_log_that_is_not_there_is_an_error_at_the_start() -> None:
    with pytest.raises(NotConnectedError):
        async with open_writer("redis://127.0.0.1:1", "car"):
            pass


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"url": "http://x"}, "expected redis://"),
        ({"options": {"speed": 1}}, "speed"),
        ({"transport": "csv"}, "not a log"),
        ({"transport": "pigeon"}, "no transport 'pigeon'"),
    ],
)
async def test_what_is_wrong_with_the_options_is_said(named, message) -> None:
    with pytest.raises(RtaError, match=message):
        async with open_writer(**named):
            pass


async def test_any_log_transport_will_do() -> None:
    async with open_writer(transport="memory", options={"max_bytes": 1 << 20}) as writer:
        session = await writer.open_session()
        await session.write(1, [1], [1])
        await session.close()
        assert writer.waiting == 0


async def test_a_configuration_is_published_once_the_log_can_be_reached(autojump_clock) -> None:
    log = FlakyLog([Reply.LOST, Reply.LOST])
    async with writing(log) as writer:
        await writer.publish("c", "{}")
        assert writer.failing is None
    assert log.documents == {"c": "{}"}


# ---- at the bound


async def test_wait_waits_for_room(autojump_clock) -> None:
    log = FlakyLog(otherwise=Reply.LOST)
    async with writing(log, settings=settings(2000)) as writer:
        session = await writer.open_session(identity="a")
        with trio.move_on_after(10) as scope:
            for i in range(1000):
                await session.write_burst(numbered_burst(i))
        assert scope.cancelled_caught
        assert 1900 < writer.waiting <= 2000
        log.always(Reply.DONE)
        await session.write_burst(numbered_burst(1000))
    numbers = [v for _, v in samples_of(log.bursts["a"])]
    assert numbers == [*map(float, range(len(numbers) - 1)), 1000.0]


async def test_raise_raises_and_has_taken_nothing(autojump_clock) -> None:
    log = FlakyLog(otherwise=Reply.LOST)
    async with writing(log, settings=settings(100_000, "raise")) as writer:
        session = await writer.open_session(identity="a")
        before = writer.waiting
        with pytest.raises(WriterFull, match="wait for the log"):
            await session.write(1, range(50_000), range(50_000))
        assert writer.waiting == before
        log.always(Reply.DONE)
        await session.flush()
        await session.write(1, range(50_000), range(50_000))  # as nothing waits now
    assert len(samples_of(log.bursts["a"])) == 50_000


async def test_drop_drops_the_oldest_data_and_counts(autojump_clock) -> None:
    log = FlakyLog(otherwise=Reply.LOST)
    async with writing(log, settings=settings(4000, "drop", target=500)) as writer:
        session = await writer.open_session(identity="a")
        for i in range(500):
            await session.write(1, [i], [i])
            await session.update(session_json("a", "open", count=i))
        assert writer.waiting <= 4000
        dropped = writer.dropped
        log.always(Reply.DONE)
    kept = samples_of(log.bursts["a"])
    assert kept == [(i, float(i)) for i in range(dropped, 500)]
    assert 0 < dropped < 500
    assert [json.loads(j).get("count") for b in log.bursts["a"] for j in b.session_json] == [None, 499, 499]


async def test_drop_takes_from_the_session_that_has_waited_longest(autojump_clock) -> None:
    log = FlakyLog(otherwise=Reply.LOST)
    async with writing(log, settings=settings(2000, "drop")) as writer:
        old, new = [await writer.open_session(identity=i) for i in "ab"]
        await old.write_burst(numbered_burst(0))
        for i in range(1, 100):
            await new.write_burst(numbered_burst(i))
        log.always(Reply.DONE)
    assert samples_of(log.bursts["a"]) == []
    assert len(samples_of(log.bursts["b"])) + writer.dropped == 100


async def test_there_is_always_room_for_the_end(autojump_clock) -> None:
    log = FlakyLog(otherwise=Reply.LOST)
    async with writing(log, settings=settings(1, "raise")) as writer:
        await writer.open_session(identity="a")
        with pytest.raises(WriterFull):
            await writer.open_session(identity="b")
        log.always(Reply.DONE)
    assert [state_of(b) for b in log.bursts["a"]] == ["open", "closed"]
