"""`rta sessions` lists what a service has."""

from __future__ import annotations

import json


def test_the_table_has_a_line_for_each_session(run, service):
    listed = run("sessions", "--url", service.url)
    lines = listed.out.splitlines()
    assert lines[0].split() == ["identity", "identifier", "state", "started", "covers"]
    assert sorted(line.split()[0] for line in lines[1:]) == ["drive-1", "periodic-1", "row-1", "timestamped-1"]
    [lap] = [line for line in lines if line.startswith("row-1")]
    assert lap.split()[1:6] == ["A", "lap", "as", "row", "closed"]
    assert lap.endswith("closed  1970-01-01 00:00:00Z  0:00:00.7")
    assert (listed.status, listed.err) == (0, "")


def test_the_newest_comes_first(command, service):
    lines = command("sessions", "--url", service.url).out.splitlines()
    assert lines[1].startswith("drive-1")  # of today; the others have their file's times, of 1970
    assert " open " in lines[1]


def test_json_is_an_object_a_line(command, service):
    listed = command("sessions", "--json", RTA_URL=service.url)
    sessions = {s["identity"]: s for s in map(json.loads, listed.out.splitlines())}
    assert len(sessions) == 4
    assert sessions["row-1"]["identifier"] == "A lap as row"
    assert sessions["row-1"]["state"] == "closed"
    assert sessions["row-1"]["timeRange"] == {"startTime": 250_000_000, "endTime": 1_000_000_000}
    assert (listed.status, listed.err) == (0, "")


def test_a_service_without_sessions_says_so(start, command, site):
    service = start("run", "--config", site("edge.port = 0"))
    listed = command("sessions", "--url", service.url)
    assert (listed.status, listed.out, listed.err) == (0, "", "no sessions\n")
    tail = command("tail", "--url", service.url)
    assert (tail.status, tail.err) == (1, f"rta: {service.url} has no sessions\n")


def test_host_and_port_alone_are_a_url_too(command, service):
    place = service.url.removeprefix("http://")
    for listed in (command("sessions", "--url", place), command("sessions", RTA_URL=place)):
        assert listed.status == 0
        assert "drive-1" in listed.out
    nobody = command("sessions", "--url", "127.0.0.1:1")
    assert nobody.err == "rta: http://127.0.0.1:1 cannot be reached: Connection refused\n"
