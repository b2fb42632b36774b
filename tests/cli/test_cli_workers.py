"""Several workers behind one port, on a real Redis."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from program import wait_until
from real_servers import RedisServer, held_port


@pytest.fixture
def config(tmp_path, redis_server: RedisServer):
    """A site on Redis with a source."""
    (tmp_path / "lap.csv").write_text("Time,RPM\n" + "".join(f"{i / 10},{i}\n" for i in range(6000)))
    path = tmp_path / "site.toml"
    path.write_text(
        f'[site]\ngrace = "1s"\n[edge]\nport = 0\n[buffer]\ntransport = "redis"\nurl = "{redis_server.url}"\n'
        '[logging]\nformat = "json"\n[[source]]\nname = "lap"\ntransport = "csv"\npath = "lap.csv"\n'
        'identity = "lap-1"\n'
    )
    return path


def up(program, count: int = 2) -> None:
    """Wait until so many workers have been ready."""
    program.until(lambda: sum(line["event"] == "ready" for line in program.log) >= count, f"{count} workers")


def workers_of(program) -> list[int]:
    """The two processes of the workers, in the order of their beginning."""
    found = children_of(program)
    assert len(found) == 2
    return found


def children_of(program) -> list[int]:
    """Its workers. A library that it imports asks `ldconfig`, which is a child for a moment too."""
    numbers = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdecimal()]
    return sorted(pid for pid in numbers if parent(pid) == program.pid and is_worker(pid))


def is_worker(pid: int) -> bool:
    try:
        return b"\0-m\0rta\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def folder_for_temporary_files(tmp_path: Path) -> Path:
    folder = tmp_path / "t"
    folder.mkdir()
    return folder


def parent(pid: int) -> int | None:
    """None for a process that is no more."""
    try:
        state, ppid = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(ppid)


def alive(pid: int) -> bool:
    return parent(pid) is not None


def metric(program, name: str) -> float:
    lines = program.get("/metrics").splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.partition(" ")[0].partition("{")[0] == name)


def test_both_serve_and_one_runs_the_source(start, config):
    program = start("run", "--config", config, "--workers", "2")
    up(program)
    ready = [line for line in program.log if line["event"] == "ready"]
    assert [(line["worker"], line["sources"]) for line in ready] == [(0, ["lap"]), (1, [])]
    program.until(lambda: metric(program, "rta_workers") == 2, "metrics of both workers")
    assert metric(program, "rta_healthy") == 1
    program.until(lambda: metric(program, "rta_ingest_bursts_total") > 0, "bursts")
    program.until_streams("lap-1")
    assert '"channels"' in program.get("/rta/v2/configs/" + configuration_of(program))


def configuration_of(program) -> str:
    [session] = json.loads(program.get("/rta/v2/sessions"))["sessions"]
    return session["configBindings"][0]["identifier"]


def test_connections_spread_over_the_workers_and_are_counted_together(start, config):
    program = start("run", "--config", config, "--workers", "2")
    up(program)
    with ExitStack() as open_ones:
        for _ in range(30):
            open_ones.enter_context(socket.create_connection(program.address))
        program.until(lambda: metric(program, "rta_connections") >= 30, "all connections in the metrics")


def test_a_worker_that_is_killed_is_replaced(start, config):
    program = start("run", "--config", config, "--workers", "2")
    up(program)
    before = workers_of(program)
    os.kill(before[0], signal.SIGKILL)  # the one with the source
    program.logged("worker died, starting another", worker=0, status=-9)
    up(program, 3)
    assert before[1] in workers_of(program)
    opened = [line for line in program.log if line["event"] == "session opened"]
    program.until(lambda: len([e for e in program.log if e["event"] == "session opened"]) == 2, "the source again")
    assert all(line["worker"] == 0 for line in opened)


def test_every_process_may_be_signalled(start, config):
    """As by a service manager that knows of no supervisors: a worker then hears of its end twice."""
    program = start("run", "--config", config, "--workers", "2")
    up(program)
    program.until_streams("lap-1")
    for pid in [*workers_of(program), program.pid]:
        os.kill(pid, signal.SIGTERM)
    assert program.ends() == 0
    assert sorted(line["worker"] for line in program.log if line["event"] == "stopped") == [0, 1]


def test_a_signal_before_all_are_up_is_an_orderly_end_too(start, config):
    program = start("run", "--config", config, "--workers", "2")
    program.until(lambda: children_of(program), "the first worker")
    workers = children_of(program)
    program.signal(signal.SIGTERM)
    assert program.ends() == 0
    assert not any(alive(pid) for pid in workers)
    assert "Traceback" not in program.err


def test_a_second_signal_ends_all_at_once_and_leaves_nothing(start, config, tmp_path):
    folder = folder_for_temporary_files(tmp_path)
    program = start("run", "--config", config, "--workers", "2", TMPDIR=str(folder))
    up(program)
    workers = workers_of(program)
    assert list(folder.iterdir()) != []
    os.kill(workers[1], signal.SIGSTOP)  # it cannot end in order
    program.signal(signal.SIGTERM)
    program.logged("stopped", worker=0)
    program.signal(signal.SIGTERM)
    assert program.ends() == 128 + signal.SIGTERM
    wait_until(lambda: not any(alive(pid) for pid in workers), "the end of the workers")
    assert list(folder.iterdir()) == []


def test_a_signal_ends_all_in_order(start, config):
    program = start("run", "--config", config, "--workers", "2")
    up(program)
    workers = workers_of(program)
    program.signal(signal.SIGTERM)
    assert program.ends() == 0
    assert not any(alive(pid) for pid in workers)
    assert [line["worker"] for line in program.log if line["event"] == "session ended early"] == [0]
    assert sorted(line["worker"] for line in program.log if line["event"] == "stopped") == [0, 1]


def test_a_supervisor_that_is_killed_leaves_nobody_and_nothing_behind(start, config, tmp_path):
    folder = folder_for_temporary_files(tmp_path)
    program = start("run", "--config", config, "--workers", "2", TMPDIR=str(folder))
    up(program)
    workers = workers_of(program)
    program.signal(signal.SIGKILL)
    program.ends()
    wait_until(lambda: not any(alive(pid) for pid in workers), "the end of the workers")
    assert list(folder.iterdir()) == []


def test_a_port_in_use_is_one_line(start, config):
    program = start("run", "--config", config, "--workers", "2")
    up(program)
    text = config.read_text().replace("port = 0", f"port = {program.address[1]}")
    taken = config.with_name("taken.toml")
    taken.write_text(text)
    for workers in ("2", "1"):
        second = start("run", "--config", taken, "--workers", workers)
        assert second.ends() == 1
        assert [line for line in second.err.splitlines() if "cannot listen" in line] == second.err.splitlines()
        assert second.err.count("\n") == 1


def test_the_memory_of_one_process_cannot_be_shared(command, site):
    failed = command("run", "--config", site(), "--workers", "2")
    assert failed.status == 2
    assert 'buffer.transport: "memory" is the buffer of one process, and there are 2 workers' in failed.err
    assert failed.err.count("\n") == 1


def test_a_worker_that_cannot_start_is_said_once(start, config):
    """What is wrong is found only by opening it."""
    text = config.read_text().replace('transport = "redis"', 'transport = "redis"\npassword_file = "secret"')
    config.write_text(text)
    config.with_name("secret").write_bytes(b"\xff")
    failed = start("run", "--config", config, "--workers", "2")
    assert failed.ends() == 1
    [line] = failed.err.splitlines()
    assert line.startswith("rta: password_file ")


def test_two_that_start_together_do_not_share_a_port(start, config):
    with held_port() as port:
        config.write_text(config.read_text().replace("port = 0", f"port = {port}"))
        both = [start("run", "--config", config, "--workers", "2") for _ in range(2)]
        wait_until(lambda: any("cannot listen" in program.err for program in both), "one being refused")
        refused, other = sorted(both, key=lambda program: "cannot listen" not in program.err)
        assert refused.ends() == 1
        up(other)


def test_modules_are_not_looked_for_in_the_working_directory(environ, config, tmp_path):
    """Where `rta` itself does not look for them either."""
    script = tmp_path / "bin"
    script.mkdir()
    (script / "rta").write_text("from rta.cli import main\nmain()\n")
    here = tmp_path / "here"
    here.mkdir()
    (here / "attrs.py").write_text("raise RuntimeError('not this one')\n")
    run = [sys.executable, script / "rta", "run", "--config", config, "--workers", "2"]
    with subprocess.Popen(run, cwd=here, env=environ, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = b""
        while b"workers are up" not in said and (line := process.stderr.readline()):
            said += line
        process.terminate()
        process.stderr.read()
    assert (process.returncode, b"not this one" in said) == (0, False)
