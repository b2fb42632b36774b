"""The supervisor: starts the workers, starts those that die again, and takes them down with it.

Owns the processes and the port, which it holds without listening, so that nobody else gets it while a worker is
being replaced. Serves nothing itself. Ends when it is told to, or when no worker can be started.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
import trio

from rta.backoff import Backoff
from rta.errors import RtaError
from rta.workers.membership import Membership

__all__ = ["Supervisor", "hold_port"]

log = structlog.get_logger("rta.workers")

_STEADY = 10.0  # seconds after which a worker that dies has not died at once
_TO_START = 60.0
_OVER_GRACE = 15.0  # seconds a worker may take to end beyond the grace its clients have


@contextmanager
def hold_port(host: str, port: int) -> Iterator[int]:
    """Keep a port for processes of ours that share it; which one, where any would do.

    :raises RtaError: somebody else has it, or the host is none of ours.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as e:
        raise RtaError(f"edge.host: {host!r} is no address to listen on: {e.strerror}") from None
    with ExitStack() as held:
        for family, kind, protocol, _, address in found:
            try:
                if port:
                    with _bind(family, kind, protocol, address[0], port, shared=False) as alone:
                        alone.listen()  # fails where others listen, be they willing to share
                sock = held.enter_context(_bind(family, kind, protocol, address[0], port, shared=True))
            except OSError as e:
                raise RtaError(f"cannot listen on {host}:{port}: {e.strerror}") from None
            port = sock.getsockname()[1]
        yield port


def _bind(family: int, kind: int, protocol: int, host: str | int, port: int, *, shared: bool) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class Supervisor:
    """Of `count` workers, each started by `command`."""

    def __init__(self, command: Sequence[str], count: int, port: int, grace: float, environ: Mapping[str, str]) -> None:
        """`grace`: seconds a worker gives its clients at the end."""
        self._command = list(command)
        self._count = count
        self._port = port
        self._grace = grace
        self._environ = environ
        self._processes: dict[int, trio.Process] = {}
        self._stop = trio.Event()
        self._status = 0

    async def run(self) -> int:
        """Until a signal; the exit status."""
        with TemporaryDirectory(prefix="rta-workers-") as folder:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._signals)
                nursery.start_soon(self._start_all, Path(folder), nursery)
                await self._stop.wait()
                await self._end_all()
                nursery.cancel_scope.cancel()
        return self._status

    async def _signals(self, *, task_status: trio.TaskStatus[None]) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for number in signals:
                if self._stop.is_set():
                    self._send(signal.SIGKILL)
                    os._exit(128 + number)
                log.info("signal", name=signal.Signals(number).name)
                self._stop.set()

    async def _start_all(self, folder: Path, nursery: trio.Nursery) -> None:
        for index in range(self._count):
            # The first one alone, so that what is wrong is said once.
            with trio.move_on_after(_TO_START):
                await nursery.start(self._keep, index, folder)
        log.info("workers are up", count=self._count, port=self._port)

    async def _keep(self, index: int, folder: Path, *, task_status: trio.TaskStatus[None]) -> None:
        """Have a worker, again and again."""
        backoff = Backoff(first=0.2, cap=10.0)
        begun = False
        while True:
            started = trio.current_time()
            ready, process = await self._run_one(index, folder, task_status if not begun else None)
            if self._stop.is_set():
                return
            status = process.returncode
            if not ready and not begun:
                self._status = status if status and status > 0 else 1
                self._stop.set()
                return
            begun = True
            log.error("worker died, starting another", worker=index, pid=process.pid, status=status)
            if trio.current_time() - started > _STEADY:
                backoff.reset()
            await backoff.pause()

    async def _run_one(
        self, index: int, folder: Path, task_status: trio.TaskStatus[None] | None
    ) -> tuple[bool, trio.Process]:
        """One life of a worker: whether it was ready once, and the process that was it."""
        ours, theirs = socket.socketpair()
        with trio.socket.from_stdlib_socket(ours) as link:
            with theirs:
                member = Membership(index, self._count, self._port, folder, theirs.fileno())
                process = await trio.lowlevel.open_process(
                    self._command,
                    env={**self._environ, **member.environment()},
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # Ctrl-C is ours to pass on, once
                )
            self._processes[index] = process
            ready = bool(await link.recv(1))
            if ready and task_status is not None:
                task_status.started()
            await process.wait()
        return ready, process

    def _send(self, number: int) -> None:
        for process in self._processes.values():
            if process.returncode is None:
                process.send_signal(number)

    async def _end_all(self) -> None:
        self._send(signal.SIGTERM)
        with trio.move_on_after(self._grace + _OVER_GRACE):
            for process in self._processes.values():
                await process.wait()
        self._send(signal.SIGKILL)
