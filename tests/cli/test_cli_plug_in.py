"""A transport that somebody else has installed works, and a bug in it is not hidden."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import starting
from pit_radio import IDENTITY, START

SITE = """
edge.port = 0
fanout.linger = "200ms"

[[source]]
name = "wall"
transport = "pit_radio"
"""


def install(folder: Path) -> dict[str, str]:
    """Install the plug-in into a folder, as pip would: the variables with which Python finds it."""
    shutil.copy(Path(__file__).with_name("pit_radio.py"), folder)
    metadata = folder / "pit_radio-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pit-radio\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[rta.transports]\npit_radio = pit_radio:TRANSPORT\n")
    (folder / "site.toml").write_text(SITE)
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}


@pytest.fixture(scope="module")
def wall(tmp_path_factory, environ):
    """A service with the plug-in's session, over by now."""
    folder = tmp_path_factory.mktemp("wall")
    with starting(folder, environ) as start:
        program = start("run", "--config", folder / "site.toml", **install(folder))
        program.logged("session closed", identity=IDENTITY)
        yield program


def test_its_samples_and_events_come_to_the_client(wall, command):
    tail = command("tail", IDENTITY, "--json", "--url", wall.url)
    lines = [json.loads(line) for line in tail.out.splitlines()]
    samples = [(x["parameter"], x["t"] - START, x["value"], x["unit"]) for x in lines if "parameter" in x]
    assert samples == [
        ("Light:Radio", 0, "red", ""),
        ("Light:Radio", 1, "green", ""),
        ("Light:Radio", 2, "dark", ""),
        ("Delta:Radio", 0, 0.0, "s"),
        ("Delta:Radio", 1, -0.5, "s"),
        ("Delta:Radio", 2, -1.0, "s"),
        ("Pressure:Radio", 0, 200.0, "bar"),
        ("Pressure:Radio", 1000, 0x1234 - 100.0, "bar"),
    ]
    [event] = [line for line in lines if "event" in line]
    about = {"event": 7, "app": "Radio", "code": "", "desc": ""}
    assert event == {"t": START, **about, "text": "box, box", "values": [1.5, None]}
    assert (tail.status, tail.err) == (0, "the session is closed\n")


def test_names_that_look_like_markup_or_cannot_be_encoded_are_shown_as_they_are(wall, command):
    listed = command("sessions", "--url", wall.url)
    assert (listed.status, listed.err) == (0, "")
    assert IDENTITY in listed.out
    assert "[/b] \\ud800 stint" in listed.out
    tail = command("tail", "--url", wall.url)
    assert tail.status == 0
    assert "[/b] \\ud800 stint" in tail.out
    [session] = map(json.loads, command("sessions", "--json", "--url", wall.url).out.splitlines())
    assert session["identifier"] == "[/b] \ud800 stint"


def test_it_is_checked_and_documented_like_ours(command, tmp_path, monkeypatch):
    install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    checked = command("check", "--config", tmp_path / "site.toml", RTA_SOURCE__WALL__FAULT="nothing")
    assert (checked.status, checked.out) == (2, "")
    assert checked.err == (
        'RTA_SOURCE__WALL__FAULT (source[0].fault (source "wall")): expected "none", "bug" or "unfit", got "nothing"\n'
    )
    docs = command("config", "docs")
    assert '### `[[source]]` with `transport = "pit_radio"`' in docs.out


def test_a_bug_in_an_actor_ends_the_service_with_a_traceback(run, tmp_path):
    ended = run("run", "--config", tmp_path / "site.toml", **install(tmp_path), RTA_SOURCE__WALL__FAULT="bug")
    assert ended.status == 1
    assert "Traceback" in ended.err
    assert "in run" in ended.err
    assert "KeyError: 'no such key'" in ended.err


def test_a_fault_that_a_person_can_mend_is_one_line(run, tmp_path):
    ended = run("run", "--config", tmp_path / "site.toml", **install(tmp_path), RTA_SOURCE__WALL__FAULT="unfit")
    assert ended.status == 1
    assert "Traceback" not in ended.err
    assert ended.err.splitlines()[-1] == "rta: the radio is not switched on"
