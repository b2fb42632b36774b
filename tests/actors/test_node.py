"""The node on a bus: what it announces, what it obeys, what it says when it goes."""

from __future__ import annotations

from fractions import Fraction

import cbor2
import pytest
import trio
from trio.testing import MockClock

from rta.node.node_stream import Initiator
from rta.rsmp.message import PLAIN
from rta.stream.clock import LIVE as LIVE_TIME
from rta.stream.clock import ClockChanged, Sampled, StreamClock
from rta.stream.definition import Aggregate, Prune, StreamDefinition, Trigger
from rta.stream.sample import Sample
from rta.wire.values import Ns

from .node_stage import NODE, Stage

SECOND = 1_000_000_000

LIVE = StreamDefinition("car.engine", "live", attributes={"rpm": Trigger.CHANGE, "oil": Trigger.ALONG})
IDLE = StreamDefinition("car.engine", "idle", attributes={"rpm": Trigger.CHANGE}, default_on=False)


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


async def test_it_announces_itself_its_states_and_a_full_update_of_what_runs(autojump_clock):
    async with Stage(LIVE, IDLE).running() as stage:
        kept = await stage.kept()
        assert kept["presence"] == "online"
        assert kept["channel/car.engine/live"] == {"state": "running"}
        assert kept["channel/car.engine/idle"] == {"state": "stopped"}
        (entry,) = kept["status/car.engine/live"]["entries"]
        assert entry["values"] == {"rpm": None, "oil": None}
        assert "status/car.engine/idle" not in kept


async def test_samples_become_updates(autojump_clock):
    async with Stage(LIVE).running() as stage:
        await stage.sample(rpm=800.4, oil=80.0)
        async with stage.heard(f"{NODE}/status/#") as got:
            await stage.sample(rpm=801.0)
            await stage.sample(rpm=801.4)
            await stage.sample(oil=81.0)
            await stage.sample(rpm=900.0)
        assert [m["entries"][0]["values"] for _, m, _ in got] == [
            {"rpm": 801, "oil": 80.0},
            {"rpm": 900, "oil": 81.0},
        ]
        assert [m["entries"][0]["seq"] for _, m, _ in got] == [3, 4]
        assert got[0][1]["entries"][0]["ts"].endswith("Z")


async def test_a_stream_is_started_and_stopped_over_topics(autojump_clock):
    async with Stage(LIVE, IDLE).running() as stage:
        async with stage.heard() as got:
            await stage.tell("throttle/car.engine/idle", {"action": "start"})
        said = [(topic, payload) for topic, payload, _ in got if not topic.startswith("throttle")]
        assert [topic for topic, _ in said] == ["channel/car.engine/idle", "status/car.engine/idle"]
        assert said[0][1] == {"state": "running"}
        async with stage.heard() as got:
            await stage.tell("throttle/car.engine/idle", {"action": "stop"})
        said = [(topic, payload) for topic, payload, _ in got if not topic.startswith("throttle")]
        assert said == [("status/car.engine/idle", b""), ("channel/car.engine/idle", {"state": "stopped"})]
        kept = await stage.kept()
        assert "status/car.engine/idle" not in kept
        assert kept["channel/car.engine/idle"] == {"state": "stopped"}


async def test_a_start_of_a_running_stream_is_acknowledged_by_its_state_alone(autojump_clock):
    async with Stage(LIVE).running() as stage, stage.heard() as got:
        await stage.tell("throttle/car.engine/live", {"action": "start"})
        await stage.settle()
        assert [(t, p) for t, p, _ in got if not t.startswith("throttle")] == [
            ("channel/car.engine/live", {"state": "running"})
        ]


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("throttle/car.engine/live", b"\xff", "cbor"),
        ("throttle/car.engine/live", {"action": "dance"}, "type"),
        ("throttle/car.engine/live", {}, "type"),
        ("throttle/car.engine/live", [1], "type"),
        ("throttle/car.engine/live", {"action": "start", "timeout": "soon"}, "type"),
        ("throttle/car.engine/live", {"action": "start", "timeout": True}, "type"),
        ("throttle/car.engine/live", {"action": "start", "timeout": -1}, "refused"),
        ("throttle/car.engine/live", {"action": "start", "consumer": 1}, "type"),
        ("throttle/car.engine/live", {"action": "start", "consumer": "a/+"}, "refused"),
        ("throttle/car.engine/other", {"action": "stop"}, "refused"),
        ("throttle/no.such", {"action": "stop"}, "refused"),
        ("throttle", {"action": "stop"}, "refused"),
        ("throttle/car.engine/live", b"\x81" * 70_000, "cbor"),
    ],
)
async def test_a_bad_request_to_start_or_stop_is_counted_and_changes_nothing(autojump_clock, topic, payload, reason):
    async with Stage(LIVE).running() as stage:
        async with stage.heard() as got:
            await stage.tell(topic, payload)
        assert [t for t, _, _ in got if not t.startswith("throttle")] == []
        assert stage.counted("rta_topic_input_refused_total", kind="throttle", reason=reason) == 1


