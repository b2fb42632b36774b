"""`rta streams`: what a service's streams do, and what can be done with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection
from itertools import count
from typing import Any

import click
import pytest
from conftest import SITE, Finished, starting, write_site
from program import PATIENCE, Program

from rta.cli.arguments import read_stream, read_value
from rta.cli.stream_explanation import explain_stream
from rta.cli.stream_settings import UNSET, apply_changes, read_changes
from rta.errors import RtaError

STREAMS = """
[[status]]
code = "car.engine"
[status.attributes]
speed = { from = "parameter:Speed" }
gear = { from = "parameter:Gear" }

[[status.stream]]
name = "live"
min_interval = "100ms"

[[status.stream]]
name = "start"
default = "off"
prune = { timeout = "10min", consumers = ["workshop"] }

[[status]]
code = "car.gear"
attributes.gear = { from = "parameter:Gear" }

[[status.stream]]
default = "off"
"""
ADMINISTRATION = '[site]\nadministration = true\nstate_dir = "state"\n'

Ask = Callable[..., Finished]


@pytest.fixture(scope="module")
def node(tmp_path_factory, environ) -> Iterator[Program]:
    """A service with streams, which may be administered."""
    folder = tmp_path_factory.mktemp("node")
    with starting(folder, environ) as start:
        yield start("run", "--config", write_site(folder, ADMINISTRATION + SITE + STREAMS))


@pytest.fixture
def streams(command, node) -> Ask:
    """`rta streams` on it."""
    return lambda *arguments: command("streams", *arguments, RTA_URL=node.url)


@pytest.fixture
def listed(streams) -> Callable[[], dict[str, dict[str, Any]]]:
    """All streams, by status and name."""
    return lambda: {f"{s['code']}/{s['name']}": s for s in map(json.loads, streams("--json").out.splitlines())}


_NUMBERS = count(1)


@contextmanager
def added(streams: Ask, *settings: str) -> Iterator[str]:
    """A stream of the test's own."""
    name = f"own-{next(_NUMBERS)}"
    sets = [word for setting in settings for word in ("--set", setting)]
    done = streams("add", "car.engine", name, *sets)
    assert done.status == 0, done.err
    yield f"car.engine/{name}"
    streams("remove", "car.engine", name)


# ---- looking


def test_the_table_has_a_line_for_each_stream(streams):
    done = streams()
    lines = done.out.splitlines()
    assert lines[0].split() == [
        "status",
        "stream",
        "state",
        "since",
        "started",
        "by",
        "prune",
        "at",
        "messages",
        "bytes",
    ]
    live, start, gear = (line.split() for line in lines[1:4])
    assert live[:3] == ["car.engine", "live", "running"]
    assert start[:3] == ["car.engine", "start", "stopped"]
    assert gear[:2] == ["car.gear", "stopped"]
    assert " configuration " in lines[1]
    assert (done.status, done.err) == (0, "")


def test_json_is_a_stream_a_line(listed):
    streams = listed()
    assert streams["car.engine/live"]["state"] == "running"
    assert streams["car.engine/live"]["min_interval"] == "100ms"
    assert streams["car.gear/"]["default"] == "off"


def test_a_service_without_streams_says_so(service, command):
    done = command("streams", "--url", service.url)
    assert (done.status, done.out, done.err) == (0, "", "no streams\n")


def test_show_has_every_setting_and_why_it_runs(streams):
    done = streams("show", "car.engine/live")
    lines = [line.rstrip() for line in done.out.splitlines()]
    assert lines[0] == "car.engine/live"
    assert lines[1].startswith("It runs since 20")
    assert lines[1].endswith(": it is on by default.")
    assert lines[2] == "Nothing ends it but a stop."
    shown = dict(line.split(maxsplit=1) for line in lines[3:])
    assert shown["min_interval"] == "100ms"
    assert shown["attributes"] == "speed = change, gear = change"
    assert int(shown["seq"]) > 0


def test_show_can_be_json(streams):
    assert json.loads(streams("show", "car.engine", "live", "--json").out)["name"] == "live"


