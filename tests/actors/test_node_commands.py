"""Commands over topics: answers, administration, what survives a restart, and what is kept of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from attrs import define
from structlog.testing import capture_logs
from trio.testing import MockClock

from rta.errors import RtaError
from rta.node.node_stream import Initiator, Refused
from rta.ports import option
from rta.ports.command import Call, Command
from rta.stream.definition import StreamDefinition, Trigger
from rta.testing.patience import until

from .node_stage import NODE, Stage

LIVE = StreamDefinition("car.engine", "live", attributes={"rpm": Trigger.CHANGE, "oil": Trigger.ALONG})


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


@pytest.fixture
def administered(tmp_path):
    return Stage(LIVE, state_dir=tmp_path / "state", administration=True)


async def ask(stage: Stage, code: str, values: Any, sender: str = "tmc") -> dict[str, Any]:
    """The one answer to a command."""
    async with stage.heard(f"{sender}/result/{code}") as got:
        await stage.tell(f"command/{code}", values, response_topic=f"{sender}/result/{code}", correlation=b"42")
        await until(lambda: bool(got), 10, f"the answer to {code}")
    ((_, result, message),) = got
    assert message.correlation == b"42"
    assert isinstance(result, dict)
    return result


async def test_streams_are_listed_with_settings_state_and_reason(autojump_clock):
    async with Stage(LIVE).running() as stage:
        await stage.tell("throttle/car.engine/live", {"action": "start", "consumer": "tmc", "timeout": 600})
        result = await ask(stage, "stream.list", {"values": {}})
        assert result["status"] == "ok"
        (stream,) = result["values"]["streams"]
        assert stream["code"] == "car.engine"
        assert stream["name"] == "live"
        assert stream["attributes"] == {"rpm": "change", "oil": "along"}
        assert stream["update"] == "off"
        assert stream["state"] == "running"
        assert stream["seq"] == 1
        assert stream["since"].endswith("Z")
        assert stream["started_by"] == "topic (tmc)"
        assert stream["prune_at"] is not None
        assert stream["consumers"] == {"tmc": "unknown"}
        assert stream["messages_per_second"] > 0
        assert stream["bytes_per_second"] > 0
        assert "next" not in result["values"]


async def test_a_long_list_comes_in_pages(autojump_clock):
    streams = [StreamDefinition("car.engine", f"s{i:03}", description="x" * 500) for i in range(200)]
    async with Stage(*streams).running() as stage:
        names, start, pages = [], 0, 0
        while start is not None:
            values = (await ask(stage, "stream.list", {"from": start}))["values"]
            names += [s["name"] for s in values["streams"]]
            start, pages = values.get("next"), pages + 1
        assert names == [s.name for s in streams]
        assert pages > 1


@pytest.mark.parametrize(
    ("code", "values", "field"),
    [
        ("stream.list", {"code": "no.such"}, "code"),
        ("stream.list", {"code": "car.engine", "stream": "no"}, "name"),
        ("stream.list", {"stream": "live"}, "stream"),
        ("stream.list", {"from": -1}, "from"),
        ("stream.list", {"colour": 1}, "colour"),
        ("stream.list", {"values": 3}, "values"),
        ("stream.list", {"component": "sg/1"}, "component"),
        ("stream.add", {"code": "no.such", "name": "x"}, "code"),
        ("stream.add", {"name": "x"}, "code"),
        ("stream.add", {"code": "car.engine", "name": "live"}, "name"),
        ("stream.add", {"code": "car.engine"}, "name"),
        ("stream.add", {"code": "car.engine", "name": "x", "delta": "soon"}, "delta"),
        ("stream.add", {"code": "car.engine", "name": "x", "prune": {"timeout": "never"}}, "prune.timeout"),
        ("stream.add", {"code": "car.engine", "name": "x", "aggregate": {"rpm": ["avg"]}, "update": "7s"}, "update"),
        ("stream.add", {"code": "car.engine", "name": "x", "attributes": {"speed": "change"}}, "attributes.speed"),
        ("stream.edit", {"code": "car.engine", "name": "no", "qos": 1}, "name"),
        ("stream.edit", {"code": "car.engine", "name": "live", "qos": 2}, "qos"),
        ("stream.remove", {"code": "car.engine", "name": "live", "qos": 1}, "qos"),
        ("stream.remove", {"code": "car.engine", "name": "no"}, "name"),
    ],
)
async def test_what_is_wrong_is_refused_with_the_field_named(autojump_clock, administered, code, values, field):
    async with administered.running() as stage:
        before = await stage.node.streams.list()
        result = await ask(stage, code, values)
        assert result["status"] == "error"
        assert result["values"] == {"field": field}
        assert result["reason"].startswith(f"{field}: ")
        assert [s["name"] for s in await stage.node.streams.list()] == [s["name"] for s in before]


async def test_an_added_stream_runs_and_is_announced(autojump_clock, administered):
    async with administered.running() as stage:
        result = await ask(stage, "stream.add", {"code": "car/engine", "name": "new", "update": "10s", "qos": 1})
        assert result["values"]["name"] == "new"
        assert result["values"]["update"] == "10s"
        kept = await stage.kept()
        assert kept["channel/car.engine/new"] == {"state": "running"}
        assert kept["status/car.engine/new"]["entries"][0]["seq"] == 1


async def test_an_edited_stream_starts_anew_for_the_same_reason(autojump_clock, administered):
    async with administered.running() as stage:
        await stage.tell("throttle/car.engine/live", {"action": "start", "consumer": "tmc"})
        result = await ask(stage, "stream.edit", {"code": "car.engine", "name": "live", "update": "10s"})
        assert result["values"]["update"] == "10s"
        assert result["values"]["started_by"] == "topic (tmc)"
        assert (await stage.kept())["status/car.engine/live"]["entries"][0]["seq"] == 1


async def test_another_description_disturbs_nothing(autojump_clock, administered):
    async with administered.running() as stage:
        async with stage.heard(f"{NODE}/status/#") as got:
            result = await ask(stage, "stream.edit", {"code": "car.engine", "name": "live", "description": "new"})
        assert result["values"]["description"] == "new"
        assert got == []


async def test_null_is_the_default(autojump_clock, administered):
    async with administered.running() as stage:
        await ask(stage, "stream.edit", {"code": "car.engine", "name": "live", "update": "10s"})
        result = await ask(stage, "stream.edit", {"code": "car.engine", "name": "live", "update": None})
        assert result["values"]["update"] == "1min"


async def test_of_a_removed_stream_nothing_stays(autojump_clock, administered):
    async with administered.running() as stage:
        assert await ask(stage, "stream.remove", {"code": "car.engine", "name": "live"}) == {"status": "ok"}
        assert set(await stage.kept()) == {"presence"}


async def test_changes_survive_a_restart(autojump_clock, administered, tmp_path):
    async with administered.running() as stage:
        await ask(stage, "stream.add", {"code": "car.engine", "name": "new", "update": "10s"})
        await ask(stage, "stream.add", {"code": "car.engine", "name": "gone"})
        await ask(stage, "stream.remove", {"code": "car.engine", "name": "gone"})
        await ask(stage, "stream.edit", {"code": "car.engine", "name": "new", "update": "20s"})
        await ask(stage, "stream.edit", {"code": "car.engine", "name": "live", "batch": "2s", "qos": 1})
    other = StreamDefinition("car.engine", "live", description="reworded", attributes={"rpm": Trigger.CHANGE})
    async with Stage(other, state_dir=tmp_path / "state").running() as again:
        live, new = await again.node.streams.list()
        assert (live["batch"], live["qos"], live["description"]) == ("2s", 1, "reworded")
        assert live["attributes"] == {"rpm": "change"}
        assert new["update"] == "20s"
        assert new["state"] == "running"


async def test_a_configured_stream_that_was_removed_stays_away(autojump_clock, administered, tmp_path):
    async with administered.running() as stage:
        await ask(stage, "stream.remove", {"code": "car.engine", "name": "live"})
    async with Stage(LIVE, state_dir=tmp_path / "state", administration=True).running() as again:
        assert await again.node.streams.list() == []
        await ask(again, "stream.add", {"code": "car.engine", "name": "live", "update": "3s"})
    async with Stage(LIVE, state_dir=tmp_path / "state").running() as again:
        assert [s["update"] for s in await again.node.streams.list()] == ["3s"]


async def test_a_removed_stream_that_was_added_in_between_stays_away(autojump_clock, administered, tmp_path):
    async with administered.running() as stage:
        for code in ("stream.remove", "stream.add", "stream.remove"):
            assert (await ask(stage, code, {"code": "car.engine", "name": "live"}))["status"] == "ok"
    async with Stage(LIVE, state_dir=tmp_path / "state").running() as again:
        assert await again.node.streams.list() == []


async def test_what_was_removed_makes_room_for_what_was_added_after_a_restart_too(
    autojump_clock, administered, tmp_path
):
    async with administered.running() as stage:
        await ask(stage, "stream.remove", {"code": "car.engine", "name": "live"})
        assert (await ask(stage, "stream.add", {"code": "car.engine", "update": "3s"}))["status"] == "ok"
    async with Stage(LIVE, state_dir=tmp_path / "state").running() as again:
        assert [(s["name"], s["update"]) for s in await again.node.streams.list()] == [("", "3s")]


async def test_a_stream_takes_the_place_of_a_change_that_had_no_effect(autojump_clock, administered, tmp_path):
    async with administered.running() as stage:
        await ask(stage, "stream.edit", {"code": "car.engine", "name": "live", "qos": 1})
    other = StreamDefinition("car.engine", "other")
    async with Stage(other, state_dir=tmp_path / "state", administration=True).running() as again:
        await ask(again, "stream.add", {"code": "car.engine", "name": "live", "update": "3s"})
    async with Stage(other, state_dir=tmp_path / "state").running() as again:
        assert [(s["name"], s["update"], s["qos"]) for s in await again.node.streams.list()] == [
            ("live", "3s", 0),
            ("other", "off", 0),
        ]


async def test_what_has_been_configured_since_is_edited_and_removed_as_such(autojump_clock, tmp_path):
    async with Stage(state_dir=tmp_path / "state", administration=True).running() as stage:
        await ask(stage, "stream.add", {"code": "car.engine", "name": "live", "update": "3s"})
    async with Stage(LIVE, state_dir=tmp_path / "state", administration=True).running() as again:
        assert [s["update"] for s in await again.node.streams.list()] == ["off"]
        await ask(again, "stream.edit", {"code": "car.engine", "name": "live", "qos": 1})
    async with Stage(LIVE, state_dir=tmp_path / "state", administration=True).running() as again:
        assert [(s["update"], s["qos"]) for s in await again.node.streams.list()] == [("off", 1)]
        await ask(again, "stream.remove", {"code": "car.engine", "name": "live"})
    async with Stage(LIVE, state_dir=tmp_path / "state").running() as again:
        assert await again.node.streams.list() == []


async def test_a_null_for_what_is_no_setting_is_refused(autojump_clock, administered):
    async with administered.running() as stage:
        result = await ask(stage, "stream.edit", {"code": "car.engine", "name": "live", "bogus": None})
        assert result["values"] == {"field": "bogus"}


async def test_a_node_that_has_ended_does_nothing_any_more(autojump_clock, administered):
    async with administered.running() as stage:
        stage.node.stop()
        await stage.node.ended()
        with pytest.raises(Refused, match="shutting down"):
            await stage.node.streams.stop("car.engine", "live", Initiator("http"))


async def test_a_change_that_no_longer_fits_is_left_out_and_kept(autojump_clock, administered, tmp_path):
    async with administered.running() as stage:
        await ask(stage, "stream.edit", {"code": "car.engine", "name": "live", "qos": 1})
    other = StreamDefinition("car.engine", "other")
    async with Stage(other, state_dir=tmp_path / "state").running() as again:
        assert [s["name"] for s in await again.node.streams.list()] == ["other"]
    async with Stage(LIVE, state_dir=tmp_path / "state").running() as again:
        assert [s["qos"] for s in await again.node.streams.list()] == [1]


CHANGED = {"version": 1, "streams": [{"code": "car.engine", "name": "live", "change": "edit", "fields": {"qos": 1}}]}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "\0" * 100,
        "[" * 100_000,
        "{" + " " * (17 << 20) + "}",
        json.dumps({**CHANGED, "version": 2}),
        json.dumps({**CHANGED, "streams": [{**CHANGED["streams"][0], "change": "hide"}]}),
        json.dumps({**CHANGED, "streams": [{**CHANGED["streams"][0], "fields": dict.fromkeys(map(str, range(101)))}]}),
    ],
    ids=range(9),
)
async def test_a_damaged_file_of_changes_is_set_aside_and_streams_are_as_configured(autojump_clock, tmp_path, content):
    (tmp_path / "streams.json").write_text(content)
    async with Stage(LIVE, state_dir=tmp_path, administration=True).running() as stage:
        assert [s["qos"] for s in await stage.node.streams.list()] == [0]
        assert "streams.json was damaged" in stage.health.notes[0]
        assert stage.health.healthy
        await ask(stage, "stream.edit", {"code": "car.engine", "name": "live", "qos": 1})
    (aside,) = tmp_path.glob("streams.json.damaged-*")
    assert aside.read_text() == content
    async with Stage(LIVE, state_dir=tmp_path).running() as again:
        assert [s["qos"] for s in await again.node.streams.list()] == [1]
        assert again.health.notes == []


async def test_more_streams_than_a_node_may_have_are_left_out_and_said_in_few_lines(
    autojump_clock, tmp_path, monkeypatch
):
    monkeypatch.setattr("rta.node.administration._STREAMS", 5)
    added = [{"code": "car.engine", "name": f"n{i}", "change": "add", "fields": {}} for i in range(100)]
    (tmp_path / "streams.json").write_text(json.dumps({"version": 1, "streams": added}))
    with capture_logs() as logs:
        async with Stage(LIVE, state_dir=tmp_path).running() as stage:
            assert len(await stage.node.streams.list()) == 5
    assert len([line for line in logs if "no longer fit" in line["event"]]) == 21
    assert [line["count"] for line in logs if line["event"] == "more changes of streams no longer fit"] == [76]


async def test_changes_that_a_person_or_an_earlier_version_has_written_are_read(autojump_clock, tmp_path):
    (tmp_path / "streams.json").write_text(json.dumps(CHANGED))
    async with Stage(LIVE, state_dir=tmp_path).running() as stage:
        assert [s["qos"] for s in await stage.node.streams.list()] == [1]


@pytest.mark.parametrize(
    ("state_dir", "administration", "why"),
    [(True, False, "administration is not allowed"), (False, True, "there is no state directory")],
)
async def test_where_it_is_not_allowed_all_administration_is_refused(
    autojump_clock, tmp_path, state_dir, administration, why
):
    folder = tmp_path if state_dir else None
    async with Stage(LIVE, state_dir=folder, administration=administration).running() as stage:
        for code in ("stream.add", "stream.edit", "stream.remove"):
            result = await ask(stage, code, {"code": "car.engine", "name": "live"})
            assert result["status"] == "error"
            assert why in result["reason"]
        assert not (tmp_path / "streams.json").exists()


async def test_a_change_that_cannot_be_kept_is_not_made(autojump_clock, tmp_path):
    async with Stage(LIVE, state_dir=tmp_path / "state", administration=True).running() as stage:
        (tmp_path / "state").write_text("in the way")
        result = await ask(stage, "stream.remove", {"code": "car.engine", "name": "live"})
        assert "cannot be kept" in result["reason"]
        assert len(await stage.node.streams.list()) == 1


class TestAnswers:
    async def test_without_a_response_topic_the_answer_goes_to_the_nodes_own(self, autojump_clock):
        async with Stage(LIVE).running() as stage:
            async with stage.heard(f"{NODE}/result/#") as got:
                await stage.tell("command/stream.list", {"values": {}})
            ((topic, result, _),) = got
            assert topic == "result/stream.list"
            assert result["status"] == "ok"

    @pytest.mark.parametrize(
        "topic",
        ["tmc/result/other", "tmc/history/stream.list", "result/stream.list", "$SYS/result/stream.list", "stream.list"],
    )
    async def test_an_answer_goes_nowhere_else(self, autojump_clock, topic):
        async with Stage(LIVE).running() as stage:
            async with stage.heard("#") as got:
                await stage.tell("command/stream.list", {}, response_topic=topic)
            assert [t for t, _, _ in got] == ["command/stream.list"]
            assert stage.counted("rta_topic_input_refused_total", kind="command", reason="response_topic") == 1

    @pytest.mark.parametrize("more", ["/", "/default", "/x", "/x/y"])
    async def test_a_command_is_one_level(self, autojump_clock, administered, more):
        """A broker's access control denies administration by the exact topic."""
        async with administered.running() as stage:
            await stage.tell(f"command/stream.add{more}", {"code": "car.engine", "name": "x"})
            assert [s["name"] for s in await stage.node.streams.list()] == ["live"]
            assert stage.counted("rta_topic_input_refused_total", kind="unknown", reason="topic") == 1

    async def test_an_answer_to_somebody_of_300_levels_is_none(self, autojump_clock):
        async with Stage(LIVE).running() as stage:
            await stage.tell("command/stream.list", {}, response_topic="/".join("a" * 300) + "/result/stream.list")
            assert stage.counted("rta_topic_input_refused_total", kind="command", reason="response_topic") == 1

    async def test_an_unknown_command_is_answered(self, autojump_clock):
        async with Stage(LIVE).running() as stage:
            result = await ask(stage, "no.such", {})
            assert result["status"] == "error"
            assert result["reason"].startswith("there is no command 'no.such'; there are: ")
            assert "stream.list" in result["reason"]

    @pytest.mark.parametrize("payload", [b"\xff", b"\x83\x01", b"\x81" * 50, b"\xa1\x01" * 40_000])
    async def test_a_payload_that_is_no_cbor_is_answered(self, autojump_clock, payload):
        async with Stage(LIVE).running() as stage:
            assert (await ask(stage, "stream.list", payload))["status"] == "error"

    async def test_over_the_limit_there_is_an_error_for_an_answer(self, autojump_clock):
        async with Stage(LIVE).running() as stage, stage.heard("tmc/result/#") as got:
            for _ in range(220):
                await stage.other.publish(
                    f"{NODE}/command/no.such", b"", qos=1, response_topic="tmc/result/no.such", correlation=b"1"
                )
            await stage.settle()
            reasons = [result["reason"] for _, result, _ in got]
            assert len(reasons) == 220
            assert sum("too many" in r for r in reasons) >= 15

    async def test_an_answer_that_the_connection_lost_is_given_after_the_reconnect(self, autojump_clock):
        waiting = trio.Event()

        async def slow(call: Call) -> None:
            await waiting.wait()

        stage = Stage(LIVE)
        stage.commands = [Command("slow.one", slow, dict)]
        async with stage.running(), stage.heard("tmc/result/#") as got:
            await stage.tell("command/slow.one", {}, response_topic="tmc/result/slow.one")
            stage.bus.cut()
            waiting.set()
            await stage.settle()
            stage.bus.mend()
            await stage.settle()
            assert [result for _, result, _ in got] == [{"status": "ok"}]


