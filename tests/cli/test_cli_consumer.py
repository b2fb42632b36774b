"""The consumer's commands on a real broker, at a node that `rta run` runs."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from conftest import Finished, starting, write_site
from observer import observing
from program import Program, wait_until
from real_servers import Mosquitto, held_port
from terminal import on_terminal

from rta.cli.broker_access import read_broker_access

ACCESS = Path(__file__).parents[2] / "config" / "mosquitto" / "acl"

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
port = {port}

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"

[[status]]
code = "car.run"
attributes.speed = {{ from = "parameter:Speed", round = 0 }}
attributes.gear = {{ components = {{ "g/1" = "parameter:Gear" }} }}

[[status.stream]]
name = "live"
qos = 1
min_interval = "100ms"
history = {{ age = "1h" }}
replay = {{ rate = 100 }}

[[status.stream]]
name = "idle"
default = "off"

[[command]]
code = "sg.dim"
topic = "plant/dim"
components = ["sg/1"]
[command.parameters]
level = {{ type = "integer", min = 0, max = 100 }}
"""


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as broker:
        yield broker


@pytest.fixture(scope="module")
def node(tmp_path_factory, environ, broker) -> Iterator[Program]:
    """A node that runs; the tests have their own streams of it."""
    folder = tmp_path_factory.mktemp("node")
    with starting(folder, environ) as start:
        program = start("run", "--config", write_site(folder, NODE.format(port=broker.port)))
        with observing(broker.port, "dk/tlc/#") as observer:
            wait_until(lambda: observer.said("dk/tlc/status/car.run/live"), "updates")
        yield program


@pytest.fixture
def ask(command, broker, node) -> Callable[..., Finished]:
    """Run a command at the broker of the node."""
    return lambda *arguments: command(*arguments, "--broker", f"127.0.0.1:{broker.port}")


def watching(start: Any, broker: Mosquitto, *arguments: object, **more: Any) -> Program:
    return start("watch", *arguments, "--broker", f"127.0.0.1:{broker.port}", **more)


def events(program: Program, **fields: object) -> list[dict[str, Any]]:
    return [line for line in program.lines if fields.items() <= line.items()]


# ---- rta watch


def test_watch_tells_of_presence_states_and_values_and_leaves_with_0(start, broker, node):
    watch = watching(start, broker, "dk/+", "--json")
    watch.until(lambda: events(watch, event="status", code="car.run", stream="live", retained=False), "values")
    [presence] = events(watch, event="presence", node="dk/tlc")
    assert (presence["presence"], presence["retained"]) == ("online", True)
    assert events(watch, event="state", stream="idle", state="stopped", retained=True)
    entry = events(watch, event="status", stream="live", retained=False)[0]["entries"][0]
    assert entry["values"].keys() <= {"speed", "gear"}
    watch.signal(signal.SIGINT)
    assert (watch.ends(), watch.err) == (0, "")


