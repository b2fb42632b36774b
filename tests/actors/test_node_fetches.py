"""Fetches from a node that keeps what it sends, on the memory bus."""

from __future__ import annotations

from typing import Any

import cbor2
import trio

from rta.stream.definition import History, StreamDefinition, Trigger
from tests.actors.node_stage import NODE, Stage

LIVE = StreamDefinition("car.engine", "live", attributes={"rpm": Trigger.CHANGE}, qos=1, history=History())
PLAIN = StreamDefinition("car.engine", "plain", attributes={"rpm": Trigger.CHANGE}, qos=1)


async def fetched(stage: Stage, name: str = "live", **more: Any) -> list[dict[str, Any]]:
    """The messages of the answer."""
    reply = f"tmc/history/car.engine/{name}"
    async with stage.other.subscribe(reply) as subscription:
        topic = f"{NODE}/fetch/car.engine/{name}"
        await stage.other.publish(topic, cbor2.dumps({}), qos=1, response_topic=reply, correlation=b"1", **more)
        got: list[dict[str, Any]] = []
        with trio.move_on_after(5):
            while not (got and got[-1]["complete"]):
                message = await subscription.receive()
                assert message.correlation == b"1"
                got.append(cbor2.loads(message.payload))
        return got


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    return [e["seq"] for m in messages for e in m["entries"]]


async def test_a_fetch_gets_what_was_just_sent_live(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running():
        for rpm in range(1, 4):
            await stage.sample(rpm=rpm)
        (message,) = await fetched(stage)
    assert [e["values"]["rpm"] for e in message["entries"]] == [None, 1, 2, 3]
    assert [e["seq"] for e in message["entries"]] == [1, 2, 3, 4]
    times = [e["ts"] for e in message["entries"]]
    assert [e["next_ts"] for e in message["entries"]] == [*times[1:], None]
    assert (message["beginning"], message["end"]) == (True, True)


async def test_stopped_streams_are_answered_too(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running():
        await stage.sample(rpm=1)
        await stage.tell("throttle/car.engine/live", {"action": "stop"})
        await stage.sample(rpm=2)
        assert numbers(await fetched(stage)) == [1, 2]


async def test_what_was_recorded_before_a_restart_can_be_fetched(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running():
        await stage.sample(rpm=1)
    again = Stage(LIVE, state_dir=tmp_path)
    async with again.running():
        assert numbers(await fetched(again)) == [1, 2, 3]


async def test_what_was_recorded_during_an_outage_can_be_fetched_after_it(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running():
        stage.bus.cut()
        for rpm in range(1, 10):
            await stage.sample(rpm=rpm)
        stage.bus.mend()
        await stage.settle()
        assert numbers(await fetched(stage)) == list(range(1, 12))


async def test_a_stream_without_history_has_nothing(autojump_clock, tmp_path):
    stage = Stage(LIVE, PLAIN, state_dir=tmp_path)
    async with stage.running():
        await stage.sample(rpm=1)
        assert await fetched(stage, "plain") == [{"entries": [], "complete": True}]


async def test_a_fetch_that_was_retained_is_left_alone(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.other.connect("before"):
        topic, reply = f"{NODE}/fetch/car.engine/live", "tmc/history/car.engine/live"
        await stage.other.publish(topic, cbor2.dumps({}), qos=1, retain=True, response_topic=reply)
    async with stage.running():
        await stage.settle()
    assert stage.counted("rta_fetches_total", outcome="answered") == 0
    assert stage.counted("rta_topic_input_refused_total", kind="fetch", reason="retained") == 1
