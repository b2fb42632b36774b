"""Child processes, each stopped by its own id, and what the kernel says they used."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["ROOT", "BenchError", "Child", "allow_many_files", "free_port", "wait_until"]

ROOT = Path(__file__).resolve().parents[2]
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class BenchError(Exception):
    """A measurement that did not come about."""


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / (1 << 20)


def _descendants(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for task in tasks for child in task.read_text().split()]
    return found + [further for child in found for further in _descendants(child)]


class Child:
    """A child process. Its standard error goes to a file, to be shown if it fails."""

    def __init__(self, argv: list[str], errors: Path, env: dict[str, str] | None = None) -> None:
        self._errors = errors
        with errors.open("ab") as stderr:
            self._process = subprocess.Popen(
                argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def line(self) -> str:
        """The next line of its output.

        :raises BenchError: it has ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise BenchError(f"ended with {self._process.returncode}:\n{self.errors()}")
        return line

    def errors(self) -> str:
        """The end of what it said on standard error."""
        return self._errors.read_text(errors="replace")[-3000:]

    def cpu(self) -> float:
        """Seconds of CPU used so far by it and its children, in steps of the kernel's tick."""
        return sum(map(_cpu, [self.pid, *_descendants(self.pid)]))

    def rss(self, what: str = "VmRSS") -> float:
        """Resident memory in MiB; `VmHWM` for the most there has been."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
        return 0.0

    def rss_of_all(self) -> float:
        """Resident memory in MiB of it and its children."""
        return sum(map(_resident, [self.pid, *_descendants(self.pid)]))

    def settle(self, limit: float = 20.0) -> None:
        """Wait until it uses next to no CPU."""
        until, quiet, before = time.monotonic() + limit, 0, self.cpu()
        while quiet < 3 and time.monotonic() < until:
            time.sleep(0.1)
            after = self.cpu()
            quiet = quiet + 1 if after - before <= 2 / _TICK else 0
            before = after

    def stop(self, patience: float = 3.0) -> None:
        """Terminate it, kill it if it does not end, and wait for it; idempotent."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def wait_until(done: Callable[[], object], child: Child, limit: float, what: str) -> None:
    """Poll until it is so.

    :raises BenchError: it took too long, or the child has ended.
    """
    until = time.monotonic() + limit
    while not done():
        if not child.running or time.monotonic() > until:
            raise BenchError(f"no {what} within {limit:g} s, or the process has ended:\n{child.errors()}")
        time.sleep(0.002)


def allow_many_files() -> None:
    """As many open files as the hard limit lets us have, for us and the children."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