def test_watch_without_a_terminal_is_a_line_an_event(start, broker, node):
    watch = watching(start, broker, "dk/tlc")
    watch.until(lambda: len(re.findall(r"car\.run/live #\d+  ", watch.out)) > 2, "lines")
    watch.signal(signal.SIGTERM)
    assert (watch.ends(), watch.err) == (0, "")
    assert re.search(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  dk/tlc  online$", watch.out)


def test_watch_says_of_which_nodes_nothing_was_heard(start, broker, node):
    watch = watching(start, broker, "dk/tlc", "dk/nonode")
    watch.until(lambda: watch.err, "a line about the other")
    watch.signal(signal.SIGTERM)
    assert (watch.ends(), watch.err) == (0, "rta: nothing has been heard of dk/nonode yet\n")


def test_on_a_terminal_a_watch_names_the_silent_and_says_its_connection_until_the_key_q(start, broker, node):
    place = ("--broker", f"127.0.0.1:{broker.port}")
    with on_terminal(start, "watch", "dk/tlc", "nonode", *place, columns=80, lines=24) as terminal:
        terminal.until("not heard yet")
        terminal.until("connected as rta-")
        terminal.press("q")
        assert terminal.ends() == 0


def test_watch_starts_a_stream_and_stops_it_when_it_leaves(start, broker, node):
    with observing(broker.port, "dk/tlc/#") as observer:
        watch = watching(start, broker, "dk/+", "--json", "--start", "car.run/idle", "--as", "tmc")
        observer.sees("dk/tlc/channel/car.run/idle", {"state": "running"})
        watch.until(lambda: events(watch, event="status", stream="idle"), "its values")
        watch.signal(signal.SIGINT)
        assert watch.ends() == 0
        observer.sees("dk/tlc/channel/car.run/idle", {"state": "stopped"})


def test_watch_is_a_table_on_a_terminal(start, broker, node):
    ours, theirs = pty.openpty()
    watch = watching(start, broker, "dk/tlc", stdout=theirs, TERM="xterm", COLUMNS="100", LINES="20")
    os.close(theirs)
    seen: list[bytes] = []

    def read() -> None:
        while True:
            try:
                seen.append(os.read(ours, 65536))
            except OSError:  # the end of a terminal
                return

    reader = threading.Thread(target=read)
    reader.start()
    watch.until(lambda: re.search(rb"car\.run/live.*running.*speed=\d+ gear\[g/1\]=\d", b"".join(seen)), "the table")
    watch.signal(signal.SIGINT)
    assert watch.ends() == 0
    reader.join()
    os.close(ours)


def test_watch_ends_when_nobody_reads_its_lines_any_more(start, broker, node):
    read, write = os.pipe()
    watch = watching(start, broker, "dk/tlc", "--json", stdout=write)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    assert (watch.ends(), watch.err) == (0, "")


def test_watch_goes_on_whatever_nodes_send(start, broker):
    with observing(broker.port, "none/#") as observer:
        for topic in ("presence", "status/a.b", "channel/a.b/x", "replay/a.b/y", "alarm/a.b"):
            for i, value in enumerate((7, "\x1b[2J", {"entries": 1}, {"entries": [{"ts": "soon"}]}, [[]])):
                observer.tell(f"bad/{topic}", value, retain=i < 2)
        watch = watching(start, broker, "bad", "--json")
        watch.until(lambda: "left out, from " in watch.err, "a complaint")
        observer.tell("bad/status/a.b", {"entries": [{"ts": "2026-11-21T09:00:00Z", "values": {"v": 1}, "seq": "x"}]})
        watch.until(lambda: events(watch, event="status"), "what can be understood")
    watch.signal(signal.SIGINT)
    assert watch.ends() == 0
    assert "\x1b" not in watch.err
    assert watch.lines[-1]["entries"] == [{"ts": "2026-11-21T09:00:00.000Z", "seq": None, "values": {"v": 1}}]


def test_a_broker_that_never_was_there_is_one_line(command):
    with held_port() as port:
        done = command("watch", "dk/tlc", "--patience", "200ms", "--broker", f"127.0.0.1:{port}")
    assert (done.status, done.out) == (1, "")
    assert re.fullmatch(rf"rta: .*127\.0\.0\.1:{port}.*\n", done.err)


def test_a_broker_whose_plug_is_pulled_costs_no_entry(start, site, own_mosquitto):
    start("run", "--config", site(NODE.format(port=own_mosquitto.port)))
    watch = watching(start, own_mosquitto, "dk/tlc", "--json")

    def numbers(*kinds: str) -> set[int]:
        told = [line for line in watch.lines if line["event"] in kinds and line["stream"] == "live"]
        return {e["seq"] for line in told for e in line["entries"]}

    watch.until(lambda: len(numbers("status")) > 3, "values")
    last = max(numbers("status"))
    own_mosquitto.kill()
    watch.until(lambda: "no connection, trying again: 127.0.0.1:" in watch.err, "the loss")
    own_mosquitto.start()
    watch.until(lambda: "connected again" in watch.err, "the connection")
    watch.until(lambda: max(numbers("status")) > last + 3, "what comes then")
    behind = max(numbers("status"))
    wanted = set(range(last, behind))
    watch.until(lambda: wanted <= numbers("status", "replay", "history"), f"{last} to {behind}")


# ---- rta streams --node


@pytest.fixture
def streams(ask) -> Callable[..., Finished]:
    return lambda *arguments: ask("streams", *arguments, "--node", "dk/tlc")


_NUMBERS = count(1)


@pytest.fixture
def added(streams) -> Iterator[str]:
    """A stream of the test's own, which does not run."""
    name = f"car.run/own-{next(_NUMBERS)}"
    done = streams("add", name, "--set", "default=off", "--set", "prune.timeout=1h")
    assert done.status == 0, done.err
    yield name
    streams("remove", name)


def test_the_streams_of_a_node_are_listed(streams, ask):
    listed = {s["name"]: s for s in map(json.loads, streams("--json").out.splitlines())}
    assert listed["live"]["state"] == "running"
    assert listed["live"]["min_interval"] == "100ms"
    head, *lines = streams("list").out.splitlines()
    assert head.split()[:3] == ["status", "stream", "state"]
    assert [line.split()[:2] for line in lines][:2] == [["car.run", "idle"], ["car.run", "live"]]
    before = ask("streams", "--node", "dk/tlc", "show", "car.run/live")
    assert before.out.splitlines()[0] == "car.run/live"


def test_a_stream_of_a_node_is_started_and_stopped(streams, added):
    def says(text: str, *arguments: str) -> Finished:
        """A node that is busy may not say in time all that it knows; the command is given again then."""
        found: list[Finished] = []

        def is_said() -> bool:
            found.append(streams(*arguments))
            return text in found[-1].out

        wait_until(is_said, text)
        return found[-1]

    started = says(f"{added}: It runs since ", "start", added, "--timeout", "10m", "--consumer", "tmc")
    assert (started.status, started.err) == (0, "")
    assert "it was last started over a topic, by tmc. It stops by itself at " in started.out
    says("over a topic", "start", added)
    for _ in range(2):
        stopped = says("It was stopped", "stop", added)
        assert stopped.out == f"{added}: It was stopped over a topic, which does not say by whom.\n"


def test_a_stream_of_a_node_is_edited_and_removed(streams, added):
    edited = streams("edit", added, "--set", "update=30s", "--unset", "prune.timeout")
    assert (edited.status, edited.err) == (0, "")
    stream = json.loads(streams("show", added, "--json").out)
    assert (stream["update"], stream["prune"]["timeout"]) == ("30s", "off")
    assert streams("remove", added).out == f"{added}: removed\n"
    assert streams("show", added).status == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["start", "car.wings/live"], "rta: code: there is no status 'car.wings'; there are: car.run\n"),
        (["start", "car.run/live", "--timeout", "0"], "rta: timeout: expected a number of seconds above 0, got 0\n"),
        (["edit", "car.run/live", "--set", "update=1ms"], "rta: update: expected at least 10 ms, got 0.001 s\n"),
    ],
)
def test_a_node_refuses_with_the_words_of_a_service(streams, arguments, error):
    done = streams(*arguments)
    assert (done.status, done.out, done.err) == (1, "", error)


