"""The process of a store, as whoever has started it sees it: it is asked for what functions of the store give.

Neither what is written nor what is read takes the interpreter or a core from what is live, and whatever happens to
SQLite happens in the process. It ends with us, however we end.
"""

from __future__ import annotations

import signal
import socket
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import structlog
import trio
from attrs import define, field

from rta.background import in_background
from rta.errors import RtaError
from rta.python_command import python_command
from rta.store.calls import IncomingReplies, StoreCall, StoreReply, write
from rta.store.kind import StoreKind
from rta.wakeup import Wakeup

__all__ = ["StoreWorker", "in_a_process"]

_BUFFER = 1 << 20  # bytes of the socket: a commit is written at once
_ENDING = 2.0  # seconds for the process to bring its log into the file
_UNANSWERED = 256  # calls; then no more is read
_DYING = 1.0  # and to be gone when it is killed
_CRASHES = (signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)

T = TypeVar("T")


@asynccontextmanager
async def in_a_process(kind: StoreKind, path: Path) -> AsyncIterator[StoreWorker]:
    """A process that has the store open. A store at which one has crashed is set aside by the next one.

    At the end what was written is in its files.

    :raises RtaError: it cannot be opened; `kind.error`.
    """
    line, process, worker = await _begun(kind, path)
    # No checkpoint since it has begun: from here on it is ended whatever happens.
    try:
        async with in_background(worker.run):
            yield worker
    finally:
        line.close()
        await _end(process, _ENDING)
        if worker.by_itself:
            log = structlog.get_logger(f"rta.{kind.name}")
            log.error(f"the process of the {kind.name} has ended by itself", status=process.returncode)


async def _begun(kind: StoreKind, path: Path) -> tuple[socket.socket, trio.Process, StoreWorker]:
    """The line to a process, the process, and its other end, which has the store open.

    :raises RtaError: it cannot be opened.
    """
    unusable: list[str] = []
    while True:
        try:
            line, process = await _started(kind, path, unusable)
        except OSError as e:
            raise kind.error(f"the process of the {kind.name} cannot be started: {e}") from e
        worker = StoreWorker(kind, line)
        try:
            await worker.begin()
        except BaseException as e:
            line.close()
            await _end(process, 0)  # nothing can be lost by it
            status = -(process.returncode or 0)
            if not isinstance(e, kind.error) or status not in _CRASHES:
                raise
            crash = f"the process that opened it has ended with {signal.Signals(status).name}"
            if unusable:
                raise kind.error(crash) from None
            unusable.append(crash)
        else:
            return line, process, worker


