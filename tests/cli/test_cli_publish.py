"""`rta publish` writes a recording to Redis."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from real_servers import RedisServer, held_port
from redis import Redis

DRIVE = Path(__file__).parents[2] / "config" / "data" / "wrx-drive.csv"


@pytest.fixture
def lap(site) -> Path:
    return site().parent / "lap.csv"


def sessions(server: RedisServer) -> list[dict[str, str]]:
    with Redis.from_url(server.url, decode_responses=True) as client:
        return [client.hgetall(key) for key in client.scan_iter("sessions:*")]


def test_the_demos_drive_needs_no_options(command, redis_server):
    done = command("publish", DRIVE, "--redis", redis_server.url, "--speed", "0")
    assert (done.status, done.err) == (0, "")
    [session] = sessions(redis_server)
    said = json.loads(session["json"])
    assert (said["state"], said["identifier"]) == ("closed", "wrx-drive")
    assert int(session["tEnd"]) - int(session["tStart"]) == 1_352_760_000_000
    layout, first, *_, last = done.out.splitlines()  # between them a line for each second that it takes
    assert layout.startswith("utf-8, commas between cells, header in line 1, time 'Time' (s); 15 columns: Accel Pos")
    assert first == f"session {said['identity']} opened"
    assert last.startswith(f"session {said['identity']} closed: 1352.8 s, ")


def test_options_of_the_session_and_of_the_file(command, redis_server, lap):
    done = command(
        *("publish", lap, "--redis", redis_server.url, "--speed", "0", "--stream", "car1", "--identity", "lap-1"),
        *("--identifier", "A lap", "--origin", "file", "--time-unit", "ms", "--time-column", "Time"),
        *("-o", 'types=Gear="u8"', "-o", "kind=row"),
    )
    assert (done.status, done.err) == (0, "")
    [session] = sessions(redis_server)
    said = json.loads(session["json"])
    assert (session["streamName"], said["identity"], said["identifier"]) == ("car1", "lap-1", "A lap")
    assert (session["tStart"], session["tEnd"]) == ("250000", "1000000")
    with Redis.from_url(redis_server.url, decode_responses=True) as client:
        document = client.get(f"rta:config:{said['configBindings'][0]['identifier']}")
    assert "Gear:csv" in document


def test_ctrl_c_leaves_the_session_truncated(start, redis_server, site):
    program = start("publish", site().parent / "drive.csv", "--redis", redis_server.url)
    program.until(lambda: any("tStart" in s for s in sessions(redis_server)), "data")
    program.signal(signal.SIGINT)
    assert program.ends() == 130
    [session] = sessions(redis_server)
    assert json.loads(session["json"])["state"] == "truncated"
    assert " truncated: " in program.out
    assert program.err == ""


def test_a_redis_that_is_not_there_is_said(command, lap):
    with held_port() as port:
        failed = command("publish", lap, "--redis", f"redis://127.0.0.1:{port}")
    assert (failed.status, failed.out) == (1, "")
    assert failed.err.startswith("rta: Redis at 127.0.0.1:")
    assert failed.err.endswith("Connection refused; start it, or wait for it with --wait\n")
    assert failed.err.count("\n") == 1


def test_or_is_waited_for(start, lap):
    server = RedisServer()
    try:
        program = start("publish", lap, "--redis", server.url, "--speed", "0", "--wait")
        program.until(lambda: "waiting: Redis at" in program.out, "waiting")
        server.start()
        assert program.ends() == 0
        [session] = sessions(server)
        assert json.loads(session["json"])["state"] == "closed"
        assert "writing again" in program.out
    finally:
        server.stop()


def test_a_second_ctrl_c_does_not_wait_for_a_redis_that_is_away(start, own_redis, site):
    program = start("publish", site().parent / "drive.csv", "--redis", own_redis.url)
    program.until(lambda: sessions(own_redis), "a session")
    own_redis.kill()
    program.until(lambda: "waiting: " in program.out, "waiting")
    program.signal(signal.SIGINT)
    program.signal(signal.SIGTERM)
    assert program.ends() in (130, 143)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--speed", "fast"], "speed: expected a number"),
        (["-o", "wings=2"], "wings: there is no such option"),
        (["--time-column", "When"], "there is no column 'When'"),
        (["-o", "wings"], "expected NAME=VALUE"),
    ],
)
def test_what_is_wrong_with_the_options_is_said(command, lap, arguments, message):
    refused = command("publish", lap, *arguments)
    assert (refused.status, refused.out) == (2, "")
    assert message in refused.err
    assert "Traceback" not in refused.err


def test_a_file_that_is_not_there_is_said(command, tmp_path):
    refused = command("publish", tmp_path / "none.csv")
    assert (refused.status, refused.out) == (2, "")
    assert "none.csv: cannot be read: No such file" in refused.err