def test_a_stream_called_start_can_be_shown(streams):
    assert json.loads(streams("show", "car.engine/start", "--json").out)["name"] == "start"


# ---- start and stop


def test_start_and_stop_say_what_came_of_them(streams, listed):
    started = streams("start", "car.gear", "--timeout", "10m", "--consumer", "tmc")
    assert started.out.startswith("car.gear: It runs since ")
    assert "it was last started over HTTP, from 127.0.0.1. It stops by itself at " in started.out
    stream = listed()["car.gear/"]
    assert (stream["state"], stream["consumers"]) == ("running", {"tmc": "unknown"})
    stopped = streams("stop", "car/gear/default")
    assert (stopped.status, stopped.out) == (0, "car.gear: It was stopped over HTTP, from 127.0.0.1.\n")
    assert listed()["car.gear/"]["state"] == "stopped"


def test_a_start_and_a_stop_are_on_the_record(streams, node):
    with added(streams, "default=off") as name:
        streams("start", name)
        streams("stop", name)
        record = {"code": "car.engine", "stream": name.partition("/")[2], "by": "http (127.0.0.1)", "outcome": "ok"}
        assert node.logged("start", **record)
        assert node.logged("stop", **record)


def test_the_url_may_stand_before_the_subcommand(command, node):
    done = command("streams", "--url", node.url, "show", "car.engine/live", RTA_URL="http://127.0.0.1:1")
    assert (done.status, done.err) == (0, "")


# ---- administration


def test_a_stream_is_added_edited_and_removed(streams, listed):
    with added(streams, "delta=5s", "attributes.speed=change", 'prune.consumers=["a", "b"]', "qos=1") as name:
        stream = listed()[name]
        assert (stream["delta"], stream["attributes"], stream["qos"]) == ("5s", {"speed": "change"}, 1)
        assert list(stream["consumers"]) == ["a", "b"]
        edited = streams("edit", name, "--set", "update=30s", "--set", "attributes.gear=along", "--unset", "delta")
        assert (edited.status, edited.err) == (0, "")
        stream = listed()[name]
        assert (stream["update"], stream["delta"], stream["qos"]) == ("30s", "on_change", 1)
        assert stream["attributes"] == {"speed": "change", "gear": "along"}
        removed = streams("remove", name)
        assert removed.out == f"{name}: removed\n"
        assert name not in listed()


def test_a_part_of_a_setting_can_be_taken_out(streams, listed):
    with added(streams, "prune.timeout=1h", 'prune.consumers=["a"]') as name:
        streams("edit", name, "--unset", "prune.timeout", "--unset", "attributes.gear")
        stream = listed()[name]
        assert stream["prune"] == {"timeout": "off", "consumers": ["a"], "grace": "1min"}
        assert stream["attributes"] == {"speed": "change"}
        assert streams("edit", name, "--unset", "attributes.gear").err == "rta: attributes.gear is not set\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["show", "car.engine"],
            "rta: name: status 'car.engine' has no stream '(unnamed)'; there are: live, start\n",
        ),
        (["start", "car.wings/live"], "rta: code: there is no status 'car.wings'; there are: car.engine, car.gear\n"),
        (["start", "car.gear", "--timeout", "0"], "rta: timeout: expected a number of seconds above 0, got 0\n"),
        (["edit", "car.engine/live", "--set", "update=1ms"], "rta: update: expected at least 10 ms, got 0.001 s\n"),
        (
            ["add", "car.gear/second"],
            "rta: name: the status has a stream without a name, which can be its only one\n",
        ),
    ],
)
def test_what_is_refused_is_one_line_with_the_reason(streams, arguments, error):
    done = streams(*arguments)
    assert (done.status, done.out, done.err) == (1, "", error)


def test_administration_that_is_not_allowed_is_refused_with_that_reason(start, command, site):
    service = start("run", "--config", site(SITE + STREAMS))
    done = command("streams", "remove", "car.gear", "--url", service.url)
    expected = "rta: administration is not allowed at this node ([site] administration = false)\n"
    assert (done.status, done.err) == (1, expected)


