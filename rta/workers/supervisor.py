"""The supervisor: starts the workers, starts another one for each that dies, and ends all of them when it ends.

Owns the processes and the folder with their sockets. Serves nothing itself. Ends at a signal, or when a worker cannot
even be started.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
import trio

from rta.backoff import Backoff
from rta.signals import exit_at_once, guard_signals
from rta.workers.membership import TICKET_KEY, Membership

__all__ = ["Supervisor"]

log = structlog.get_logger("rta.workers")

_STEADY = 10.0  # seconds after which the death of a worker no longer makes the pauses grow
_TO_START = 60.0  # seconds for a worker to be ready before the next one is started
_OVER_GRACE = 15.0  # seconds that a worker has to end, beyond the grace of its clients


class Supervisor:
    """Supervises `count` workers, each started by `command`."""

    def __init__(self, command: Sequence[str], count: int, port: int, grace: float, environ: Mapping[str, str]) -> None:
        """`grace`: seconds that a worker gives its clients at the end."""
        self._command = list(command)
        self._count = count
        self._port = port
        self._grace = grace
        self._environ = environ
        self._processes: dict[int, trio.Process] = {}
        self._supervising = trio.CancelScope()
        """When it is cancelled, every worker is ended in order."""
        self._status = 0

    async def run(self) -> int:
        """Supervise until a signal; the exit status."""
        with TemporaryDirectory(prefix="rta-workers-") as folder:
            (Path(folder) / TICKET_KEY).write_bytes(secrets.token_bytes(32))
            at_once = partial(self._end_at_once, folder)
            async with guard_signals(partial(self._stop, at_once), at_once):
                with self._supervising:
                    await self._supervise_all(Path(folder))
        return self._status

    def _stop(self, at_once: Callable[[int], None], number: int) -> None:
        if self._supervising.cancel_called:  # a worker could not be started
            at_once(number)
        log.info("signal", name=signal.Signals(number).name)
        self._supervising.cancel()

    def _end_at_once(self, folder: str, number: int) -> None:
        for process in self._processes.values():
            if process.returncode is None:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)
        exit_at_once(number)

    async def _supervise_all(self, folder: Path) -> None:
        async with trio.open_nursery() as nursery:
            for index in range(self._count):
                up = trio.Event()
                nursery.start_soon(self._supervise, index, folder, up)
                with trio.move_on_after(_TO_START):  # one by one, so that a fault of all is reported once
                    await up.wait()
            log.info("workers are up", count=self._count, port=self._port)

    async def _supervise(self, index: int, folder: Path, up: trio.Event) -> None:
        """Run a worker, and another one when it dies; `up` is set when the first one is ready."""
        backoff = Backoff(first=0.2, cap=10.0)
        while True:
            started = trio.current_time()
            process = await self._run_one(index, folder, up)
            status = process.returncode
            assert status is not None
            if not up.is_set():
                if status <= 0:  # otherwise it has printed the reason
                    log.error("worker cannot be started", worker=index, pid=process.pid, status=status)
                self._status = max(status, 1)
                self._supervising.cancel()
                return
            log.error("worker died, starting another", worker=index, pid=process.pid, status=status)
            if trio.current_time() - started > _STEADY:
                backoff.reset()
            await backoff.pause()

    async def _run_one(self, index: int, folder: Path, up: trio.Event) -> trio.Process:
        """Run a worker until it ends."""
        ours, theirs = socket.socketpair()
        with trio.socket.from_stdlib_socket(ours) as link:
            with theirs:
                member = Membership(index, self._count, self._port, folder, theirs.fileno())
                process = await trio.lowlevel.open_process(
                    self._command,
                    env={**self._environ, **member.environment()},
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # so that Ctrl-C reaches it only from us, once
                )
            # No checkpoint since the start: from here on, the worker is ended whatever happens.
            self._processes[index] = process
            try:
                if await link.recv(1):
                    up.set()
                await process.wait()
            finally:
                if process.returncode is None:
                    with trio.CancelScope(shield=True):
                        await self._end(index, process)
        return process

    async def _end(self, index: int, process: trio.Process) -> None:
        """End a worker in order; kill it if that takes too long."""
        process.terminate()
        with trio.move_on_after(self._grace + _OVER_GRACE):
            await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
        # A worker that had not begun is ended by the signal itself, which is in order too.
        if process.returncode not in (0, -signal.SIGTERM):
            log.error("worker did not end in order", worker=index, pid=process.pid, status=process.returncode)
            self._status = self._status or 1