async def test_a_retained_request_is_not_acted_on(autojump_clock):
    stage = Stage(LIVE)
    async with stage.other.connect("early"):
        await stage.tell("throttle/car.engine/live", {"action": "stop"}, retain=True)
        await stage.tell("command/stream.list", {}, retain=True)
    async with stage.running():
        kept = await stage.kept(f"{NODE}/channel/#")
        assert kept["channel/car.engine/live"] == {"state": "running"}
        assert stage.counted("rta_topic_input_refused_total", kind="throttle", reason="retained") == 1
        assert stage.counted("rta_topic_input_refused_total", kind="command", reason="retained") == 1


async def test_default_stands_for_the_stream_without_a_name(autojump_clock):
    async with Stage(StreamDefinition("car.engine", attributes={"rpm": Trigger.CHANGE})).running() as stage:
        await stage.tell("throttle/car.engine/default", {"action": "stop"})
        kept = await stage.kept()
        assert kept["channel/car.engine"] == {"state": "stopped"}
        assert "channel/car.engine/default" not in kept


async def test_a_flood_is_cut_off_and_counted(autojump_clock):
    async with Stage(LIVE).running() as stage:
        for _ in range(300):
            await stage.other.publish(f"{NODE}/throttle/car.engine/live", cbor2.dumps({"action": "start"}))
        await stage.settle()
        flood = stage.counted("rta_topic_input_refused_total", kind="throttle", reason="flood")
        assert 90 <= flood <= 100


async def test_after_a_reconnect_everything_is_announced_again(autojump_clock):
    async with Stage(LIVE, IDLE).running() as stage:
        await stage.sample(rpm=1.0, oil=2.0)
        stage.bus.cut()
        await stage.settle()
        assert (await stage.kept())["presence"] == "offline"
        assert not stage.health.healthy
        await stage.sample(rpm=5.0)
        async with stage.heard() as got:
            stage.bus.mend()
            await stage.settle()
        said = [(topic, payload) for topic, payload, _ in got]
        assert said[0] == ("presence", "online")
        assert [t for t, _ in said[1:3]] == ["channel/car.engine/idle", "channel/car.engine/live"]
        assert said[3] == ("status/car.engine/idle", b"")
        assert said[4][0] == "status/car.engine/live"
        assert said[4][1]["entries"][0]["values"] == {"rpm": 5, "oil": 2.0}
        assert len(said) == 5
        assert stage.health.healthy


async def test_what_is_retained_of_streams_that_are_gone_is_cleared(autojump_clock):
    stage = Stage(LIVE)
    async with stage.other.connect("early"):
        await stage.tell("channel/car.engine/old", {"state": "running"}, retain=True)
        await stage.tell("status/car.engine/old", {"entries": []}, retain=True)
        await stage.tell("channel/gone.status", {"state": "stopped"}, retain=True)
        await stage.tell("status/gone.status", {"entries": []}, retain=True)
    async with stage.running():
        assert set(await stage.kept()) == {"presence", "channel/car.engine/live", "status/car.engine/live"}


async def test_it_contradicts_who_says_that_it_is_offline(autojump_clock):
    async with Stage(LIVE).running() as stage:
        for _ in range(3):
            await stage.tell("presence", "offline", retain=True)
            await stage.settle()
        assert (await stage.kept())["presence"] == "offline"  # only so often
        await trio.sleep(10)
        await stage.tell("presence", "offline", retain=True)
        await stage.settle()
        assert (await stage.kept())["presence"] == "online"


async def test_a_first_update_that_waits_is_neither_announced_nor_repeated_before_all_is_known(autojump_clock):
    both = StreamDefinition(
        "car.engine", "live", attributes=dict.fromkeys(("rpm", "oil"), Trigger.CHANGE), first_known=True
    )
    async with Stage(both).running() as stage:
        await stage.sample(rpm=800)
        assert (await stage.kept()).keys() == {"presence", "channel/car.engine/live"}
        stage.bus.cut()
        await trio.sleep(1)
        stage.bus.mend()
        await stage.settle()
        assert (await stage.kept()).keys() == {"presence", "channel/car.engine/live"}
        async with stage.heard(f"{NODE}/status/#") as got:
            await stage.sample(oil=80)
            await stage.settle()
        [(_, status, _)] = got
        assert [(e["values"], e["seq"]) for e in status["entries"]] == [({"rpm": 800, "oil": 80}, 1)]


