"""From a drive to streams, over a broker, to a second site, and from there to a WebSocket client: nothing is lost,
added or changed on the way.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import trio
from observer import Observer, observing
from program import PATIENCE, Program

from rta.client import Decoder, RestClient
from rta.client.follow import follow_session
from rta.wire import Burst, SessionModel

ROADSIDE = """
[site]
node = "dk/tlc"
grace = "100ms"
state_dir = "state"

[edge]
port = 0

[topics]
transport = "mqtt"
port = {port}
max_pause = "200ms"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"

[[status]]
code = "car.run"
attributes.speed = {{ from = "parameter:Speed" }}
attributes.gear = {{ from = "parameter:Gear" }}
attributes.group = {{ components = {{ "sg/1" = "parameter:Gear", "sg/2" = "parameter:Speed" }} }}
attributes.mode = {{ from = "topic:plant/mode#mode" }}

[[status.stream]]
name = "live"
qos = 1
{live}

[[status.stream]]
name = "batched"
qos = 1
attributes = {{ gear = "change", speed = "along" }}
batch = "300ms"

[[status.stream]]
name = "second"
qos = 1
aggregate = {{ speed = ["avg", "max", "count"] }}
update = "1s"
lateness = "100ms"
"""

CENTRE = """
[site]
node = "tmc"
state_dir = "centre"

[edge]
port = 0

[fanout]
linger = "500ms"

