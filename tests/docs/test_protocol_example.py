"""The examples of the protocol's page mean what its table says, to us and to the client of the next page.

Source: docs/protocol.md, "An example"; docs/client.md, "What it needs".
"""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from pages import ROOT, sections
from real_servers import RedisServer, held_port, wait_for
from walk import lay_down_modules

from rta.client import Decoder
from rta.wire import ConfigBinding, pack, read_burst, read_configuration, read_session
from rta.wire._pb.stream_pb2 import StreamDataBurst
from rta.wire.burst import Burst
from rta.writer import connect

START = int(datetime(2021, 5, 4, 11, 50, 55, tzinfo=UTC).timestamp()) * 10**9
Row = tuple[float, str, str]
"""Seconds after the start, what, and the value with its unit."""


def shown(page: str, heading: str) -> list[str]:
    """The blocks of a section."""
    return next([b.text for b in s.blocks] for s in sections(ROOT / "docs" / page) if s.heading == heading)


ITEMS, DOCUMENT = shown("protocol.md", "An example")
[SESSION] = shown("protocol.md", "Session JSON")


def table() -> list[Row]:
    text = (ROOT / "docs" / "protocol.md").read_text().partition("## An example")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([\d.]+) \| `?([^|`]+)`? \| (.+) \|$", text, re.MULTILINE)
    return sorted((float(at), what, value) for at, what, value in rows)


def burst_of(items: list[dict[str, Any]]) -> Burst:
    """Items as the page writes them."""
    for item in items:
        for data in item.values():
            if "buffer" in data:
                data["buffer"] = base64.b64encode(bytes.fromhex(data["buffer"])).decode()
    return read_burst(pack(ParseDict({"data": items}, StreamDataBurst()).SerializeToString()))


def seconds(t: int) -> float:
    return (t - START) / 1e9


def test_we_read_the_example_as_the_page_does() -> None:
    session, configuration = read_session(SESSION), read_configuration(DOCUMENT)
    assert session.extra == {}
    [binding] = session.config_bindings or []
    decoder = Decoder()
    decoder.add(configuration, binding)
    burst = burst_of(json.loads(ITEMS))
    found = []
    for samples in decoder.samples(burst):
        assert samples.parameter is not None
        for t, value in zip(samples.timestamps.tolist(), samples.values, strict=True):
            text = f"{samples.parameter.text(value)} {samples.parameter.unit}".strip()
            found.append((seconds(t), samples.name, text))
    [event] = decoder.events(burst)
    [lap] = configuration.applications[event.app_name].events
    [rule] = (c for c in configuration.applications["car"].conversions if c.name == lap.convs[0])
    assert rule.rational is not None
    assert rule.rational.coeffs == [0, 1, 0, 0, 0, 10]
    found.append((seconds(event.timestamp), lap.desc, f"{event.raw_data[0] / 10:g} {rule.unit}"))
    assert sorted(found) == table()


# ---- the client of the next page


def client(folder: Path) -> list[str]:
    """The command of the page's client, laid down in a folder as a reader does."""
    [text] = [b for b in shown("client.md", "What it needs") if b.startswith("// client.mjs\n")]
    (folder / "client.mjs").write_text(text)
    (folder / "proto").symlink_to(ROOT / "proto")
    lay_down_modules(folder)
    return ["node", "client.mjs"]


@pytest.fixture(scope="module")
def service(
    shared_redis: RedisServer, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of an edge on an empty Redis."""
    shared_redis.ask("FLUSHALL")
    with held_port() as port, (tmp_path_factory.mktemp("service") / "log").open("wb") as log:
        of_service = {"RTA_EDGE__PORT": str(port), "RTA_BUFFER__URL": shared_redis.url, "RTA_FANOUT__LINGER": "100ms"}
        command = [sys.executable, "-m", "rta", "run", "--config", str(ROOT / "config" / "redis.toml")]
        process = subprocess.Popen(command, env=environ | of_service, stderr=log)
        try:
            wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


class Reading:
    """A session that has ended, and the client of the page."""

    def __init__(self, redis: RedisServer, url: str, folder: Path, environ: dict[str, str]) -> None:
        self._redis, self._url, self._folder, self._environ = redis, url, folder, environ

    def said(self, configuration: str, burst: Burst, identity: str = "run-42") -> list[dict[str, Any]]:
        """What the client says of the burst, in the session of the page with another identity and configuration."""
        model = read_session(SESSION)
        model.identity = identity
        model.config_bindings = [ConfigBinding(f"of {identity}", channel_offset=1000)]
        with connect(self._redis.url, stream="car") as writer:
            writer.publish(f"of {identity}", configuration)
            with writer.open_session(model) as session:
                session.write_burst(burst)
        done = subprocess.run(
            [*client(self._folder), self._url, identity],
            cwd=self._folder, env=self._environ, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert (done.returncode, done.stderr.splitlines()[-1:]) == (0, ["closed: 1000 the session is closed"]), (
            done.stderr
        )
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def reading(shared_redis: RedisServer, service: str, tmp_path: Path, environ: dict[str, str]) -> Reading:
    return Reading(shared_redis, service, tmp_path, environ)


def row(said: dict[str, Any]) -> Row:
    value = f"{said['value']} {said['unit']}".strip() if "value" in said else said["text"]
    return seconds(said["t"]), said.get("parameter") or said["event"], value


def test_the_client_of_the_page_reads_the_example(reading: Reading) -> None:
    assert sorted(map(row, reading.said(DOCUMENT, burst_of(json.loads(ITEMS))))) == table()


def parameter(name: str, channel: int, **more: Any) -> dict[str, Any]:
    return {"id": f"{name}:x", "name": name, "desc": "", "conv": "", "channels": [channel], **more}


def test_the_client_of_the_page_reads_every_type_and_conversion(reading: Reading) -> None:
    types = {"u8": "B", "s8": "b", "u16": "H", "s16": "h", "u32": "I", "s32": "i", "f32": "f", "f64": "d"}
    numbers = {"u8": [0, 255], "s8": [-128, 127], "u16": [0, 65535], "s16": [-32768, 32767], "u32": [0, 2**32 - 1],
               "s32": [-(2**31), 2**31 - 1], "f32": [0.25, -1e10], "f64": [1e-300, 0.1]}  # fmt: skip
    channels, parameters, items, expected = [], [], [], {}

    def add(name: str, kind: str, raw: list[float], values: list[Any], **more: Any) -> None:
        channel = len(channels)
        order = ">" if more.get("byteOrder") == "be" else "<"
        channels.append({"id": channel, "name": name, "source": "timestamped", "type": kind})
        parameters.append(parameter(name, channel, **more))
        items.append({"timestamped_data": {
            "channel_id": 1000 + channel, "start_timestamp": START, "timestamp_deltas_scale": 1,
            "timestamp_deltas": [0] + [1] * (len(raw) - 1) + [-7],  # one more than there are samples
            "buffer": struct.pack(f"{order}{len(raw)}{types[kind]}", *raw).hex(),
        }})  # fmt: skip
        expected[f"{name}:x"] = values

    for kind, raw in numbers.items():
        add(kind, kind, raw, raw)
        add(f"{kind}_be", kind, raw, raw, byteOrder="be")
    add("bit", "u16", [7638, 0], [1, 0], shift=4, mask="1")
    add("high", "s8", [-1, 1], [15, 0], shift=4)
    add("left", "u8", [3, 255], [12, 1020], shift=-2)
    add("low", "s32", [-1, 5], [255, 5], mask="ff", offset=0)
    add("offset", "s16", [-1, 1], [9.5, 11.5], offset=10.5)
    add("gain", "u8", [1, 200], [0.5, 100], conv="half:x")
    add("constant", "u8", [1, 200], [1, 200], conv="constant:x")
    add("pole", "f64", [0, 2], [None, 0.25], conv="inverse:x")
    add("exact", "u8", [1, 2, 3], [10, None, 30], conv="exact:x")
    add("between", "f64", [0, 1, 2, 2.5, 3, 9], [10, 10, 20, 25, 30, 30], conv="between:x")
    add("word", "u8", [0, 1], ["off", "?"], conv="word:x")
    add("formula", "u8", [1], [None], conv="formula:x")
    raw = {"raw": [1, 3], "calibrated": [10, 30]}
    conversions = [
        {"name": "half:x", "rational": {"coeffs": [0, 1, 0, 0, 0, 2]}},
        {"name": "constant:x", "rational": {"coeffs": [0, 1, 0, 0, 1, 0]}},
        {"name": "inverse:x", "rational": {"coeffs": [0, 0, 1, 1, 0, 0]}},
        {"name": "exact:x", "table": raw},
        {"name": "between:x", "table": raw | {"interpolated": True}},
        {"name": "word:x", "text": {"keys": [0], "values": ["off"], "default": "?"}},
        {"name": "formula:x", "formula": {"text": "x + 1"}},
    ]
    document = {"x": {"channels": channels, "parameters": parameters, "conversions": conversions}}
    found: dict[str, list[Any]] = {}
    for said in reading.said(json.dumps(document), burst_of(items), "types/1"):
        found.setdefault(said["parameter"], []).append(said["value"])
    assert found == expected
