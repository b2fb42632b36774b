"""Logs are lines of JSON for machines, readable for people, and have no payloads."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal

import pytest
import structlog
import trio
from conftest import SITE
from program import PATIENCE

from rta.client import open_live_stream
from rta.logs import set_up_logging

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
    rows = "".join(f"{i / 1000},{'1_0' if i % 2 else i}\n" for i in range(200))
    (config.parent / "broken.csv").write_text(f"t,a\n{rows}")
    service = start("run", "--config", config)
    service.logged("session closed")
    service.until(lambda: 'rta_malformed_total{kind="cell"} 100.0' in service.get("/metrics"), "100 faults")
    [warning] = [line for line in service.log if line["level"] == "warning"]
    assert (warning["source"], warning["kind"]) == ("drive", "cell")
    assert "broken.csv: line 3: column 'a': '1_0' is not a number" in warning["detail"]


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
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in seen.decode().splitlines()]
    assert any(re.fullmatch(r"\d\d:\d\d:\d\dZ session opened source=drive identity=drive-1", line) for line in lines)


@pytest.fixture
def logged(monkeypatch):
    """What a log line is on a terminal, or in a file for people."""

    def logged(terminal: bool, **fields: object) -> str:
        out = io.StringIO()
        monkeypatch.setattr(out, "isatty", lambda: terminal)
        root, before = logging.getLogger(), logging.getLogger().handlers[:]
        try:
            set_up_logging(form="console", out=out)
            structlog.get_logger("rta.ingest").warning("left out", **fields)
        finally:
            root.handlers[:] = before
            root.setLevel(logging.WARNING)
            structlog.reset_defaults()
        return out.getvalue()

    return logged


def test_a_line_for_people_has_the_time_the_level_if_it_matters_and_the_fields(logged):
    line = logged(False, source="drive", why="it is late", line=3, all=["a", "b c"])
    time, _, rest = line.partition("Z ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", time)
    assert rest == "warning left out source=drive why='it is late' line=3 all=a,'b c' logger=rta.ingest\n"


def test_a_terminal_does_not_obey_what_a_log_line_says(logged):
    line = logged(True, session="\x1b]0;OWNED\x07\x1b[41mred", **{"\x1b[2J": "\u202e"})
    plain = re.sub(r"\x1b\[[0-9]+m", "", line)
    assert plain.rstrip("\n").isprintable()
    assert "session=\\x1b]0;OWNED\\x07\\x1b[41mred" in plain