@pytest.mark.parametrize("payload", [b"", b"\xf6", cbor2.dumps({"state": "stopped"}), b"nonsense"])
async def test_it_contradicts_who_says_something_else_of_a_stream(autojump_clock, payload):
    async with Stage(LIVE).running() as stage:
        topic = f"{NODE}/channel/car.engine/live"
        await stage.other.publish(topic, payload, retain=True, qos=1)
        await trio.sleep(2)
        assert (await stage.kept())["channel/car.engine/live"] == {"state": "running"}
        await stage.other.publish(topic, payload, retain=True, qos=1)
        await trio.sleep(7)
        assert (await stage.kept()).get("channel/car.engine/live") != {"state": "running"}  # only so often
        await trio.sleep(5)
        assert (await stage.kept())["channel/car.engine/live"] == {"state": "running"}


async def test_its_own_states_that_come_back_are_not_taken_for_those_of_others(autojump_clock):
    async with Stage(LIVE).running() as stage:
        async with stage.other.subscribe(f"{NODE}/channel/#") as states:
            for action in ("stop", "start", "stop"):
                await stage.tell("throttle/car.engine/live", {"action": action})
            await trio.sleep(60)
            heard = []
            with trio.move_on_after(1):
                while True:
                    heard.append(cbor2.loads((await states.receive()).payload)["state"])
        assert heard == ["running", "stopped", "running", "stopped"]


async def test_the_third_time_it_contradicts_as_soon_as_it_may(autojump_clock):
    async with Stage(LIVE).running() as stage:
        for _ in range(3):
            await stage.tell("presence", "offline", retain=True)
        await trio.sleep(12)
        assert (await stage.kept())["presence"] == "online"


async def test_a_node_that_fails_is_offline(autojump_clock):
    stage = Stage(LIVE)

    async def fail() -> None:
        async with stage.other.connect("observer"), trio.open_nursery() as nursery:
            stage.node.configure([])
            await nursery.start(stage.node.run)
            await stage.settle()
            assert (await stage.kept())["presence"] == "online"
            raise ArithmeticError

    with pytest.raises(ExceptionGroup):
        await fail()
    async with stage.other.connect("observer"):
        assert (await stage.kept())["presence"] == "offline"


@pytest.mark.parametrize("consumer", ["a\x01b", "a\x7fb", "/".join("a" * 300), "x" * 201, "a b", "$a", "a//b"])
async def test_a_consumer_that_a_broker_might_take_amiss_is_refused(autojump_clock, consumer):
    async with Stage(LIVE).running() as stage:
        await stage.tell("throttle/car.engine/live", {"action": "start", "consumer": consumer})
        assert (await stage.node.streams.list())[0]["consumers"] == {}


async def test_text_that_is_no_unicode_is_sent_with_question_marks(autojump_clock):
    async with Stage(LIVE).running() as stage, stage.heard(f"{NODE}/status/#") as got:
        await stage.sample(rpm="a\ud800b", oil="ø")
        await stage.settle()
    assert got[-1][1]["entries"][0]["values"] == {"rpm": "a?b", "oil": "ø"}


async def test_a_start_before_there_is_a_connection_counts(autojump_clock):
    stage = Stage(LIVE, IDLE)
    stage.bus.cut()
    async with stage.running():
        await stage.node.streams.start("car.engine", "idle", Initiator("http"), timeout=60.0, consumer="tmc")
        await stage.node.streams.stop("car.engine", "live", Initiator("http"))
        await trio.sleep(5)
        stage.bus.mend()
        await stage.settle()
        kept = await stage.kept()
        assert kept["channel/car.engine/live"] == {"state": "stopped"}
        assert kept["channel/car.engine/idle"] == {"state": "running"}
        assert kept["status/car.engine/idle"]["entries"][0]["values"] == {"rpm": None}
        idle, _ = await stage.node.streams.list()
        assert idle["prune_at"] is not None
        assert list(idle["consumers"]) == ["tmc"]


async def test_a_stream_that_was_started_anew_before_the_connection_says_what_is_so_then(autojump_clock):
    stage = Stage(LIVE)
    stage.bus.cut()
    async with stage.running():
        await stage.sample(rpm=1.0, oil=2.0)
        await stage.node.streams.stop("car.engine", "live", Initiator("http"))
        await stage.node.streams.start("car.engine", "live", Initiator("http"))
        stage.bus.mend()
        await stage.settle()
        (entry,) = (await stage.kept())["status/car.engine/live"]["entries"]
        assert entry["values"] == {"rpm": 1, "oil": 2.0}