async def _started(kind: StoreKind, path: Path, unusable: list[str]) -> tuple[socket.socket, trio.Process]:
    """The line to it, and the process.

    :raises OSError: there are too many files or processes, or our program is not there any more.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            ours.setblocking(False)
            process = await trio.lowlevel.open_process(
                python_command(kind.module, str(theirs.fileno()), str(path), *unusable),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us
            )
        except BaseException:
            ours.close()
            raise
    return ours, process


async def _end(process: trio.Process, patience: float) -> None:
    with trio.CancelScope(shield=True):
        with trio.move_on_after(patience):
            await process.wait()
        if process.returncode is None:
            process.kill()
            with trio.move_on_after(_DYING):  # a disk that hangs keeps it
                await process.wait()


@define(eq=False)
class _Asked:
    """A call that waits for its answer."""

    answered: trio.Event = field(factory=trio.Event)
    reply: StoreReply | None = None
    """None: there will be none."""


class StoreWorker:
    """The line to the process."""

    def __init__(self, kind: StoreKind, line: socket.socket) -> None:
        """`line` does not block."""
        self.beginning: Any
        """What the process has told once the store was open."""
        self.damage: list[str] = []
        """What has been found damaged, a sentence each."""
        self.lost = trio.Event()
        """Set when the process is gone, by itself or because it was to end."""
        self.by_itself = False
        """Whether it has ended though nobody had asked it to."""
        self._kind = kind
        self._line = line
        self._incoming = IncomingReplies()
        self._asked: dict[int, _Asked] = {}
        """What has not been answered, whether or not somebody still waits for it."""
        self._numbers = count(1)
        self._outgoing: deque[bytes | memoryview] = deque()
        """What did not fit into the socket."""
        self._more = Wakeup()

    async def begin(self) -> None:
        """:raises RtaError: the process cannot open the store; `kind.error`."""
        opening = self._asked[0] = _Asked()
        while not opening.answered.is_set():
            if not await self._receive():
                raise self._kind.error(f"the process of the {self._kind.name} has ended before it was open")
        self.beginning = self._value(opening)

    async def run(self) -> None:
        """Carry what is said, until the process is gone."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send)
                while await self._receive():
                    pass
                self.by_itself = True
                nursery.cancel_scope.cancel()
        finally:
            self.lost.set()
            asked, self._asked = self._asked, {}
            for one in asked.values():
                one.answered.set()

    async def ask(self, writes: bool, work: Callable[..., T], *arguments: object, cursor: int | None = None) -> T:
        """Have a function done that takes the store and these.

        Those that write something are done one after the other, in order, others beside them. A call that is cancelled
        may be done all the same.

        :param cursor: calls of one cursor that do not write are done one after the other, in order.
        :raises RtaError: as `work` does; `kind.lost`.
        """
        if self.lost.is_set():
            raise self._gone()
        if not writes and len(self._asked) >= _UNANSWERED:
            raise self._kind.error(f"the process of the {self._kind.name} does not answer")
        asked = _Asked()
        self._call(asked, writes, cursor, work, arguments)
        await asked.answered.wait()
        return self._value(asked)  # type: ignore[no-any-return]

    def tell(self, cursor: int, work: Callable[..., object], *arguments: object) -> None:
        """Have a function done that reads, after the other calls of its cursor, and do not wait: as at its end."""
        if not self.lost.is_set():
            self._call(_Asked(), False, cursor, work, arguments)

    def _call(
        self,
        asked: _Asked,
        writes: bool,
        cursor: int | None,
        work: Callable[..., object],
        arguments: tuple[object, ...],
    ) -> None:
        number = next(self._numbers)
        self._asked[number] = asked
        for piece in write(StoreCall(number, writes, cursor, work, arguments)):
            self._post(piece)

    def _post(self, data: bytes | memoryview) -> None:
        sent = 0 if self._outgoing else self._sent(data)
        if sent < len(data):
            self._outgoing.append(data[sent:])
            self._more.set()

    def _sent(self, data: bytes | memoryview) -> int:
        try:
            return self._line.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)  # it is gone, as will be found out by who receives

    async def _send(self) -> None:
        while True:
            await self._more.wait()
            while self._outgoing:
                await trio.lowlevel.wait_writable(self._line)
                data = self._outgoing[0]
                rest = data[self._sent(data) :]
                if rest:
                    self._outgoing[0] = rest
                else:
                    self._outgoing.popleft()

    async def _receive(self) -> bool:
        """Whether there may be more."""
        await trio.lowlevel.wait_readable(self._line)
        try:
            with self._incoming.room() as room:
                received = self._line.recv_into(room)
        except BlockingIOError:
            return True
        except OSError:
            return False
        try:
            for reply in self._incoming.feed(received):
                self.damage += reply.damage
                asked = self._asked.pop(reply.number, None)
                if asked is not None:
                    asked.reply = reply
                    asked.answered.set()
        except Exception as e:  # noqa: BLE001 - whatever pickles raise
            what = f"the process of the {self._kind.name} cannot be understood; has the program been replaced?"
            structlog.get_logger(f"rta.{self._kind.name}").error(what, error=repr(e))
            return False
        return bool(received)

    def _value(self, asked: _Asked) -> Any:
        if asked.reply is None:
            raise self._gone()
        if asked.reply.error is not None:
            raise asked.reply.error
        return asked.reply.value

    def _gone(self) -> RtaError:
        return self._kind.lost(f"the process of the {self._kind.name} has ended")