# ---- rta fetch


@pytest.fixture
def recorded(ask) -> None:
    """The node has run for long enough to have several entries to fetch."""
    wait_until(lambda: ask("fetch", "dk/tlc", "car.run/live").out.count("\n") > 5, "entries in the history")


@pytest.mark.usefixtures("recorded")
def test_fetch_gives_a_table_of_what_was_recorded(ask):
    done = ask("fetch", "dk/tlc", "car.run/live", "--from", "30min")
    assert (done.status, done.err.startswith("the node's history does not reach back to --from")) == (0, True)
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert list(rows[0]) == ["ts", "seq", "speed", "gear[g/1]"]
    numbers = [int(row["seq"]) for row in rows]
    assert len(numbers) > 3
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.usefixtures("recorded")
def test_fetch_gives_lines_of_json_in_a_file(ask, tmp_path):
    path = tmp_path / "out.jsonl"
    done = ask("fetch", "dk/tlc", "car.run", "live", "--format", "json", "--output", path)
    assert (done.status, done.out, done.err) == (0, "", "")
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert entries[0]["next_ts"] == entries[1]["ts"]
    assert entries[0]["values"].keys() == {"speed", "gear"}


def test_a_stream_without_history_has_no_entries(ask):
    done = ask("fetch", "dk/tlc", "car.run/idle")
    assert (done.status, done.out) == (0, "ts,seq\n")
    assert done.err == "no entries: car.run/idle keeps no history\n"


def test_a_stream_that_is_not_there_has_no_entries_and_those_that_are_there_are_named(ask):
    done = ask("fetch", "dk/tlc", "car.run/idel")
    assert (done.status, done.out) == (0, "ts,seq\n")
    assert done.err.startswith("no entries: dk/tlc has no stream car.run/idel; there are: car.run/idle, ")


