"""A node on a real broker, from the command line: what it says, and what becomes of it when one of them dies."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from observer import observing
from program import Program, wait_until

NODE = """
[site]
node = "dk/tlc"
grace = "100ms"
state_dir = "state"
administration = true

[edge]
port = 0

[topics]
transport = "mqtt"
host = "127.0.0.1"
port = {port}
keep_alive = "{keep_alive}"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"

[[status]]
code = "car.run"
attributes.speed = {{ from = "parameter:Speed", round = 0 }}
attributes.gear = {{ from = "parameter:Gear" }}

[[status.stream]]
name = "live"
qos = 1
min_interval = "500ms"

[[status.stream]]
name = "idle"
default = "off"
{more}
"""

SPEED = "dk/tlc/status/car.run/live"


def configured(port: int, keep_alive: str = "5s", more: str = "") -> str:
    return NODE.format(port=port, keep_alive=keep_alive, more=more)


def picture(port: int) -> dict[str, Any]:
    """What is retained, as one who comes now sees it."""
    with observing(port, "dk/tlc/#") as observer:
        observer.tell("end", None, retain=False)
        return dict(observer.retained)


def is_right(port: int) -> bool:
    seen = picture(port)
    status = seen.pop(SPEED, {"entries": [{"values": {}}]})["entries"][-1]["values"]
    return set(status) == {"speed", "gear"} and seen == {
        "dk/tlc/presence": "online",
        "dk/tlc/channel/car.run/live": {"state": "running"},
        "dk/tlc/channel/car.run/idle": {"state": "stopped"},
    }


def becomes_right(port: int) -> None:
    wait_until(lambda: is_right(port), f"the right picture, not {picture(port)}")


def unhealthy(program: Program, text: str) -> None:
    wait_until(lambda: text in program.health, f"{text!r} in /health")


@pytest.fixture
def node(start, site, own_mosquitto) -> Program:
    """A node that runs, with the right picture."""
    program = start("run", "--config", site(configured(own_mosquitto.port)))
    becomes_right(own_mosquitto.port)
    return program


def test_a_stream_is_started_and_stopped_and_commands_are_answered(node, own_mosquitto):
    with observing(own_mosquitto.port) as observer:
        observer.tell("dk/tlc/throttle/car.run/idle", {"action": "start", "consumer": "tmc"})
        observer.sees("dk/tlc/channel/car.run/idle", {"state": "running"})
        observer.tell("dk/tlc/command/stream.list", {"values": {}}, answer="tmc/result/stream.list")
        wait_until(lambda: observer.answers, "the list")
        answer, correlation = observer.answers[0]
        assert correlation == b"q"
        listed = {s["name"]: s for s in answer["values"]["streams"]}
        assert listed["idle"]["started_by"] == "topic (tmc)"
        observer.tell("dk/tlc/throttle/car.run/idle", {"action": "stop"})
        observer.sees("dk/tlc/channel/car.run/idle", {"state": "stopped"})
        observer.sees("dk/tlc/status/car.run/idle", None)
        first, *_ = observer.said("dk/tlc/status/car.run/idle")
        assert first["entries"][0]["seq"] == 1
    assert is_right(own_mosquitto.port)


def test_a_stopped_node_says_goodbye(node, own_mosquitto):
    with observing(own_mosquitto.port) as observer:
        node.signal(signal.SIGTERM)
        assert node.ends() == 0
        observer.sees("dk/tlc/presence", "shutdown")
        assert observer.said("dk/tlc/presence") == ["shutdown"]
        assert json.loads("[" + ",".join(node.err.splitlines()) + "]")[-1]["event"] == "stopped"


def test_a_killed_node_is_offline_and_back_after_a_restart(node, start, site, own_mosquitto):
    with observing(own_mosquitto.port) as observer:
        observer.tell("dk/tlc/throttle/car.run/idle", {"action": "start"})
        observer.sees("dk/tlc/channel/car.run/idle", {"state": "running"})
        node.kill()
        observer.sees("dk/tlc/presence", "offline")
    start("run", "--config", site(configured(own_mosquitto.port)))
    becomes_right(own_mosquitto.port)


def test_what_is_no_longer_configured_is_cleared(node, start, site, own_mosquitto):
    node.kill()
    more = '[[status.stream]]\nname = "more"'
    program = start("run", "--config", site(configured(own_mosquitto.port, more=more)))
    with observing(own_mosquitto.port) as observer:
        observer.sees("dk/tlc/channel/car.run/more", {"state": "running"})
    program.kill()
    start("run", "--config", site(configured(own_mosquitto.port)))
    becomes_right(own_mosquitto.port)


def test_a_broker_that_was_killed_and_has_forgotten_everything(node, own_mosquitto):
    own_mosquitto.kill()
    unhealthy(node, "topics: 127.0.0.1")
    own_mosquitto.start()
    becomes_right(own_mosquitto.port)
    node.until(lambda: node.health == "Healthy", "health")


def test_a_broker_that_dies_again_and_again(node, own_mosquitto):
    for _ in range(5):
        own_mosquitto.kill()
        own_mosquitto.start()
        becomes_right(own_mosquitto.port)


def test_a_broker_that_stands_still(start, site, own_mosquitto):
    node = start("run", "--config", site(configured(own_mosquitto.port, keep_alive="1s")))
    becomes_right(own_mosquitto.port)
    own_mosquitto.pause()
    unhealthy(node, "topics: 127.0.0.1")
    own_mosquitto.resume()
    becomes_right(own_mosquitto.port)


def test_numbers_go_on_over_a_reconnect_and_nothing_is_said_twice(node, own_mosquitto):
    with observing(own_mosquitto.port) as observer:
        wait_until(lambda: len(observer.said(SPEED)) > 2, "updates")
        before = [e["seq"] for m in observer.said(SPEED) for e in m["entries"]]
    own_mosquitto.kill()
    own_mosquitto.start()
    with observing(own_mosquitto.port) as observer:
        wait_until(lambda: len(observer.said(SPEED)) > 2, "updates after the reconnect")
        after = [e["seq"] for m in observer.said(SPEED) for e in m["entries"]]
    assert before + after == sorted(set(before + after))


def test_of_two_with_one_id_one_has_it_and_the_other_says_so(node, start, site, own_mosquitto):
    """Which one is for the broker: mosquitto 2.0.11 does not tell the first that it is thrown out."""
    second = start("run", "--config", site(configured(own_mosquitto.port)))

    def health() -> list[bool]:
        return [program.health == "Healthy" for program in (node, second)]

    wait_until(lambda: any("taken over" in p.health for p in (node, second)), "one that gives way")
    wait_until(lambda: sorted(health()) == [False, True], "one that has it")
    becomes_right(own_mosquitto.port)
    with observing(own_mosquitto.port, "dk/tlc/#") as observer:
        wait_until(lambda: len(observer.said(SPEED)) > 3, "updates")
        assert observer.said("dk/tlc/presence") == []


def test_nothing_that_others_send_disturbs_it(node, own_mosquitto):
    with observing(own_mosquitto.port) as observer:
        for topic in (
            "throttle/car.run/live",
            "throttle/x/y",
            "throttle",
            "command/stream.add",
            "command/x",
            "weather",
        ):
            for value in (
                None,
                7,
                "x" * 70_000,
                {"action": {}},
                {"values": []},
                [[[]]],
                {"action": "start", "timeout": -1},
            ):
                observer.tell(f"dk/tlc/{topic}", value, answer="tmc/+/x" if isinstance(value, int) else None)
        observer.tell("dk/tlc/presence", "offline", retain=True)
        observer.sees("dk/tlc/presence", "online")
        assert observer.said("dk/tlc/channel/car.run/live") == []
    assert "rta_topic_input_refused_total" in node.get("/metrics")
    assert node.get("/health")