def test_a_service_that_is_not_there_is_one_line(command):
    done = command("streams", "stop", "car.gear", "--url", "http://127.0.0.1:1")
    assert (done.status, done.out) == (1, "")
    assert done.err == "rta: http://127.0.0.1:1 cannot be reached: Connection refused\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["show"],
        ["show", "a.b/c", "d"],
        ["show", "a.b/c/d"],
        ["show", ""],
        ["--json", "stop", "car.gear"],
        ["start", "car.gear", "--timeout", "soon"],
        ["add", "car.engine/x", "--set", "update"],
        ["add", "car.engine/x", "--set", "name=y"],
        ["edit", "car.engine/live"],
        ["edit", "car.engine/live", "--set", "prune..timeout=1h"],
        ["edit", "car.engine/live", "--set", "update=1s", "--set", "update=2s"],
        ["edit", "car.engine/live", "--set", "prune.timeout=1s", "--unset", "prune"],
    ],
)
def test_what_makes_no_sense_exits_with_2(command, arguments):
    done = command("streams", *arguments, RTA_URL="http://127.0.0.1:1")
    assert (done.status, done.out) == (2, "")
    assert "Error: " in done.err


@pytest.mark.parametrize("name", ["show", "start", "stop", "add", "edit", "remove"])
def test_every_subcommand_has_help(command, name):
    shown = command("streams", name, "--help")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.startswith(f"Usage: rta streams {name} [OPTIONS] CODE [STREAM]\n")
    assert "--url" in shown.out


# ---- on the wire


