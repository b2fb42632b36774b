"""The keeper of a history: whoever has the file open and does what is asked of it. It is a process of its own.

Neither commits nor fetches take the interpreter or a core from what is live, and whatever happens to SQLite happens
over there. The process ends with us, however we end.
"""

from __future__ import annotations

import socket
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar

import structlog
import trio
from attrs import define, field

from rta.errors import HistoryError
from rta.history.calls import Beginning, Incoming, StoreCall, StoreReply, write
from rta.python_command import python_command

__all__ = ["HistoryWorker", "HistoryWorkerLost", "OpenHistory", "in_a_process"]

log = structlog.get_logger("rta.history")

_BUFFER = 1 << 20  # bytes of the socket: a commit is written at once
_CHUNK = 1 << 18
_ENDING = 2.0  # seconds for the process to bring its log into the file
_UNANSWERED = 256  # calls; then no more is read
_DYING = 1.0  # and to be gone when it is killed

T = TypeVar("T")


class HistoryWorkerLost(HistoryError):
    """The keeper is gone. Nobody knows whether it has done what was asked last."""


class HistoryWorker(Protocol):
    """Has an open history."""

    @property
    def beginning(self) -> Beginning:
        """The history as it was opened."""
        ...

    @property
    def damage(self) -> list[str]:
        """What has been found damaged, a sentence each."""
        ...

    @property
    def lost(self) -> trio.Event:
        """Set when it is gone, by itself or because it was to end."""
        ...

    async def ask(self, writes: bool, work: Callable[..., T], *arguments: object) -> T:
        """Have a function done that takes the store and these.

        Those that write something are done one after the other, in order, others beside them. A call that is cancelled
        may be done all the same.

        :raises HistoryError: as `work` does; `KeeperLost`.
        """
        ...


OpenHistory = Callable[[Path], AbstractAsyncContextManager[HistoryWorker]]
"""Opens a history. Raises `HistoryError`: it cannot be opened. At the end what was written is in the file."""


@asynccontextmanager
async def in_a_process(path: Path) -> AsyncIterator[HistoryWorker]:
    """A process that has the history open."""
    try:
        line, process = await _started(path)
    except OSError as e:
        raise HistoryError(f"the process of the history cannot be started: {e}") from e
    # No checkpoint since it was started: from here on it is ended whatever happens.
    keeper = _Process(line)
    try:
        await keeper.begin()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keeper.run)
            yield keeper
            nursery.cancel_scope.cancel()
    finally:
        line.close()
        await _end(process)
        if keeper.by_itself:
            log.error("the process of the history has ended by itself", status=process.returncode)


async def _started(path: Path) -> tuple[socket.socket, trio.Process]:
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
                python_command("rta.history.process", str(theirs.fileno()), str(path)),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us
            )
        except BaseException:
            ours.close()
            raise
    return ours, process


async def _end(process: trio.Process) -> None:
    with trio.CancelScope(shield=True):
        with trio.move_on_after(_ENDING):
            await process.wait()
        if process.returncode is None:
            process.kill()
            with trio.move_on_after(_DYING):  # a disk that hangs keeps it
                await process.wait()


@define(eq=False)
class _Asked:
    """A call that waits for its answer."""

    answered: trio.Event = field(factory=trio.Event)
    answer: StoreReply | None = None
    """None: there will be none."""


class _Process:
    """The line to the process."""

    def __init__(self, line: socket.socket) -> None:
        """`line` does not block."""
        self.beginning: Beginning
        self.damage: list[str] = []
        self.lost = trio.Event()
        self.by_itself = False
        """Whether it has ended though nobody had asked it to."""
        self._line = line
        self._incoming = Incoming()
        self._asked: dict[int, _Asked] = {}
        """What has not been answered, whether or not somebody still waits for it."""
        self._numbers = count(1)
        self._outgoing: deque[bytes] = deque()
        """What did not fit into the socket."""
        self._more = trio.Event()

    async def begin(self) -> None:
        """:raises HistoryError: the process cannot open the history."""
        opening = self._asked[0] = _Asked()
        while not opening.answered.is_set():
            if not await self._receive():
                raise HistoryError("the process of the history has ended before it was open")
        self.beginning = _value(opening.answer)

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

    async def ask(self, writes: bool, work: Callable[..., T], *arguments: object) -> T:
        if self.lost.is_set():
            raise _lost()
        if not writes and len(self._asked) >= _UNANSWERED:
            raise HistoryError("the process of the history does not answer")
        number = next(self._numbers)
        asked = self._asked[number] = _Asked()
        self._post(write(StoreCall(number, writes, work, arguments)))
        await asked.answered.wait()
        return _value(asked.answer)  # type: ignore[no-any-return]

    def _post(self, data: bytes) -> None:
        if not self._outgoing:
            data = data[self._sent(data) :]
        if data:
            self._outgoing.append(data)
            self._more.set()

    def _sent(self, data: bytes) -> int:
        try:
            return self._line.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)  # it is gone, as will be found out by who receives

    async def _send(self) -> None:
        while True:
            await self._more.wait()
            self._more = trio.Event()
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
            data = self._line.recv(_CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        try:
            for answer in self._incoming.feed(data):
                self.damage += answer.damage
                asked = self._asked.pop(answer.number, None)
                if asked is not None:
                    asked.answer = answer
                    asked.answered.set()
        except Exception as e:  # noqa: BLE001 - whatever pickles raise
            log.error("the process of the history cannot be understood; has the program been replaced?", error=repr(e))
            return False
        return bool(data)


def _value(answer: StoreReply | None) -> Any:
    if answer is None:
        raise _lost()
    if answer.error is not None:
        raise answer.error
    return answer.value


def _lost() -> HistoryWorkerLost:
    return HistoryWorkerLost("the process of the history has ended")