def test_a_node_that_does_not_answer_a_fetch_is_one_line_and_no_file(ask, tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("what was there")
    done = ask("fetch", "nobody", "car.run/live", "--timeout", "200ms", "--output", path)
    assert (done.status, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert done.err.startswith("rta: ")
    assert path.read_text() == "what was there"
    assert [p.name for p in tmp_path.glob("*out*")] == ["out.csv"]


def test_fetch_is_content_when_nobody_reads_on(start, broker, node):
    read, write = os.pipe()
    os.close(read)
    to = f"127.0.0.1:{broker.port}"
    fetch = start("fetch", "dk/tlc", "car.run/live", "--format", "json", "--broker", to, stdout=write)
    os.close(write)
    assert (fetch.ends(), fetch.err) == (0, "")


def test_ctrl_c_breaks_a_fetch_off(start, broker):
    with observing(broker.port, "slow/#") as observer:
        fetch = start("fetch", "slow", "car.run/live", "--broker", f"127.0.0.1:{broker.port}")
        wait_until(lambda: observer.said("slow/fetch/car.run/live"), "the request")
        fetch.signal(signal.SIGINT)
        assert (fetch.ends(), fetch.out, fetch.err) == (130, "", "")


def test_a_file_that_cannot_be_written_is_said_before_anything_is_fetched(ask, tmp_path):
    done = ask("fetch", "dk/tlc", "car.run/live", "--output", tmp_path / "nowhere" / "out.csv")
    assert done.status == 1
    assert "No such file or directory" in done.err


# ---- rta command


def test_a_command_is_carried_out_and_its_result_shown(ask, broker):
    with observing(broker.port, "plant/#") as observer:
        done = ask("command", "dk/tlc", "sg.dim", "level=7", "--component", "sg/1")
        assert (done.status, done.out, done.err) == (0, "", "ok\n")
        wait_until(lambda: observer.said("plant/dim"), "the order")
        [order] = observer.said("plant/dim")
        assert (order["components"], order["values"]) == (["sg/1"], {"level": 7})


def test_the_values_of_a_result_can_be_json(ask):
    done = ask("command", "dk/tlc", "stream.list", "code=car.run", "stream=live", "--json")
    assert json.loads(done.out)["streams"][0]["name"] == "live"
    lines = ask("command", "dk/tlc", "stream.list").out.splitlines()
    assert lines[0] == "streams[1]:"
    assert {"  code = car.run", "  name = live", "  history[age] = 1h"} <= set(lines)


def test_a_command_that_is_refused_says_why(ask):
    done = ask("command", "dk/tlc", "sg.dim", "level=high")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("rta: level: ")
    assert len(done.err.splitlines()) == 1


def test_a_command_nobody_answers_is_one_line(ask):
    done = ask("command", "nobody", "sg.dim", "--timeout", "200ms")
    assert (done.status, len(done.err.splitlines())) == (1, 1)


# ---- rta alarms


def test_the_alarms_of_nodes_are_listed(ask, broker):
    with observing(broker.port, "no/#") as observer:
        entry = {"ts": "2026-11-21T09:00:00.000Z", "component": "e/1", "active": True, "values": {"value": 118.5}}
        observer.tell("yy/a/alarm/oil.hot", {"entries": [entry], "full": True}, retain=True)
        observer.tell("yy/b/alarm/oil.hot", {"entries": [], "full": True}, retain=True)
    head, line = ask("alarms", "yy/+").out.splitlines()
    assert head.split() == ["node", "code", "component", "since", "values"]
    assert line.split() == ["yy/a", "oil.hot", "e/1", "2026-11-21", "09:00:00Z", "value=118.5"]
    found = json.loads(ask("alarms", "yy/a", "--json").out)
    assert (found["component"], found["since"], found["values"]) == ("e/1", entry["ts"], entry["values"])


def test_no_alarms_are_said_to_be_none(ask):
    done = ask("alarms", "dk/tlc")
    assert (done.status, done.out, done.err) == (0, "", "no alarms\n")


def test_a_service_has_alarms_over_http(command, node):
    done = command("alarms", "--url", node.url)
    assert (done.status, done.out, done.err) == (0, "", "no alarms\n")


# ---- who we are


def test_a_made_up_id_leaves_nothing_at_the_broker(ask, broker):
    def seen() -> set[str]:
        with observing(broker.port, "+/presence") as observer:
            observer.tell("end", None)
            return set(observer.retained)

    before = seen()
    assert ask("streams", "--node", "dk/tlc").status == 0
    assert seen() == before


def test_a_named_consumer_is_known_to_be_gone(ask, broker):
    assert ask("streams", "--node", "dk/tlc", "--as", "tmc").status == 0
    with observing(broker.port, "tmc/presence") as observer:
        observer.sees("tmc/presence", "shutdown")


def test_a_consumer_may_do_what_the_access_list_lets_it(start, site, command):
    """The list that comes with us: consumers use nodes, and do not administer them."""
    users = {user: f"secret of {user}" for user in ("45fe", "tmc", "operator")}
    broker = Mosquitto(anonymous=False, users=users)
    shutil.copy(ACCESS, broker.folder / "acl")
    broker.lines.append(f"acl_file {broker.folder / 'acl'}")
    with broker:
        text = NODE.format(port=broker.port).replace("dk/tlc", "45fe")
        node = start("run", "--config", site(text), **as_user("45fe"))
        node.until(lambda: node.health == "Healthy", "health")
        to = ["--broker", f"127.0.0.1:{broker.port}"]
        streams = ["streams", "--node", "45fe", *to]
        assert "over a topic" in command(*streams, "start", "car.run/idle", **as_user("tmc")).out
        assert command("fetch", "45fe", "car.run/live", *to, **as_user("tmc")).status == 0
        assert command("alarms", "45fe", *to, **as_user("tmc")).err == "no alarms\n"
        denied = command(*streams, "remove", "car.run/idle", **as_user("tmc"))
        assert (denied.status, "Not authorized" in denied.err) == (1, True)
        assert command(*streams, "remove", "car.run/idle", **as_user("operator")).status == 0


def as_user(name: str) -> dict[str, str]:
    return {"RTA_TOPICS__USERNAME": name, "RTA_TOPICS__PASSWORD": f"secret of {name}"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--broker", "a b"], "expected HOST or HOST:PORT"),
        (["--broker", "host:99999"], "expected HOST or HOST:PORT"),
        (["--as", "a/+"], "--as: expected levels"),
    ],
)
def test_options_that_make_no_sense_exit_with_2(command, arguments, why):
    for asked in (["watch", "dk"], ["streams", "--node", "dk"], ["fetch", "dk", "a.b"], ["command", "dk", "a.b"]):
        done = command(*asked, *arguments)
        assert (done.status, done.out) == (2, "")
        assert why in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["watch"],
        ["watch", "dk/#"],
        ["watch", "dk", "--start", "a/b/c/d"],
        ["fetch", "dk/+", "a.b"],
        ["fetch", "dk", "a.b", "--from", "soon"],
        ["fetch", "dk", "a.b", "--from", "1h", "--to", "2h"],
        ["fetch", "dk", "a.b", "--format", "json", "--fill"],
        ["command", "dk", "nodots"],
        ["command", "dk", "a.b", "novalue"],
        ["alarms", "dk", "--all"],
        ["alarms", "--as", "tmc"],
        ["streams", "--node", "dk/+"],
        ["streams", "--node", "dk", "--url", "http://127.0.0.1:1"],
        ["streams", "--as", "tmc"],
    ],
)
def test_what_makes_no_sense_exits_with_2(command, arguments):
    done = command(*arguments)
    assert (done.status, done.out) == (2, "")
    assert "Error: " in done.err