def request(node: Program, method: str, path: str, body: str = "", **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection(*node.address, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    finally:
        connection.close()


def test_a_page_of_another_site_and_a_name_given_to_our_address_change_nothing(node, listed):
    path, kind = "/rta/v2/streams/car.engine/live/stop", "application/json"
    assert request(node, "POST", path, content_type=kind, origin="https://evil.example")[0] == 403
    assert request(node, "POST", path, content_type=kind, host="evil.example")[0] == 403
    assert request(node, "POST", path)[0] == 415
    assert request(node, "POST", path, "x" * 70_000, content_type=kind)[0] == 413
    assert listed()["car.engine/live"]["state"] == "running"


# ---- with several workers


def test_every_worker_speaks_for_the_one_that_has_the_node(start, command, site, redis_server):
    buffer = f'[buffer]\ntransport = "redis"\nurl = "{redis_server.url}"\n'
    service = start("run", "--config", site(ADMINISTRATION + buffer + SITE + STREAMS), "--workers", "2")
    service.until(lambda: sum(line["event"] == "ready" for line in service.log) == 2, "two workers")
    names = ["live", "start", *(f"own-{n}" for n in range(12))]
    for name in names[2:]:  # each over a connection of its own, which either worker may get
        body = json.dumps({"code": "car.engine", "name": name, "default": "off"})
        status, stream = request(service, "POST", "/rta/v2/streams", body, content_type="application/json")
        assert (status, stream["name"]) == (201, name)
    for _ in range(12):
        status, found = request(service, "GET", "/rta/v2/streams?code=car.engine")
        assert (status, {s["name"] for s in found["streams"]}) == (200, set(names))
    done = command("streams", "start", "car.engine/own-0", "--url", service.url)
    assert "it was last started over HTTP, from 127.0.0.1" in done.out


# ---- what is written behind --set


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30s", "30s"),
        ("on", "on"),
        ("1", 1),
        ("1.5", 1.5),
        ("true", True),
        ('"true"', "true"),
        ('["a", "b"]', ["a", "b"]),
        ('{ rpm = "along" }', {"rpm": "along"}),
        ("2026-01-01", "2026-01-01"),
        ("[2026-01-01]", "[2026-01-01]"),
        ("nan", "nan"),
        ("-inf", "-inf"),
        ("", ""),
        ("a = b", "a = b"),
        ("1\nother = 2", "1\nother = 2"),
        ("1 # one", 1),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_a_value_is_toml_if_it_can_be_and_json_has_it(text, value):
    assert read_value(text) == value


@pytest.mark.parametrize(
    ("written", "which"),
    [
        (("car.engine", None), ("car.engine", "")),
        (("car.engine", "live"), ("car.engine", "live")),
        (("car.engine/live", None), ("car.engine", "live")),
        (("tlc/2", None), ("tlc.2", "")),
        (("tlc/2/live", None), ("tlc.2", "live")),
        (("tlc/2", "live"), ("tlc.2", "live")),
    ],
)
def test_a_stream_is_written_in_one_word_or_two(written, which):
    assert read_stream(*written) == which


def test_dotted_keys_change_a_part_and_keep_the_rest():
    changes = read_changes(["attributes.rpm=along", "qos=1"], ["prune.timeout", "delta"])
    assert changes[("delta",)] is UNSET
    stream = {"attributes": {"rpm": "change", "oil": "change"}, "prune": {"timeout": "1h", "grace": "1min"}}
    assert apply_changes(changes, stream) == {
        "attributes": {"rpm": "along", "oil": "change"},
        "qos": 1,
        "prune": {"grace": "1min"},
        "delta": None,
    }
    assert stream["attributes"] == {"rpm": "change", "oil": "change"}


def test_a_setting_without_parts_has_none():
    with pytest.raises(RtaError, match=r"^update has no parts$"):
        apply_changes(read_changes(["update.every=5s"]), {"update": "60s"})


@pytest.mark.parametrize("key", ["", ".", "a.", ".a", "code", "name"])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(click.UsageError):
        read_changes([f"{key}=1"])


# ---- in plain words

NOW = datetime(2026, 11, 21, 8, 12, tzinfo=timezone(timedelta(hours=1)))
RUNNING = {"state": "running", "since": "2026-11-21T07:00:00.000Z", "started_by": "configuration"}


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (RUNNING, "It runs since 2026-11-21 07:00:00Z (12 min): it is on by default. Nothing ends it but a stop."),
        (
            {**RUNNING, "started_by": "topic (tmc)", "prune_at": "2026-11-21T10:12:00Z"},
            "It runs since 2026-11-21 07:00:00Z (12 min): it was last started over a topic, by tmc. "
            "It stops by itself at 2026-11-21 10:12:00Z (in 3 h) unless it is started again.",
        ),
        (
            {
                **RUNNING,
                "started_by": "topic",
                "consumers": {"a": "online", "b": "unknown"},
                "prune": {"grace": "1min"},
            },
            "It runs since 2026-11-21 07:00:00Z (12 min): "
            "it was last started over a topic, which does not say by whom. "
            "It stops by itself when none of its consumers is online any more for 1min: a (online), b (not seen).",
        ),
        (
            {**RUNNING, "consumers": {"a": "offline"}, "prune_at": "2026-11-21T07:12:30Z"},
            "It runs since 2026-11-21 07:00:00Z (12 min): it is on by default. "
            "It stops by itself at 2026-11-21 07:12:30Z (in 30 s) unless it is started again; "
            "none of its consumers is online.",
        ),
        (
            {"state": "stopped", "default": "off"},
            "It is off by default, and has not been started since the service began.",
        ),
        (
            {"state": "stopped", "stopped_by": "pruning (timeout)"},
            "It stopped by itself: it was not started again in time.",
        ),
        (
            {"state": "stopped", "stopped_by": "pruning (consumers gone)", "prune": {"grace": "0s"}},
            "It stopped by itself: none of its consumers was online any more.",
        ),
        ({"state": "stopped", "stopped_by": "topic (tmc)"}, "It was stopped over a topic, by tmc."),
        ({"state": "stopped", "stopped_by": "http (::1)"}, "It was stopped over HTTP, from ::1."),
        ({}, "It has not run since the service began."),
    ],
)
def test_why_a_stream_runs_or_not_is_said_in_plain_words(stream, said):
    assert " ".join(explain_stream(stream, NOW)) == said
