"""`rta run FILE` plays recordings without a configuration; `rta run` alone says that it is the demo."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from conftest import LAP

from rta.cli.played_files import play_files, source_names
from rta.config import load_config


@pytest.fixture
def laps(tmp_path) -> list[Path]:
    """Three recordings, two of them called the same."""
    paths = [tmp_path / "lap.csv", tmp_path / "old" / "lap.csv", tmp_path / "The 1st lap!.csv"]
    paths[1].parent.mkdir()
    for path in paths:
        path.write_text(LAP, encoding="utf-8")
    return paths


def test_files_are_played_and_the_service_goes_on(start, laps):
    program = start("run", "--port", "0", "--speed", "0", *laps)
    closed = [program.logged("session closed", source=name) for name in ("lap", "lap-2", "The-1st-lap")]
    program.logged("all sources have ended; the service goes on with what is in the buffer")
    sessions = json.loads(program.get("/rta/v2/sessions"))["sessions"]
    assert {s["identity"] for s in sessions} == {line["identity"] for line in closed}
    assert sorted(s["identifier"] for s in sessions) == ["The 1st lap!", "lap", "lap"]
    said = f"playing at {program.url}/; `rta tail --url {program.url}` follows it"
    program.logged(said)
    assert sum(line["event"] == said for line in program.log) == 1
    program.signal(signal.SIGTERM)
    assert program.ends() == 0
    assert "demo" not in program.err


def test_a_loop_begins_a_new_session_each_time(start, laps):
    program = start("run", laps[0], "--loop", "--speed", "100", RTA_EDGE__PORT="0")
    program.until(lambda: sum(line["event"] == "session opened" for line in program.log) > 2, "three sessions")
    assert len({line["identity"] for line in program.log if line["event"] == "session opened"}) > 2


def test_it_is_the_configuration_that_a_file_would_give(tmp_path, laps):
    path = tmp_path / "site.toml"
    tables = "".join(
        f'[[source]]\nname = "{name}"\ntransport = "csv"\npath = "{lap}"\nspeed = 2.0\nloop = true\n'
        for name, lap in zip(("lap", "lap-2", "The-1st-lap"), laps, strict=True)
    )
    path.write_text(tables, encoding="utf-8")
    played, loaded = play_files(laps, 2.0, True, {}), load_config(path, {})
    assert (played.buffer, played.edge, played.sources) == (loaded.buffer, loaded.edge, loaded.sources)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a.csv", "b/a.csv", "a-2.csv", "a.txt"], ["a", "a-2", "a-2-2", "a-3"]),
        (["Zählung 1.csv", "ä.csv", ".csv"], ["Z-hlung-1", "file", ".csv"]),
    ],
)
def test_sources_are_called_as_their_files_and_no_two_the_same(paths, names):
    assert list(source_names(list(map(Path, paths)))) == names


def test_all_that_is_wrong_with_files_is_said_at_once(command, tmp_path, laps):
    unfit = tmp_path / "unfit.csv"
    unfit.write_text("Time\n")
    refused = command("run", tmp_path / "none.csv", laps[0], unfit)
    assert refused.status == 2
    assert f"{tmp_path / 'none.csv'}: cannot be read: No such file or directory" in refused.err
    assert f"{unfit}: " in refused.err
    assert str(laps[0]) not in refused.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["site.toml"], "site.toml is a configuration, not a recording: rta run --config site.toml"),
        (["lap.csv", "--config", "site.toml"], "either FILEs, or --config"),
        (["--speed", "2"], "--speed and --loop are for FILEs"),
        (["--loop", "--config", "site.toml"], "--speed and --loop are for FILEs"),
        (["lap.csv", "--speed", "-1"], "-1"),
        (["lap.csv", "--speed", "inf"], "finite"),
        (["lap.csv", "--port", "70000"], "70000"),
    ],
)
def test_what_does_not_go_together_is_refused(command, laps, monkeypatch, arguments, words):
    monkeypatch.chdir(laps[0].parent)
    refused = command("run", *arguments)
    assert refused.status == 2
    assert words in refused.err


def test_one_process_has_the_memory_for_itself(command, laps):
    refused = command("run", laps[0], "--workers", "2")
    assert refused.status == 2
    assert 'buffer.transport: "memory" is the buffer of one process, and there are 2 workers' in refused.err


def test_workers_play_files_where_the_buffer_is_shared(start, laps, redis_server):
    on_redis = {"RTA_BUFFER__TRANSPORT": "redis", "RTA_BUFFER__URL": redis_server.url}
    program = start("run", *laps, "--port", "0", "--workers", "2", "--speed", "1000", **on_redis)
    program.until(lambda: sum(line["event"] == "ready" for line in program.log) == 2, "two workers")
    for name in ("lap", "lap-2", "The-1st-lap"):
        program.logged("session closed", source=name, worker=0)

    def places() -> int:
        return sum(line["event"].startswith("playing at ") for line in program.log)

    program.until(places, "where it plays")
    assert places() == 1


def test_the_demo_says_that_it_is_one_and_a_configuration_does_not(start, site):
    demo = start("run", "--port", "0")
    demo.logged("this is the built-in demo; `rta run FILE` plays a file of yours")
    demo.logged("ready")
    configured = start("run", "--config", site())
    configured.logged("ready")
    assert "demo" not in configured.err


def test_a_port_on_the_command_line_comes_first(start, site):
    program = start("run", "--config", site(), "--port", "0", RTA_EDGE__PORT="70001")
    program.logged("ready")


def test_an_edge_beyond_this_machine_is_warned_about_once(start, site):
    program = start("run", "--config", site(), RTA_EDGE__HOST="0.0.0.0", RTA_AUTH__ALLOW_INSECURE="true")
    program.logged("ready")
    [warning] = [line["event"] for line in program.log if line["level"] == "warning"]
    assert warning.startswith("edge.host: 0.0.0.0 can be reached from elsewhere, and nobody has to sign in")
