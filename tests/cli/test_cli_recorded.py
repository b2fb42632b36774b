"""Recorded sessions are served by every process that a client may meet, on a real Redis."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path

import pytest
from program import PATIENCE
from real_servers import RedisServer

from rta.testing.archive_samples import ArchivedSample, samples_of
from rta.wire import ChunkParser, DataKind

DATA = "/rta/v2/sessions/lap-1/data/timestamped/-"


@pytest.fixture
def site(tmp_path: Path, redis_server: RedisServer) -> Path:
    """One that plays a recording at once, and records it."""
    (tmp_path / "lap.csv").write_text("Time,RPM\n" + "".join(f"{i / 100},{i}\n" for i in range(20_000)))
    path = tmp_path / "site.toml"
    path.write_text(
        f'[site]\ngrace = "1s"\nstate_dir = "{tmp_path}/state"\n[edge]\nport = 0\n'
        f'[buffer]\ntransport = "redis"\nurl = "{redis_server.url}"\n[logging]\nformat = "json"\n[archive]\n'
        '[[source]]\nname = "lap"\ntransport = "csv"\npath = "lap.csv"\nidentity = "lap-1"\nspeed = 1000\n'
    )
    return path


def answer(program, path: str) -> tuple[int, dict[str, str], bytes]:
    """Over a connection of its own, which any of the workers may have."""
    connection = HTTPConnection(*program.address, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        found = connection.getresponse()
        return found.status, {k.lower(): v for k, v in found.getheaders()}, found.read()
    finally:
        connection.close()


def until_recorded(program) -> None:
    def recorded() -> bool:
        status, _, body = answer(program, "/rta/v2/sessions/lap-1/recording")
        return status == 200 and json.loads(json.loads(body)["json"])["state"] == "closed"

    program.until(recorded, "the whole session in the archive")


def samples(body: bytes) -> list[ArchivedSample]:
    """Of an answer; the archive may merge its chunks meanwhile."""
    return list(samples_of(ChunkParser(DataKind.TIMESTAMPED).feed(body)))


def check_served(program, asker) -> None:
    """`asker`: whoever answers for recorded sessions of `program`."""
    status, headers, body = answer(program, DATA)
    expected = samples(body)
    assert (status, len(expected)) == (200, 20_000)
    assert headers["rta-flush-point"]
    for _ in range(20):
        status, again, body = answer(asker, f"{DATA}?upto={headers['rta-flush-point']}")
        assert status == 200
        assert samples(body) == expected
        assert again["rta-flush-point"] == headers["rta-flush-point"]
        [listed] = json.loads(answer(asker, "/rta/v2/sessions")[2])["sessions"]
        assert listed["identity"] == "lap-1"
        identifier = listed["configBindings"][0]["identifier"]
        assert answer(asker, f"/rta/v2/configs/{identifier}")[0] == 200
    assert answer(asker, "/rta/v2/sessions/lap-1/export?format=csv")[2].count(b"\n") > 20_000
    [channel] = json.loads(answer(asker, "/rta/v2/sessions/lap-1/overview/-?points=1")[2])["channels"]
    assert sum(channel["count"]) == 20_000


def test_every_worker_serves_what_the_first_has_recorded(start, site):
    program = start("run", "--config", site, "--workers", "2")
    program.until(lambda: sum(line["event"] == "ready" for line in program.log) >= 2, "both workers")
    until_recorded(program)
    check_served(program, program)
    assert answer(program, "/health")[0] == 200


def test_an_edge_serves_what_another_service_has_recorded_and_says_when_that_is_gone(start, site, tmp_path):
    program = start("run", "--config", site)
    until_recorded(program)
    host, port = program.address
    text = site.read_text().partition("[[source]]")[0]
    other = tmp_path / "edge.toml"
    other.write_text(text.replace("[archive]\n", f'[archive]\nurl = "http://{host}:{port}"\n'))
    edge = start("run", "--config", other)
    check_served(program, edge)
    assert answer(edge, "/health")[0] == 200
    program.kill()
    status, headers, body = answer(edge, "/rta/v2/sessions")
    assert (status, headers["rta-incomplete"]) == (200, "recorded sessions")
    assert [s["identity"] for s in json.loads(body)["sessions"]] == ["lap-1"]
    assert answer(edge, DATA)[0] == 502
    status, _, body = answer(edge, "/health")
    assert status == 200  # what is live is served
    assert b"note: " in body
