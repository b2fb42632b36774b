"""Kills the processes that a run of the tests has left, once that run has ended, be it by `kill -9`.

It is a process beside the tests: its standard input, a pipe from them, comes to its end with them.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

__all__ = ["Reaper"]


class Reaper:
    """Has the processes that are `told` of ended with this one, and those that share the session of one of them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._start = subprocess.Popen.__init__

    def watch(self) -> None:
        """From now on each process that is started is told of. Where there are no pidfds nothing is done."""
        if not hasattr(os, "pidfd_open"):
            return
        start = self._start

        def start_and_tell(process: subprocess.Popen[bytes], *arguments: object, **more: object) -> None:
            start(process, *arguments, **more)  # type: ignore[call-overload]
            self.told(process.pid)

        subprocess.Popen.__init__ = start_and_tell  # type: ignore[assignment, method-assign]

    def told(self, pid: int) -> None:
        if self._process is None:
            self._process = subprocess.Popen.__new__(subprocess.Popen)
            command = [sys.executable, "-I", "-S", __file__]
            self._start(self._process, command, stdin=subprocess.PIPE, bufsize=0, start_new_session=True)
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % pid)

    def end(self) -> None:
        """In order: what is left is killed now."""
        subprocess.Popen.__init__ = self._start  # type: ignore[method-assign]
        if self._process is not None:
            self._process.communicate()
            self._process = None


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)


def main() -> None:
    alive: dict[int, int] = {}
    """The numbers of processes by their pidfds, which tell them from later ones that have the same numbers."""
    known = select.poll()

    def forget_the_ended() -> None:
        for fd, _ in known.poll(0):
            known.unregister(fd)
            os.close(fd)
            del alive[fd]

    for line in sys.stdin.buffer:
        forget_the_ended()
        with suppress(ProcessLookupError):
            fd = os.pidfd_open(int(line))
            alive[fd] = int(line)
            known.register(fd, select.POLLIN)
    forget_the_ended()
    for pid in alive.values():
        _kill(pid)


if __name__ == "__main__":
    main()
