"""A run of the tests that is killed leaves no process behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from real_servers import wait_for

pytestmark = pytest.mark.processes

RUN = """if True:
    import signal, subprocess, sys
    sys.path.insert(0, sys.argv[1])
    from reaper import Reaper
    Reaper().watch()
    one = subprocess.Popen(["sleep", "3600"], stdout=subprocess.DEVNULL)
    subprocess.Popen(["true"]).wait()
    command = ["sh", "-c", "sleep 3600 & echo $!; wait"]
    session = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    print(one.pid, session.pid, int(session.stdout.readline()), flush=True)
    signal.pause()
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="there are no pidfds")
def test_processes_and_their_sessions_end_with_a_run_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", RUN, Path(__file__).parent], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        started = [int(pid) for pid in run.stdout.readline().split()]
        assert [alive(pid) for pid in started] == [True] * 3
        run.kill()
    wait_for(lambda: not any(alive(pid) for pid in started))
