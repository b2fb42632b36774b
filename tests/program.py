"""`rta` as another process: what it is started with, what it says, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["PATIENCE", "Program", "Start", "starting", "wait_until"]

PATIENCE = 120.0
"""Seconds after which what was waited for is taken to never come."""


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Look again and again.

    :raises AssertionError: it did not come true; `what` says what was waited for.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


_ON_TERMINAL = """\
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "rta", *sys.argv[1:]])
"""
"""Makes the terminal that is our standard input the one whose keys we get, and becomes `rta`."""


class Program:
    """One run. Standard output and error go to files, or to the descriptors that are given."""

    def __init__(
        self,
        arguments: tuple[str, ...],
        folder: Path,
        environ: Mapping[str, str],
        stdout: int | None,
        stderr: int | None,
        terminal: int | None = None,
    ) -> None:
        """`folder` is the process's own: its working directory, and where its files are. `terminal`: what it has as
        input and output, in place of all others.
        """
        self._arguments = arguments
        self._out, self._err = folder / "stdout", folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, *(["-m", "rta"] if terminal is None else ["-c", _ON_TERMINAL]), *arguments],
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                stdout=terminal or (out if stdout is None else stdout),
                stderr=err if stderr is None else stderr,
                cwd=folder,
                env=environ,
            )

    # ---- what it says

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its output so far, as lines of JSON."""
        return _objects(self.out)

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its log so far, as lines of JSON."""
        return _objects(self.err)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for something that it is to do while it runs."""

        def has_come_or_cannot() -> bool:
            running = self._process.poll() is None
            return bool(condition()) or not running

        wait_until(has_come_or_cannot, f"{what} of {self}")
        assert condition(), f"{self} ended before {what}"

    def logged(self, event: str, **fields: object) -> dict[str, Any]:
        """The first log line of this event, with these fields; waits for it."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.log if line["event"] == event and fields.items() <= line.items()]

        self.until(found, f"{event!r} in the log")
        return found()[0]

    # ---- how it ends

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def ends(self) -> int:
        """Wait for its end: the exit status."""
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"waited in vain for the end of {self}") from None

    def lives(self, seconds: float) -> bool:
        """Whether it has not ended within so many seconds from now."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def kill(self) -> None:
        """End it whatever it does; nothing happens if it has ended."""
        self._process.kill()
        self._process.wait()

    # ---- as a service

    @property
    def url(self) -> str:
        """Where it serves; waits until it does."""
        url: str = self.logged("ready")["url"]
        return url

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def get(self, path: str) -> str:
        """The body of an answer 200."""
        status, body = self.answer(path)
        assert status == 200, (path, status, body)
        return body

    @property
    def health(self) -> str:
        """What `/health` says: `Healthy`, or the reasons why not."""
        return self.answer("/health")[1]

    def answer(self, path: str) -> tuple[int, str]:
        """The status and the body of an answer."""
        connection = HTTPConnection(*self.address, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def until_streams(self, identity: str) -> None:
        """Wait until it has this session."""
        self.until(lambda: f'"identity":"{identity}"' in self.get("/rta/v2/sessions"), f"session {identity}")

    def __str__(self) -> str:
        return f"rta {' '.join(self._arguments)}, which has said:\n{self.out[-2000:]}\n{self.err[-4000:]}"


def _objects(text: str) -> list[dict[str, Any]]:
    """One a line; the last line counts once it has ended."""
    return [json.loads(line) for line in text.split("\n")[:-1]]


Start = Callable[..., Program]


@contextmanager
def starting(folder: Path, plain: dict[str, str]) -> Iterator[Start]:
    """Start processes, each in a folder of its own below; they are killed at the end."""
    programs: list[Program] = []
    numbers = count(1)

    def start(
        *arguments: object,
        stdout: int | None = None,
        stderr: int | None = None,
        terminal: int | None = None,
        **environ: str,
    ) -> Program:
        own = folder / f"process-{next(numbers)}"
        own.mkdir()
        home = {"XDG_STATE_HOME": str(own / "home")}
        program = Program(tuple(map(str, arguments)), own, plain | home | environ, stdout, stderr, terminal)
        programs.append(program)
        return program

    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # as in background jobs of a shell; processes would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield start
    finally:
        signal.signal(signal.SIGINT, before)
        for program in programs:
            program.kill()
