"""`rta run` alone starts the demo, wherever it is started."""

from __future__ import annotations

import json

import pytest
from conftest import starting

from rta.metrics import METRICS


@pytest.fixture(scope="module")
def demo(tmp_path_factory, environ):
    """In an empty folder."""
    with starting(tmp_path_factory.mktemp("demo"), environ) as start:
        program = start("run", RTA_EDGE__PORT="0")
        program.until(lambda: "WRX drive" in program.get("/rta/v2/sessions"), "a session")
        yield program


def test_it_is_healthy(demo):
    assert demo.health == "Healthy"
    assert demo.get("/").startswith("rta ")
    assert json.loads(demo.get("/rta/v2/info"))["label"] == "rta demo"


def test_it_has_every_metric(demo):
    metrics = demo.get("/metrics")
    for metric in METRICS:
        assert f"# HELP {metric.name.removesuffix('_total')}" in metrics


def test_it_plays_the_drive(demo, command):
    [session] = json.loads(demo.get("/rta/v2/sessions"))["sessions"]
    assert (session["identifier"], session["state"]) == ("WRX drive", "open")
    assert session["details"] == {"vehicle": "Subaru WRX STI", "year": 2020}
    [binding] = session["configBindings"]
    configuration = json.loads(demo.get(f"/rta/v2/configs/{binding['identifier']}"))
    names = [p["name"] for application in configuration.values() for p in application["parameters"]]
    assert {"RPM", "Vehicle Speed", "Boost"} <= set(names)


def test_its_drive_can_be_followed(demo, start):
    tail = start("tail", "WRX drive", "--json", "-p", "RPM", "--url", demo.url)
    tail.until(lambda: len(tail.lines) > 5, "samples")
    assert {line["parameter"] for line in tail.lines if "parameter" in line} == {"RPM:csv"}
    assert {line["unit"] for line in tail.lines if "parameter" in line} == {"RPM"}
