"""What is wrong with a configuration is said before anything starts; what is right is used."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest
from conftest import SITE

from rta.config.tables import SETTINGS, SLOTS, installed
from rta.metrics import METRICS
from rta.options import options_fields

CHECKOUT_SITE = Path(__file__).parents[2] / "config" / "site.toml"

WRONG = """\
[edge]
prot = 8180
host = 5

[fanout]
ring = "much"

[[source]]
name = "lap"
transport = "csv"
path = "lap.csv"
speed = "fast"
"""

MISSING = """\
[[source]]
name = "lap"
transport = "csv"
path = "data/absent.csv"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
time_column = "Tme (s)"
"""


def lines_of_problems(config: Path) -> list[str]:
    return [
        f"{config}: edge.host: expected text, got 5",
        f'{config}: edge.prot: there is no such option; did you mean "port"?',
        f'{config}: fanout.ring: expected a size like "64KiB" or "1MB", got "much"',
        f'{config}: source[0].speed (source "lap"): expected a number, got "fast"',
    ]


def test_all_errors_of_a_file_come_at_once(run, command, site):
    config = site(WRONG)
    started = run("run", "--config", config)
    assert (started.status, started.out) == (2, "")
    assert started.err.splitlines() == lines_of_problems(config)
    assert command("check", "--config", config) == started


@pytest.mark.parametrize("name", ["run", "check"])
def test_files_and_places_that_cannot_be_used_are_errors_too(command, site, tmp_path, name):
    config = site(MISSING)
    finished = command(name, "--config", config)
    assert (finished.status, finished.out) == (2, "")
    absent, column = finished.err.splitlines()
    missing = tmp_path / "data" / "absent.csv"
    assert absent == f'{config}: source[0] (source "lap"): {missing}: cannot be read: No such file or directory'
    assert column.startswith(
        f'{config}: source[1] (source "drive"): {tmp_path / "drive.csv"}: time_column: there is no'
    )


def test_the_default_site_is_right(command):
    checked = command("check", "--config", CHECKOUT_SITE)
    assert (checked.status, checked.err) == (0, "")
    assert checked.out.startswith(f"{CHECKOUT_SITE}: ok; ")
    assert "sources: wrx (csv)" in checked.out
    assert command("check").out == checked.out


def test_a_variable_overrides_the_file(command, site):
    checked = command("check", "--config", site(), RTA_SOURCE__drive__PATH="else.csv", RTA_EDGE__MAX_HEAD="1MiB")
    assert checked.status == 2
    [line] = checked.err.splitlines()
    assert "else.csv: cannot be read" in line


def test_a_wrong_variable_is_named(command, site):
    finished = command("run", "--config", site(), RTA_EDGE__PORT="http", RTA_FANOUT__KEEP="-1")
    assert finished.status == 2
    assert finished.err.splitlines() == [
        'RTA_EDGE__PORT (edge.port): expected a whole number, got "http"',
        "RTA_FANOUT__KEEP (fanout.keep): " + finished.err.splitlines()[1].partition(": ")[2],
    ]


def test_a_variable_names_the_file(command, site):
    config = site(WRONG)
    assert command("check", RTA_CONFIG=str(config)).err.splitlines() == lines_of_problems(config)


def test_sign_in_by_which_nobody_could_sign_in_is_no_reason_to_serve_everybody(command, site):
    finished = command("run", "--config", site(), RTA_EnableAuth="true")
    assert (finished.status, finished.out) == (2, "")
    [line] = finished.err.splitlines()
    assert "auth.enabled: expected auth.authority and auth.audience, or a token" in line


def test_unknown_variables_are_one_warning_and_it_runs(start, site):
    unknown = {"RTA_SERVICE_HOST": "10.0.0.1", "RTA_EDGE__PROT": "1", "rta_x": "y"}
    service = start("run", "--config", site(), RTA_SITE__LABEL="Pit wall", **unknown)
    assert json.loads(service.get("/rta/v2/info"))["label"] == "Pit wall"
    [warning] = [line["event"] for line in service.log if line["level"] == "warning"]
    assert warning == f"unknown environment variables, left out: {', '.join(sorted(unknown))}"
    service.signal(signal.SIGTERM)
    assert service.ends() == 0


def test_a_port_in_use_is_one_line(run, site):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = run("run", "--config", site(), RTA_EDGE__PORT=str(port))
    assert (finished.status, finished.out) == (1, "")
    [line] = finished.err.splitlines()
    assert line.startswith(f"rta: cannot listen on 127.0.0.1:{port}: Address already in use; ")


@pytest.mark.parametrize("name", ["run", "check"])
def test_a_file_that_is_not_there_is_one_line(command, tmp_path, name):
    path = tmp_path / "absent.toml"
    finished = command(name, "--config", path)
    assert (finished.status, finished.out) == (2, "")
    assert finished.err == f"cannot read the configuration {path}: No such file or directory\n"


def test_the_docs_have_every_option_and_every_metric(command):
    docs = command("config", "docs")
    assert (docs.status, docs.err) == (0, "")
    classes = [*SETTINGS.values(), *(slot.keys for slot in SLOTS.values())]
    classes += [offer.options for slot in SLOTS.values() for _, offer in installed(slot)[0].values()]
    wanted = {option for cls in classes for option in options_fields(cls)} | {metric.name for metric in METRICS}
    assert {name for name in wanted if f"- `{name}` (" not in docs.out} == set()


def test_the_schema_has_the_tables_of_the_default_file(command):
    schema = command("config", "schema")
    assert (schema.status, schema.err) == (0, "")
    document = json.loads(schema.out)
    assert {"site", "edge", "buffer", "source", "fanout", "logging"} <= document["properties"].keys()
    assert "label" in document["properties"]["site"]["properties"]
    csv = document["$defs"]["source.csv"]["properties"]
    assert {"name", "transport", "path", "time_column", "time_unit", "origin", "identifier", "loop"} <= csv.keys()


def test_a_site_without_sources_is_right(command, site):
    checked = command("check", "--config", site(SITE.partition("[[source]]")[0]))
    assert checked.status == 0
    assert checked.out.endswith("sources: none\n")