[[source]]
name = "plant"
transport = "mqtt"
port = {port}
consumer = "tmc-display"
nodes = ["dk/+"]
max_pause = "200ms"
"""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STATUS = "dk/tlc/status/car.run/"


class Client:
    """A WebSocket client that keeps everything."""

    def __init__(self) -> None:
        self.bursts: list[Burst] = []
        self._decoder = Decoder()

    def session(self, model: SessionModel) -> None: ...

    def lost(self, reason: str) -> None: ...

    def notice(self, text: str) -> None: ...

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        self.bursts.append(burst)
        self._decoder = decoder

    @property
    def got(self) -> dict[str, list[tuple[int, Any]]]:
        """By parameter or event: times and values, in time order."""
        out: dict[str, list[tuple[int, Any]]] = {}
        for burst in self.bursts:
            for sample in self._decoder.samples(burst):
                values = [None if math.isnan(v) else v for v in sample.values.tolist()]
                out.setdefault(sample.name, []).extend(zip(sample.timestamps.tolist(), values, strict=True))
            for event in self._decoder.events(burst):
                known = out.setdefault(f"event {event.event_definition_id} of {event.app_name}", [])
                known.append((event.timestamp, event.status_text))
        return {name: sorted(found, key=str) for name, found in out.items()}


def published(observer: Observer) -> list[tuple[str, dict[str, Any]]]:
    """Every entry, with its stream."""
    said = [(t.removeprefix(STATUS), v) for t, v in list(observer.live) if t.startswith(STATUS) and v is not None]
    return [(stream, entry) for stream, value in said for entry in value["entries"]]


def expected(observer: Observer) -> dict[str, list[tuple[int, Any]]]:
    """What a client must have got of it."""
    out: dict[str, list[tuple[int, Any]]] = {}
    for stream, entry in published(observer):
        ts = (datetime.fromisoformat(entry["ts"]) - EPOCH) // timedelta(milliseconds=1) * 1_000_000
        for attribute, value in entry["values"].items():
            parts = value if isinstance(value, dict) else {"": value}
            for component, one in parts.items():
                name = f"{attribute} {component}".strip().replace(" ", "_").replace("/", "_").replace(".", "_")
                known = out.setdefault(f"{name}:car.run.{stream}", [])
                if one is not None or known:  # before the first value, nobody has known anything
                    known.append((ts, one))
    return {name: sorted(found, key=str) for name, found in out.items() if found}


def identity_of_node(centre: Program) -> str:
    async def find() -> str:
        rest = RestClient(centre.url)
        while True:
            found = [s.identity for s in await rest.sessions() if s.identifier == "dk/tlc"]
            if found:
                return found[0]
            await trio.sleep(0.02)

    async def main() -> str:
        with trio.fail_after(PATIENCE):
            return await find()

    return trio.run(main)


Step = tuple[Callable[[Client], object], Callable[[], object]]
"""When it is time to do something, and what."""


def follow_until_closed(centre: Program, identity: str, *steps: Step) -> Client:
    """What a client gets until the session is closed, while these steps are done one after the other."""
    client = Client()

    async def go_on() -> None:
        for is_time, do in steps:
            while not is_time(client):
                await trio.sleep(0.02)
            await trio.to_thread.run_sync(do)

    async def main() -> None:
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(go_on)
                await follow_session(RestClient(centre.url), identity, (), client)

    trio.run(main)
    return client


@pytest.fixture
def centre(start, tmp_path, own_mosquitto) -> Program:
    """A site that listens, and is ready before there is anything to be heard."""
    path = tmp_path / "centre.toml"
    path.write_text(CENTRE.format(port=own_mosquitto.port))
    program = start("run", "--config", path)
    assert program.url
    return program


def test_what_arrives_is_what_was_published(start, site, centre, own_mosquitto):
    with observing(own_mosquitto.port) as observer:
        observer.tell("plant/mode", {"mode": "auto"}, retain=True)
        roadside = start("run", "--config", site(ROADSIDE.format(port=own_mosquitto.port, live="")))
        identity = identity_of_node(centre)

        def has_windows(client: Client) -> bool:
            return len(client.got.get("speed_avg:car.run.second", ())) >= 2

        def leave() -> None:
            observer.tell("plant/mode", {"mode": "manual"})
            roadside.until(lambda: any("manual" in str(e) for _, e in published(observer)), "the other mode")
            roadside.signal(signal.SIGTERM)

        client = follow_until_closed(centre, identity, (has_windows, leave))
    wanted, got = expected(observer), client.got
    modes = wanted.pop("mode:car.run.live")
    (events,) = [got.pop(name) for name in list(got) if name.startswith("event")]
    assert got == wanted
    assert events == modes
    assert {text for _, text in modes} == {"auto", "manual"}
    assert len(wanted["speed:car.run.live"]) > 20


def speeds(client: Client) -> list[float]:
    """In time order. Each sample of the drive is one more than the one before, from 0 to 249 and again."""
    found = client.got.get("speed:car.run.live", ())
    return [v for _, v in sorted((ts, v) for ts, v in found if v is not None)]


def missing(client: Client) -> list[tuple[float, float]]:
    """Speeds that follow each other, and should not."""
    return [(a, b) for a, b in pairwise(speeds(client)) if (b - a) % 250 not in (0, 1)]


def test_what_an_outage_of_the_broker_swallowed_arrives_late(start, site, centre, own_mosquitto):
    kept = 'history = { age = "1h" }\nreplay = { rate = 100 }'
    roadside = start("run", "--config", site(ROADSIDE.format(port=own_mosquitto.port, live=kept)))
    identity = identity_of_node(centre)
    before = 0

    def has_some(client: Client) -> bool:
        nonlocal before
        before = len(speeds(client))
        return before >= 10

    def cut() -> None:
        own_mosquitto.kill()
        for site_ in (roadside, centre):
            site_.logged("not connected to the broker")
        time.sleep(0.5)  # of the drive, which is not to be lost
        own_mosquitto.start()

    def is_whole_again(client: Client) -> bool:
        return len(speeds(client)) > before + 20 and not missing(client)

    def leave() -> None:
        roadside.signal(signal.SIGTERM)

    client = follow_until_closed(centre, identity, (has_some, cut), (is_whole_again, leave))
    assert missing(client) == []
    assert len([line for line in centre.log if line["event"] == "session opened"]) == 1
