"""Logs are lines of JSON for machines, readable for people, and have no payloads."""

from __future__ import annotations

import json
import os
import signal

import trio
from conftest import SITE
from program import PATIENCE

from rta.client import open_live_stream

SECRETS = """
[source.details]
driver = "Juliet Oscar"
stint = 90210
"""


def read_until(terminal: int, word: bytes) -> bytes:
    seen = b""
    while word not in seen:
        seen += os.read(terminal, 1 << 16)
    return seen


async def test_without_a_terminal_each_line_is_json(start, site):
    service = start("run", "--config", site(SITE + SECRETS), RTA_LOGGING__LEVEL="debug")
    service.until_streams("drive-1")
    async with open_live_stream(service.url, "drive-1") as stream:
        await stream.subscribe(all_data=True)
        with trio.fail_after(PATIENCE):
            while not (await stream.receive()).has_data:
                pass
    assert "Juliet Oscar" in service.get("/rta/v2/sessions/drive-1")
    service.signal(signal.SIGTERM)
    assert service.ends() == 0
    assert service.out == ""
    for line in service.err.splitlines():
        assert {"event", "level", "logger", "timestamp"} <= json.loads(line).keys()
    assert [line["event"] for line in service.log if line["logger"] == "rta.site"] == [
        "ready",
        "signal",
        "stopping",
        "stopped",
    ]
    for payload in ("Juliet Oscar", "90210", "Long drive", "timeRange", "km/h"):
        assert payload not in service.err


def test_a_cell_that_cannot_be_read_is_one_line_for_its_kind(start, site):
    config = site(SITE.replace("drive.csv", "broken.csv"))
    rows = "".join(f"{i / 1000},{'x' if i % 2 else i}\n" for i in range(200))
    (config.parent / "broken.csv").write_text(f"t,a\n{rows}")
    service = start("run", "--config", config)
    service.logged("session closed")
    service.until(lambda: 'rta_malformed_total{kind="cell"} 100.0' in service.get("/metrics"), "100 faults")
    [warning] = [line for line in service.log if line["level"] == "warning"]
    assert (warning["source"], warning["kind"]) == ("drive", "cell")
    assert "broken.csv: line 3: column 'a': 'x' is not a number" in warning["detail"]


def test_on_a_terminal_they_are_readable(start, site):
    terminal, side = os.openpty()
    try:
        service = start("run", "--config", site(), stderr=side, TERM="xterm")
        os.close(side)
        seen = read_until(terminal, b"session opened")
        service.signal(signal.SIGINT)
        seen += read_until(terminal, b"stopped")
        assert service.ends() == 0
    finally:
        os.close(terminal)
    assert b"ready" in seen
    assert b"http://127.0.0.1:" in seen
    assert b'{"' not in seen