def test_the_id_of_the_node_itself_is_refused(command, site):
    text = NODE.format(port=1).replace('transport = "mqtt"', 'transport = "mqtt"\nusername = "dk/tlc"')
    done = command("watch", "dk/tlc", "--config", site(text))
    assert done.status == 2
    assert "say who we are by --as" in done.err


def test_topics_within_one_process_cannot_be_reached(command, site):
    done = command("watch", "dk/tlc", "--config", site())
    assert done.status == 2
    assert "there is no broker to reach" in done.err


def test_a_configuration_says_where_the_broker_is(command, site, broker, node):
    done = command("streams", "--node", "dk/tlc", "--config", site(NODE.format(port=broker.port)), "--json")
    assert (done.status, done.err) == (0, "")
    done = command("streams", "--node", "dk/tlc", "--json", RTA_TOPICS__PORT=str(broker.port))
    assert (done.status, done.err) == (0, "")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("broker.example", ("broker.example", 1883)),
        ("broker.example:1884", ("broker.example", 1884)),
        ("[::1]:1884", ("::1", 1884)),
    ],
)
def test_a_broker_is_a_host_and_perhaps_a_port(monkeypatch, written, address):
    monkeypatch.setenv("RTA_TOPICS__PORT", "1")
    monkeypatch.setenv("RTA_TOPICS__USERNAME", "tmc")
    access = read_broker_access(None, written, None)
    assert access.options.address() == address


@pytest.mark.parametrize("name", ["roadside", "centre"])
def test_the_examples_of_two_sites_are_right(command, name):
    done = command("check", "--config", ACCESS.parents[1] / f"{name}.toml")
    assert (done.status, done.err) == (0, "")