async def test_the_first_connection_gets_the_first_event_however_late(autojump_clock):
    stage = Stage(LIVE)
    stage.bus.cut()
    async with stage.running():
        await trio.sleep(30)
        stage.bus.mend()
        await stage.settle()
        assert (await stage.kept())["status/car.engine/live"]["entries"][0]["seq"] == 1


@pytest.mark.parametrize("days", [30, -30])
async def test_a_clock_that_is_set_is_not_played_through(autojump_clock, days):
    minute = StreamDefinition("car.engine", "live", attributes={"rpm": Trigger.CHANGE}, update=Ns(60 * SECOND))
    async with Stage(minute).running() as stage, stage.heard(f"{NODE}/status/#") as got:
        stage.back = -days * 86400 * SECOND
        await trio.sleep(125)
        assert len(got) <= 4


async def test_another_session_with_a_clock_of_its_own_is_not_played_through(autojump_clock):
    hourly = StreamDefinition("car.engine", "live", aggregates={"rpm": (Aggregate.SUM,)}, update=Ns(3600 * SECOND))
    async with Stage(hourly).running() as stage, stage.heard(f"{NODE}/status/#") as got:
        years_ago = StreamClock(Ns(stage.clock() - 10 * 365 * 86400 * SECOND), Ns(stage.clock()), Fraction(3600))
        await stage.send.send(ClockChanged("car.engine", years_ago))
        await trio.sleep(3)
        await stage.send.send(ClockChanged("car.engine", LIVE_TIME))
        await trio.sleep(3)
        assert len(got) <= 4


async def test_nothing_is_said_behind_the_goodbye(autojump_clock):
    async with Stage(LIVE).running() as stage:
        async with stage.heard() as got:
            stage.node.stop()
            for value in range(10):
                await stage.send.send(Sampled("car.engine", [Sample(Ns(stage.clock()), "rpm", PLAIN, float(value))]))
            await stage.settle()
        assert got[-1][:2] == ("presence", "shutdown")


async def test_what_is_dropped_in_a_flood_is_counted(autojump_clock):
    async with Stage(LIVE).running() as stage:
        for _ in range(5000):
            stage.other.send(f"{NODE}/throttle/car.engine/live", cbor2.dumps({"action": "start"}))
        await trio.sleep(3)
        await stage.tell("throttle/car.engine/live", {"action": "start"})
        started = 201
        dropped = stage.counted("rta_topic_input_refused_total", kind="any", reason="flood")
        refused = stage.counted("rta_topic_input_refused_total", kind="throttle", reason="flood")
        assert dropped + refused == 5001 - started


async def test_a_shutdown_sends_what_is_collected_and_says_so(autojump_clock):
    batching = StreamDefinition("car.engine", "live", attributes={"rpm": Trigger.CHANGE}, batch=Ns(60 * SECOND))
    async with Stage(batching).running() as stage:
        await stage.sample(rpm=1.0)
        await stage.sample(rpm=2.0)
        async with stage.heard() as got:
            stage.node.stop()
            await stage.settle()
        assert [t for t, _, _ in got] == ["status/car.engine/live", "presence"]
        assert [e["values"]["rpm"] for e in got[0][1]["entries"]] == [1, 2]
        assert got[1][1] == "shutdown"


async def test_a_clock_that_is_set_back_begins_anew(autojump_clock):
    async with Stage(LIVE).running() as stage:
        await stage.sample(rpm=1.0)
        stage.back = 3600 * SECOND
        await trio.sleep(2)
        async with stage.heard(f"{NODE}/status/#") as got:
            await stage.sample(rpm=7.0)
        assert [m["entries"][0]["values"]["rpm"] for _, m, _ in got] == [7]


