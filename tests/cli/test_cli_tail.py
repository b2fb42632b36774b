"""`rta tail` follows a session."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import signal
from collections.abc import Iterator
from decimal import Decimal

import pytest
from conftest import LAP, SITE
from real_servers import held_port
from terminal import on_terminal


def samples(lines):
    return [line for line in lines if "parameter" in line]


def values_of(line):
    return line["t"], line["parameter"], line["value"], line["unit"]


def cells_of_the_lap():
    """Every cell as the sample that is to come of it."""
    columns = {"Speed (km/h)": ("Speed:csv", "km/h"), "Gear": ("Gear:csv", ""), "Oil Temp (°C)": ("Oil_Temp:csv", "°C")}
    for row in csv.DictReader(io.StringIO(LAP)):
        for header, (parameter, unit) in columns.items():
            if row[header]:
                value = float(row[header])
                t = int(Decimal(row["Time (s)"]) * 1_000_000_000)
                yield t, parameter, None if math.isnan(value) else value, unit


@pytest.mark.parametrize("kind", ["timestamped", "periodic", "row"])
def test_a_closed_session_comes_cell_by_cell_and_ends(command, service, kind):
    tail = command("tail", f"{kind}-1", "--json", "--url", service.url)
    lines = [json.loads(line) for line in tail.out.splitlines()]
    assert lines[0]["session"] == f"{kind}-1"
    assert lines[0]["identifier"] == f"A lap as {kind}"
    assert [line["state"] for line in lines if "session" in line][-1] == "closed"
    assert sorted(map(repr, map(values_of, samples(lines)))) == sorted(map(repr, cells_of_the_lap()))
    assert (tail.status, tail.err) == (0, "the session is closed\n")


def test_a_sample_says_what_the_file_calls_its_parameter(command, service):
    tail = command("tail", "row-1", "--json", "-p", "Oil Temp (°C)", "--url", service.url)
    first, *_ = samples(map(json.loads, tail.out.splitlines()))
    assert first == {
        "t": 250_000_000,
        "parameter": "Oil_Temp:csv",
        "name": "Oil Temp",
        "desc": "Oil Temp (°C)",
        "value": 98.0,
        "unit": "°C",
    }


@pytest.mark.parametrize(
    ("kind", "names"),
    [("timestamped", ["Oil_Temp:csv"]), ("row", ["Gear", "Speed"]), ("row", ["Gear:csv", "Speed"])],
)
def test_only_the_parameters_that_are_named_are_shown(command, service, kind, names):
    options = [word for name in names for word in ("-p", name)]
    tail = command("tail", f"A lap as {kind}", "--json", *options, RTA_URL=service.url)
    shown = samples(map(json.loads, tail.out.splitlines()))
    wanted = [cell for cell in cells_of_the_lap() if {cell[1], cell[1].removesuffix(":csv")} & set(names)]
    assert sorted(map(repr, map(values_of, shown))) == sorted(map(repr, wanted))
    assert tail.status == 0


def test_an_open_session_is_followed_until_ctrl_c(start, service):
    tail = start("tail", "--json", "--url", service.url)  # the latest one that is not closed
    tail.until(lambda: samples(tail.lines), "a sample")
    last = samples(tail.lines)[-1]["t"]
    tail.until(lambda: samples(tail.lines)[-1]["t"] > last + 1_000_000_000, "a second more of data")
    assert tail.lines[0] == {"session": "drive-1", "state": "open", "identifier": "Long drive"}
    tail.signal(signal.SIGINT)
    assert (tail.ends(), tail.err) == (0, "")


def test_without_json_the_last_values_are_a_table(command, service):
    tail = command("tail", "timestamped-1", "--url", service.url)
    assert tail.status == 0
    head, *rows = tail.out.splitlines()
    assert head == (
        "A lap as timestamped  closed  0:00:00.7  to 1970-01-01 00:00:01Z  timestamped-1  the session is closed"
    )
    assert rows.pop() == "rows 1-3 of 3"
    table = {words[0]: words[1:] for line in rows if (words := line.split())}
    assert table["parameter"] == ["value", "unit", "rate", "course"]
    assert table["Gear:csv"][:2] == ["5", "4.0/s"]
    assert table["Oil_Temp:csv"][:2] == ["-0.125", "°C"]
    assert table["Speed:csv"][0] == "nan"
    assert "▁▄█" in table["Speed:csv"][-1]


def test_on_a_terminal_the_table_is_live(start, service):
    terminal, side = os.openpty()
    try:
        tail = start("tail", "drive-1", "--url", service.url, stdout=side, TERM="xterm")
        os.close(side)
        seen = b""
        while seen.count(b"Speed:csv") < 3:
            seen += os.read(terminal, 1 << 16)
        tail.signal(signal.SIGINT)
        assert (tail.ends(), tail.err) == (0, "")
    finally:
        os.close(terminal)
    assert "Long drive" in seen.decode(errors="replace")


@pytest.mark.parametrize("arguments", [["tail", "--json"], ["sessions", "--json"]])
def test_a_reader_that_has_had_enough_ends_it_quietly(start, service, arguments):
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as lines:
        program = start(*arguments, "--url", service.url, stdout=writer)
        os.close(writer)
        assert json.loads(lines.readline())
    program.ends()
    assert program.err == ""


def test_an_unknown_session_is_one_line(command, service):
    tail = command("tail", "nothing", "--json", "--url", service.url)
    [line] = tail.err.splitlines()
    assert line.startswith(f"rta: {service.url} has no session 'nothing'; there are: ")
    assert "'drive-1'" in line
    assert (tail.status, tail.out) == (1, "")


@pytest.mark.parametrize("form", [["--json"], []])
def test_an_unknown_parameter_is_one_line(command, service, form):
    tail = command("tail", "drive-1", *form, "-p", "Sped", "--url", service.url)
    assert tail.out.count("\n") == len(form)  # what the session is
    assert tail.err.splitlines() == ['rta: no parameter "Sped"; there are: Speed:csv, Gear:csv']
    assert tail.status == 1


@pytest.mark.parametrize("name", ["tail", "sessions"])
def test_a_service_that_is_away_is_one_line(command, name):
    with held_port() as port:
        finished = command(name, "--json", "--url", f"http://127.0.0.1:{port}")
    [line] = finished.err.splitlines()
    assert line.startswith(f"rta: http://127.0.0.1:{port} cannot be reached: ")
    assert (finished.status, finished.out) == (1, "")


def test_what_is_no_url_is_one_line(command):
    finished = command("tail", "--url", "ftp://localhost:8180")
    assert finished.err.splitlines() == ["rta: 'ftp://localhost:8180' is no base URL like http://127.0.0.1:8180"]
    assert finished.status == 1


@pytest.fixture
def port() -> Iterator[str]:
    """Of a service that comes and goes."""
    with held_port() as port:
        yield str(port)


def test_it_connects_again_when_the_service_is_back(start, site, port):
    config = site()
    service = start("run", "--config", config, RTA_EDGE__PORT=port)
    service.until_streams("drive-1")
    tail = start("tail", "drive-1", "--json", "--url", service.url)
    tail.until(lambda: samples(tail.lines), "a sample")
    for end in (signal.SIGKILL, signal.SIGTERM):
        noticed = tail.err.count("connecting again")
        service.signal(end)
        service.ends()
        tail.until(lambda noticed=noticed: tail.err.count("connecting again") > noticed, "a notice")
        before = len(tail.lines)
        service = start("run", "--config", config, RTA_EDGE__PORT=port)
        tail.until(lambda before=before: samples(tail.lines[before:]), "a sample of the next service")
        assert tail.lines[before]["session"] == "drive-1"
    tail.signal(signal.SIGINT)
    assert tail.ends() == 0


FORGETFUL = SITE.replace('identity = "drive-1"\n', "")
"""Its buffer is memory, and its session has another identity after each start."""


@pytest.mark.parametrize("wanted", ["latest", "Long drive"])
def test_it_goes_on_with_the_newest_session_when_the_service_has_forgotten_the_one_before(start, site, port, wanted):
    config = site(FORGETFUL)
    service = start("run", "--config", config, RTA_EDGE__PORT=port)
    service.logged("session opened")
    tail = start("tail", wanted, "--json", "--url", service.url)
    tail.until(lambda: samples(tail.lines), "a sample")
    for end in (signal.SIGKILL, signal.SIGTERM):
        service.signal(end)
        service.ends()
        before = len(tail.lines)
        service = start("run", "--config", config, RTA_EDGE__PORT=port)
        identity = service.logged("session opened")["identity"]
        tail.until(
            lambda before=before, identity=identity: any(
                line.get("session") == identity for line in tail.lines[before:]
            ),
            "the next session",
        )
        before = len(tail.lines)
        tail.until(lambda before=before: samples(tail.lines[before:]), "a sample of the next session")
        assert f"following session {identity!r} from now on" in tail.err
    tail.signal(signal.SIGINT)
    assert tail.ends() == 0


def test_the_keys_of_a_terminal_turn_the_pages_and_end_it(start, site, tmp_path):
    config = site(SITE.replace("drive.csv", "wide.csv"))
    heads = ",".join(f"sensor {n}" for n in range(60))
    rows = "".join(f"{t / 10}," + ",".join(["1"] * 60) + "\n" for t in range(6000))
    (tmp_path / "wide.csv").write_text(f"Time (s),{heads}\n{rows}", encoding="utf-8")
    service = start("run", "--config", config)
    service.until_streams("drive-1")
    with on_terminal(start, "tail", "--url", service.url, columns=80, lines=24) as terminal:
        before = terminal.mode
        terminal.until("rows 1-20 of 60")
        for keys, rows in (("\x1b[6~", "21-40"), ("G", "41-60"), ("k", "40-59"), ("\x1b[A", "39-58")):
            terminal.press(keys)
            terminal.until(f"rows {rows} of 60")
        assert terminal.mode != before
        terminal.press("q")
        assert terminal.ends() == 0
        assert terminal.mode == before


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (40, 10)])
def test_a_terminal_of_any_size_shows_the_session_the_connection_and_how_many_rows_there_are(
    start, service, columns, lines
):
    with on_terminal(start, "tail", "drive-1", "--url", service.url, columns=columns, lines=lines) as terminal:
        terminal.until("rows 1-2 of 2")
        assert "drive-1" in terminal.text
        assert f"connected to {service.url}" in terminal.text
        terminal.program.signal(signal.SIGTERM)
        assert terminal.ends() == 0


def test_a_terminal_says_that_there_is_no_connection_also_in_12_lines(start, site):
    config = site()
    service = start("run", "--config", config)
    service.until_streams("drive-1")
    with on_terminal(start, "tail", "--url", service.url, columns=80, lines=12) as terminal:
        terminal.until(f"connected to {service.url}")
        service.signal(signal.SIGTERM)
        service.ends()
        terminal.until("no connection, trying again: ")
        terminal.program.signal(signal.SIGINT)
        assert terminal.ends() == 0
