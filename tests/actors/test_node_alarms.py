"""Alarms of a node on a bus."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
import trio
from rta_transports.memory import MemoryTopics
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.actors.alarm_messages import AlarmMessage, AlarmSamples, PictureDue
from rta.actors.alarms import AlarmActor
from rta.actors.publisher import Publisher, PublisherOutlets
from rta.actors.publisher_messages import LinkUp, PublisherMessage
from rta.alarm.definition import VALUE, AlarmDefinition, binding_code
from rta.config.load import build_config
from rta.errors import RtaError
from rta.hot_counters import HotCounters
from rta.inbox import Inbox
from rta.metrics import Metrics
from rta.node.node_stream import Now
from rta.ports.alarm import Alarm, Board
from rta.rsmp.message import Component
from rta.rsmp.topics import NodeTopics
from rta.stream.clock import Sampled
from rta.stream.definition import StreamDefinition, Trigger
from rta.stream.sample import Sample
from rta.wire.values import Ns

from .node_stage import BASE, NODE, Stage
from .test_publisher import Bus

OIL = {"code": "car.oil", "components": {"front": "parameter:A", "rear": "parameter:B"}, "above": 110}
QUIET = {"code": "car.quiet", "from": "parameter:A", "silent": "10s"}


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


def configured(*tables: dict[str, Any]) -> list[AlarmDefinition]:
    return build_config({"alarm": list(tables)}, {}).alarms


def watching(*tables: dict[str, Any], **plug_ins: Alarm) -> Stage:
    stage = Stage()
    stage.alarms, stage.plug_ins = configured(*tables), plug_ins
    return stage


async def give(stage: Stage, code: str, value: Any, component: str = "") -> None:
    sample = Sample(Ns(stage.clock()), VALUE, Component(component), value)
    await stage.send.send(Sampled(binding_code(code), [sample]))
    await trio.sleep(0.01)


async def test_the_picture_is_there_from_the_start_though_nothing_is_active(autojump_clock):
    async with watching(OIL, QUIET).running() as stage:
        kept = await stage.kept(f"{NODE}/alarm/#")
        assert kept == {
            "alarm/car.oil": {"entries": [], "full": True},
            "alarm/car.quiet": {"entries": [], "full": True},
        }


async def test_the_picture_of_the_alarms_comes_behind_that_of_the_streams(autojump_clock):
    stage = watching(OIL)
    stage.definitions = [StreamDefinition("car.engine", "live", attributes={"rpm": Trigger.CHANGE})]
    async with stage.listening() as got, stage.running():
        pass
    topics = [topic for topic, _, _ in got]
    assert topics.index("status/car.engine/live") < topics.index("alarm/car.oil")


async def test_an_alarm_is_an_event_first_and_then_retained(autojump_clock):
    async with watching(OIL).running() as stage:
        await trio.sleep(2)
        async with stage.heard() as got:
            await give(stage, "car.oil", 111, "rear")
        entry = {"component": "rear", "active": True, "values": {"value": 111.0, "above": 110.0}}
        ts = got[0][1]["entries"][0].pop("ts")
        assert [m for _, m, _ in got] == [
            {"entries": [entry]},
            {"entries": [{"ts": ts, **entry}], "full": True},
        ]
        assert (await stage.kept())["alarm/car.oil"]["entries"] == [{"ts": ts, **entry}]
        await trio.sleep(2)
        async with stage.heard() as got:
            await give(stage, "car.oil", 100, "rear")
        assert [e["active"] for e in got[0][1]["entries"]] == [False]
        assert (await stage.kept())["alarm/car.oil"] == {"entries": [], "full": True}


async def test_what_has_lasted_is_told_at_once_and_not_at_the_next_look(autojump_clock):
    async with watching(OIL | {"for": "200ms"}).running() as stage:
        await give(stage, "car.oil", 111, "rear")
        await trio.sleep(0.2)
        assert [a["component"] for a in await stage.node.alarms.listed(active_only=True)] == ["rear"]


async def test_silence_is_told_by_time_alone(autojump_clock):
    async with watching(QUIET).running() as stage:
        await give(stage, "car.quiet", 1)
        async with stage.heard() as got:
            await trio.sleep(9.5)
            assert got == []
            await trio.sleep(0.6)
        assert got[0][1]["entries"][0]["values"]["silent"] == 10.0


async def test_the_full_update_comes_again_every_five_minutes(autojump_clock):
    async with watching(OIL).running() as stage, stage.heard() as got:
        await trio.sleep(299)
        assert got == []
        await trio.sleep(302)
        assert [m for _, m, _ in got] == [{"entries": [], "full": True}] * 2


async def test_alarms_are_judged_without_a_connection_and_told_by_the_full_update_after_it(autojump_clock):
    async with watching(OIL).running() as stage:
        stage.bus.cut()
        await trio.sleep(1)
        await give(stage, "car.oil", 111, "rear")
        assert [a["active"] for a in await stage.node.alarms.listed()] == [False, True]
        async with stage.heard(f"{NODE}/alarm/#") as got:
            stage.bus.mend()
            await trio.sleep(30)
        assert [m["entries"][0]["component"] for _, m, _ in got] == ["rear"]
        assert stage.counted("rta_alarm_events_left_out_total", reason="unsent") == 1


async def test_what_flaps_is_told_less_often_and_the_full_update_has_the_truth(autojump_clock):
    async with watching(OIL).running() as stage, stage.heard() as got:
        for value in [111, 100] * 500 + [111]:
            await give(stage, "car.oil", value, "rear")
        await trio.sleep(2)
        full = [m for _, m, _ in got if "full" in m]
        assert len(got) - len(full) < 20
        assert len(full) < 15
        assert full[-1]["entries"][0]["component"] == "rear"
        left_out = stage.counted("rta_alarm_events_left_out_total", reason="flapping")
        assert left_out == 1001 - (len(got) - len(full))


async def test_an_event_does_not_overtake_a_full_update_that_waits_for_room(autojump_clock, nursery):
    """Else that full update, which is from before, would clear what the event has raised."""
    bus, counters = Bus(), HotCounters()
    metrics = Metrics(counters, dict)
    to_publisher: Inbox[PublisherMessage] = Inbox(16)
    to_alarms: Inbox[AlarmMessage] = Inbox(16)
    out = PublisherOutlets(bus, Inbox(16), Inbox(16), metrics, counters)  # type: ignore[arg-type]
    publisher = Publisher(to_publisher, NodeTopics(NODE), out)
    now = lambda: Now(Ns(BASE + round(trio.current_time() * 1e9)), trio.current_time())  # noqa: E731
    alarms = AlarmActor(to_alarms, to_publisher, now, metrics)
    alarms.configure(configured(OIL), {})
    nursery.start_soon(alarms.run)
    nursery.start_soon(publisher.run)
    to_publisher.post(LinkUp(1))
    to_alarms.post(PictureDue(1))
    await trio.sleep(2)

    async def raised(component: str) -> None:
        sample = Sample(Ns(BASE + 2 * 10**9), VALUE, Component(component), 111)
        await to_alarms.send(AlarmSamples((Sampled(binding_code("car.oil"), [sample]),)))
        await wait_all_tasks_blocked()

    bus.sent.clear()
    bus.room = 0
    await raised("front")
    bus.room = 1000
    await raised("rear")
    await trio.sleep(2)
    assert [(sorted(e["component"] for e in m["entries"]), "full" in m) for _, m in bus.sent] == [
        (["front"], True),
        (["front", "rear"], True),
    ]
    nursery.cancel_scope.cancel()


async def test_alarms_of_before_that_are_no_longer_configured_are_cleared(autojump_clock):
    stage = watching(OIL)
    async with stage.other.connect("before"):
        for code in ("car.oil", "car.gone"):
            payload = cbor2.dumps({"entries": [{"active": True}], "full": True})
            await stage.other.publish(f"{NODE}/alarm/{code}", payload, retain=True)
    async with stage.running():
        assert await stage.kept(f"{NODE}/alarm/#") == {"alarm/car.oil": {"entries": [], "full": True}}


async def test_at_a_shutdown_nothing_is_cleared(autojump_clock):
    async def run(board: Board) -> None:
        board.set(True)
        try:
            await trio.sleep_forever()
        finally:
            board.set(False)

    stage = watching(OIL, door=Alarm("cabinet.door", run))
    later = MemoryTopics(broker=stage.bus.broker)
    async with later.connect("later"):
        async with stage.running():
            await give(stage, "car.oil", 111, "rear")
        async with later.subscribe(f"{NODE}/alarm/#") as subscription:
            found = [cbor2.loads((await subscription.receive()).payload)["entries"] for _ in range(2)]
    assert [entry["active"] for entries in found for entry in entries] == [True, True]


async def test_the_times_of_samples_of_statuses_are_no_matter_of_alarms(autojump_clock):
    async with watching(OIL).running() as stage:
        await stage.sample(rpm=5000)
        assert [a["active"] for a in await stage.node.alarms.listed()] == [False, False]


async def test_samples_that_are_no_numbers_are_counted_and_disturb_nothing(autojump_clock):
    async with watching(OIL).running() as stage:
        await give(stage, "car.oil", "hot", "rear")
        await give(stage, "car.oil", 111, "nowhere")
        await trio.sleep(1)
        assert stage.counted("rta_alarm_samples_left_out_total", kind="no_number") == 1
        assert stage.counted("rta_alarm_samples_left_out_total", kind="unknown") == 1


# ---- plug-ins


async def test_a_plug_in_raises_and_clears(autojump_clock):
    async def run(board: Board) -> None:
        await trio.sleep(1)
        board.set(True, {"open": ["front"]}, "1", ts=BASE)
        await trio.sleep(5)
        board.set(False, component="1")

    stage = watching(door=Alarm("cabinet.door", run, ("1", "2"), "Somebody is at it"))
    async with stage.running(), stage.heard() as got:
        await trio.sleep(3)
        (listed,) = await stage.node.alarms.listed(active_only=True)
        assert (listed["component"], listed["source"]) == ("1", "plug-in door")
        assert got[0][1]["entries"] == [
            {
                "ts": "2023-11-14T22:13:20.000Z",
                "component": "1",
                "active": True,
                "values": {"open": ["front"]},
            }
        ]
        await trio.sleep(5)
        assert await stage.node.alarms.listed(active_only=True) == []


async def test_other_values_of_an_alarm_that_is_active_are_told_and_raise_nothing(autojump_clock):
    async def run(board: Board) -> None:
        for level in (1, 2, 3):
            await trio.sleep(3)
            board.set(True, {"level": level})

    async with watching(door=Alarm("cabinet.door", run)).running() as stage, stage.heard() as got:
        await trio.sleep(12)
        assert [m["entries"][0]["values"]["level"] for _, m, _ in got if "full" not in m] == [1, 2, 3]
        assert stage.counted("rta_alarm_changes_total", change="raised") == 1
        assert stage.counted("rta_alarm_changes_total", change="cleared") == 0


async def test_a_plug_in_that_fails_is_counted_and_started_again_and_later_each_time(autojump_clock):
    began: list[float] = []

    async def run(board: Board) -> None:
        began.append(trio.current_time())
        board.set(True)
        raise OSError("no such device")

    async with watching(door=Alarm("cabinet.door", run)).running() as stage:
        await trio.sleep(300)
        assert 6 <= len(began) <= 16
        assert stage.counted("rta_alarm_faults_total", code="cabinet.door") == len(began)
        assert [a["active"] for a in await stage.node.alarms.listed()] == [True]
        assert stage.health.healthy


LOOP: dict[str, Any] = {}
LOOP["loop"] = LOOP


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"active": 1}, "active: expected true or false, got 1"),
        ({"component": "3"}, 'component: alarm cabinet.door has no component "3"'),
        ({"component": ["3"]}, "component: alarm cabinet.door has no component a list"),
        ({"values": [1]}, "values: expected a map, got a list"),
        ({"values": {"a": object()}}, "values: expected what JSON has"),
        ({"values": {"a": "x" * 3000}}, "values: expected at most 2048 bytes"),
        ({"values": LOOP}, "values: "),
        ({"ts": 1.5}, "ts: expected ns since the Unix epoch, got 1.5"),
        ({"ts": 10**30}, "ts: expected ns since the Unix epoch"),
    ],
)
async def test_what_a_plug_in_cannot_say_is_refused_and_changes_nothing(autojump_clock, arguments, reason):
    refused: list[str] = []

    async def run(board: Board) -> None:
        try:
            board.set(**{"active": True, "component": "1"} | arguments)
        except RtaError as e:
            refused.append(str(e))

    async with watching(door=Alarm("cabinet.door", run, ("1",))).running() as stage:
        assert refused[0].startswith(reason)
        assert await stage.node.alarms.listed(active_only=True) == []


async def test_values_of_a_plug_in_are_copied_as_json_has_them(autojump_clock):
    values: dict[Any, Any] = {"a": float("nan"), 1: ("x", "\ud800")}

    async def run(board: Board) -> None:
        board.set(True, values)
        values["a"] = "later"

    async with watching(door=Alarm("cabinet.door", run)).running() as stage:
        assert (await stage.node.alarms.listed())[0]["values"] == {"a": None, "1": ["x", "?"]}


async def idle(board: Board) -> None:
    await trio.sleep_forever()


@pytest.mark.parametrize(
    "alarm",
    [
        Alarm("door", idle),
        Alarm("a/b", idle),
        Alarm("a.b", idle, ("1-2",)),
        Alarm("a.b", idle, ("1", "1")),
        Alarm("car.oil", idle),
    ],
)
async def test_a_plug_in_that_cannot_be_called_what_it_is_ends_the_start(alarm):
    stage = watching(OIL)
    with pytest.raises(RtaError):
        stage.node.configure([], (), stage.alarms, {"door": alarm})