class TestPruning:
    async def test_a_stream_stops_when_its_time_is_over(self, autojump_clock):
        stream = StreamDefinition("car.engine", "live", prune=Prune(timeout=Ns(60 * SECOND)))
        async with Stage(stream).running() as stage:
            await trio.sleep(58)
            assert (await stage.kept())["channel/car.engine/live"] == {"state": "running"}
            await trio.sleep(4)
            assert (await stage.kept())["channel/car.engine/live"] == {"state": "stopped"}
            (listed,) = await stage.node.streams.list()
            assert listed["stopped_by"] == "pruning (timeout)"

    async def test_starting_again_renews_it_and_brings_its_own_timeout(self, autojump_clock):
        stream = StreamDefinition("car.engine", "live", prune=Prune(timeout=Ns(60 * SECOND)))
        async with Stage(stream).running() as stage:
            await trio.sleep(50)
            await stage.tell("throttle/car.engine/live", {"action": "start", "timeout": 100})
            await trio.sleep(97)
            assert (await stage.kept())["channel/car.engine/live"] == {"state": "running"}
            await trio.sleep(6)
            assert (await stage.kept())["channel/car.engine/live"] == {"state": "stopped"}

    async def test_a_stream_stops_when_its_consumers_have_been_away_for_the_grace(self, autojump_clock):
        stream = StreamDefinition("car.engine", "live", prune=Prune(consumers=("tmc", "sup"), grace=Ns(10 * SECOND)))
        async with Stage(stream).running() as stage:
            for who in ("tmc", "sup"):
                await stage.other.publish(f"{who}/presence", cbor2.dumps("online"), retain=True)
            await trio.sleep(60)
            await stage.other.publish("tmc/presence", cbor2.dumps("offline"), retain=True)
            await trio.sleep(60)
            assert (await stage.kept())["channel/car.engine/live"] == {"state": "running"}
            await stage.other.publish("sup/presence", cbor2.dumps("shutdown"), retain=True)
            await trio.sleep(8)
            assert (await stage.kept())["channel/car.engine/live"] == {"state": "running"}
            await trio.sleep(4)
            assert (await stage.kept())["channel/car.engine/live"] == {"state": "stopped"}
            assert (await stage.node.streams.list())[0]["stopped_by"] == "pruning (consumers gone)"

    async def test_one_that_is_there_before_us_is_there(self, autojump_clock):
        stage = Stage(StreamDefinition("car.engine", "live", prune=Prune(consumers=("tmc",), grace=Ns(0))))
        async with stage.other.connect("early"):
            await stage.other.publish("tmc/presence", cbor2.dumps("online"), retain=True)
        async with stage.running():
            for _ in range(3):
                await trio.sleep(5)
                assert (await stage.node.streams.list())[0]["state"] == "running"
                stage.bus.cut()
                await stage.settle()
                stage.bus.mend()

    async def test_a_renewal_without_a_timeout_keeps_that_of_the_start(self, autojump_clock):
        async with Stage(IDLE).running() as stage:
            await stage.tell("throttle/car.engine/idle", {"action": "start", "timeout": 60})
            await trio.sleep(50)
            await stage.tell("throttle/car.engine/idle", {"action": "start"})
            await trio.sleep(50)
            assert (await stage.node.streams.list())[0]["state"] == "running"
            await trio.sleep(15)
            assert (await stage.node.streams.list())[0]["state"] == "stopped"

    async def test_one_that_never_came_is_away(self, autojump_clock):
        stream = StreamDefinition("car.engine", "live", prune=Prune(consumers=("tmc",), grace=Ns(0)))
        async with Stage(stream).running() as stage:
            await trio.sleep(3)
            assert (await stage.kept())["channel/car.engine/live"] == {"state": "stopped"}

    async def test_who_starts_a_stream_is_one_it_is_for(self, autojump_clock):
        async with Stage(IDLE).running() as stage:
            await stage.other.publish("tmc/presence", cbor2.dumps("online"), retain=True)
            await stage.tell("throttle/car.engine/idle", {"action": "start", "consumer": "tmc"})
            await trio.sleep(100)
            (listed,) = await stage.node.streams.list()
            assert listed["consumers"] == {"tmc": "online"}
            assert listed["started_by"] == "topic (tmc)"
            assert listed["state"] == "running"
            await stage.other.publish("tmc/presence", cbor2.dumps("offline"), retain=True)
            await trio.sleep(58)
            assert (await stage.node.streams.list())[0]["state"] == "running"
            await trio.sleep(4)
            assert (await stage.node.streams.list())[0]["state"] == "stopped"

    async def test_the_grace_begins_anew_after_our_own_reconnect(self, autojump_clock):
        stream = StreamDefinition("car.engine", "live", prune=Prune(consumers=("tmc",), grace=Ns(10 * SECOND)))
        async with Stage(stream).running() as stage:
            await trio.sleep(8)
            stage.bus.cut()
            await trio.sleep(100)
            stage.bus.mend()
            await trio.sleep(8)
            assert (await stage.node.streams.list())[0]["state"] == "running"
            await trio.sleep(4)
            assert (await stage.node.streams.list())[0]["state"] == "stopped"