@define
class Dim:
    """Parameters of a command."""

    level: int = option("0 to 100.")


class TestPlugIns:
    @pytest.fixture
    def calls(self):
        return []

    @pytest.fixture
    def lamps(self, calls):
        async def dim(call: Call) -> dict[str, Any]:
            if call.parameters.level > 100:
                raise RtaError("there is no such level")
            calls.append(call)
            return {"level": call.parameters.level}

        async def broken(call: Call) -> None:
            raise ZeroDivisionError

        async def strange(call: Call) -> dict[str, Any]:
            return {"x": object()}

        stage = Stage(LIVE)
        stage.commands = [
            Command("sg.strange", strange, dict),
            Command("sg.dim", dim, Dim, components=("sg/1", "sg/2", "sg/3", "dl/1")),
            Command("sg.broken", broken, dict),
        ]
        return stage

    async def test_a_call_is_checked_and_carried_out(self, autojump_clock, lamps, calls):
        async with lamps.running() as stage:
            result = await ask(stage, "sg.dim", {"component": "sg/2-3", "values": {"level": 7}})
            assert result == {"status": "ok", "values": {"level": 7}}
            (call,) = calls
            assert call.parameters == Dim(7)
            assert call.components == ["sg/2", "sg/3"]
            assert call.sender == "tmc"

    async def test_values_may_come_without_their_name(self, autojump_clock, lamps, calls):
        async with lamps.running() as stage:
            await ask(stage, "sg.dim", {"component": ["sg", "dl/1"], "level": 7})
            assert calls[0].components == ["sg/1", "sg/2", "sg/3", "dl/1"]

    @pytest.mark.parametrize(
        ("message", "field"),
        [
            ({"values": {}}, "level"),
            ({"values": {"level": "high"}}, "level"),
            ({"values": {"level": 1, "colour": 2}}, "colour"),
            ({"component": "sg/9", "values": {"level": 1}}, "component"),
            ({"component": 7, "values": {"level": 1}}, "component"),
        ],
    )
    async def test_a_wrong_call_is_refused_with_the_field_named(self, autojump_clock, lamps, calls, message, field):
        async with lamps.running() as stage:
            result = await ask(stage, "sg.dim", message)
            assert result["values"] == {"field": field}
            assert calls == []

    async def test_a_command_says_why_it_cannot(self, autojump_clock, lamps):
        async with lamps.running() as stage:
            result = await ask(stage, "sg.dim", {"level": 101})
            assert result == {"status": "error", "reason": "there is no such level"}

    async def test_a_fault_of_a_plug_in_is_an_answer_too(self, autojump_clock, lamps):
        async with lamps.running() as stage:
            assert "it has failed" in (await ask(stage, "sg.broken", {}))["reason"]
            assert "it has failed" in (await ask(stage, "sg.strange", {}))["reason"]
            assert (await ask(stage, "stream.list", {}))["status"] == "ok"


async def test_everything_that_was_asked_for_is_in_the_audit_file(autojump_clock, administered, tmp_path):
    async with administered.running() as stage:
        await stage.tell("throttle/car.engine/live", {"action": "start", "consumer": "tmc"})
        await stage.tell("throttle/car.engine/none", {"action": "stop"})
        await ask(stage, "stream.edit", {"code": "car.engine", "name": "live", "qos": 1}, sender="dk/boss")
    lines = [json.loads(line) for line in (tmp_path / "state" / "audit.jsonl").read_text().splitlines()]
    assert [(r["what"], r["via"], r["who"], r["outcome"].split(":")[0]) for r in lines] == [
        ("start", "topic", "tmc", "ok"),
        ("stop", "topic", "", "refused"),
        ("edit", "topic", "dk/boss", "ok"),
        ("command", "topic", "dk/boss", "ok"),
    ]
    assert lines[2]["fields"] == {"qos": 1}
