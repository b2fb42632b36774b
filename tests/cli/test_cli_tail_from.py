"""`rta tail --from`: what is recorded from a time on, then what comes live, each sample once."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import starting, write_site
from program import Program

pytestmark = pytest.mark.processes

SITE = """\
[site]
state_dir = "state"

[edge]
port = 0

[archive]

[[source]]
name = "lap"
transport = "csv"
path = "lap.csv"
origin = "file"
speed = 1000
identity = "lap-1"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory, environ) -> Iterator[Program]:
    """A service that has recorded a lap, and records the long drive as it comes."""
    folder: Path = tmp_path_factory.mktemp("recording")
    with starting(folder, environ) as start:
        program = start("run", "--config", write_site(folder, SITE))
        program.logged("session closed", identity="lap-1")
        program.until(lambda: recorded_state(program) == "closed", "the lap in the archive")
        yield program


def recorded_state(program: Program) -> object:
    try:
        return json.loads(json.loads(program.get("/rta/v2/sessions/lap-1/recording"))["json"])["state"]
    except AssertionError:  # 404 as yet
        return None


def speeds(text: str) -> list[tuple[int, float | None]]:
    lines = [json.loads(line) for line in text.splitlines()]
    return [(line["t"], line["value"]) for line in lines if "parameter" in line]


ALL = [(250_000_000, 112.5), (500_000_000, 140.0), (750_000_000, 171.25), (1_000_000_000, None)]


@pytest.mark.parametrize(
    ("since", "first"),
    [
        ("start", 0),
        ("0s", 0),
        ("250ms", 1),
        ("0.5", 2),
        ("751ms", 4),
        ("99999d", 4),
        ("1970-01-01T00:00:00.75Z", 2),
        ("1970-01-01T01:00:00.75+01:00", 2),
        ("1960-01-01", 0),
        ("2262-01-01", 4),
    ],
)
def test_what_is_recorded_comes_from_that_time_on(command, recording: Program, since: str, first: int) -> None:
    tail = command("tail", "lap-1", "--json", "-p", "Speed", "--from", since, "--url", recording.url)
    assert (tail.status, tail.err) == (0, "the session is closed\n")
    assert speeds(tail.out) == ALL[first:]


def test_what_goes_on_comes_from_that_time_on_and_each_sample_once(start, recording: Program) -> None:
    recording.until(lambda: '"drive-1"' in recording.get("/rta/v2/sessions"), "the drive")
    tail = start("tail", "drive-1", "--json", "-p", "Speed", "--from", "1s", "--url", recording.url)
    tail.until(lambda: len(speeds(tail.out)) > 60, "three seconds of the drive")
    tail.signal(signal.SIGINT)
    tail.ends()
    came = speeds(tail.out)
    assert [value for _, value in came] == [float((20 + i) % 250) for i in range(len(came))]
    assert {b[0] - a[0] for a, b in pairwise(came)} == {50_000_000}


@pytest.mark.parametrize("name", ["tail", "export"])
@pytest.mark.parametrize("text", ["soon", "-5s", "2026-13-01", "", "2300-01-01"])
def test_what_is_no_time_is_refused_before_anybody_is_asked(command, name: str, text: str) -> None:
    done = command(name, "--from", text, "--url", "http://127.0.0.1:1")
    assert (done.status, done.out) == (2, "")
    words = "'start', " if name == "tail" else ""
    said = f"expected {words}a time as 2026-11-21T10:45:00Z or how long after the beginning, as 90s; got {text!r}"
    assert f"Error: Invalid value for '--from': {said}" in done.err
