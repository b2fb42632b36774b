"""The history file of a node: the process that has it open, the next one when that is gone, and what health says of it.

Neither commits nor fetches take the interpreter or a core from what is live, and whatever happens to SQLite happens in
the process. It ends with us, however we end. What was asked of a process that is gone is asked again of the next one.

Owns the process and the socket to it. Belongs to the history (`rta.actors.history`), which alone writes; whoever writes
is told whether it is on the disk, and why not is for health and the log. Whoever reads waits for a turn: 32 read at
once.
"""

from __future__ import annotations

import signal
import socket
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar

import structlog
import trio
from attrs import define, field

from rta.background import in_background
from rta.errors import HistoryError
from rta.health import Health
from rta.history.calls import Beginning, Incoming, StoreCall, StoreReply, write
from rta.ports import Reporter
from rta.python_command import python_command
from rta.wakeup import Wakeup

__all__ = ["HistoryFile", "HistoryWorker", "HistoryWorkerLost", "OpenHistory", "Written", "in_a_process"]

log = structlog.get_logger("rta.history")

_NAME = "history.sqlite"
_WHO = "history"
_AGAIN = 10.0  # seconds until a file that cannot be used is tried again, or another process is started at once again
_READERS = 32  # at once; others wait
_PATIENCE = 6.0  # seconds that the node waits for its opening: another one may take 5 s to leave it
_BUFFER = 1 << 20  # bytes of the socket: a commit is written at once
_CHUNK = 1 << 18
_ENDING = 2.0  # seconds for the process to bring its log into the file
_UNANSWERED = 256  # calls; then no more is read
_DYING = 1.0  # and to be gone when it is killed
_CRASHES = (signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)

T = TypeVar("T")


class Written(Enum):
    """What has become of something that was to be written."""

    YES = "yes"
    """It is on the disk."""
    NO = "no"
    UNKNOWN = "unknown"
    """The process is gone that might have written it, and there is no other one: the next opening tells."""


class _NotTold(HistoryError):
    """It was asked for, and there was no answer."""


class HistoryFile:
    """One file, which may not be there."""

    def __init__(
        self,
        folder: Path,
        open_worker: OpenHistory,
        opened: Callable[[Beginning], None],
        lost: Callable[[], None],
        health: Health,
        report: Reporter,
    ) -> None:
        """`folder`: the state directory. `opened` is called each time the file has been opened, before anybody can use
        it; `lost` when it cannot be used."""
        self.path = folder / _NAME
        self._open_worker = open_worker
        self._opened = opened
        self._lost = lost
        self._health = health
        self._report = report
        self._worker: HistoryWorker | None = None
        self._reviving = False
        """The process has ended by itself, and there will be another one at once."""
        self._wanted = trio.Event()
        self._changed = trio.Event()
        """Set, and made anew, when it has been opened, or cannot be, or has been lost."""
        self._tried_at = self._revived_at = float("-inf")
        self._reading = trio.CapacityLimiter(_READERS)
        self._failing = False
        self._told = 0
        self._closed = False
        self._life = trio.CancelScope()
        self._use = trio.CancelScope()

    @property
    def usable(self) -> bool:
        """Whether what is to be written can be given to it."""
        return self._worker is not None or self._reviving

    @property
    def try_again_at(self) -> float:
        """When it is time to open it again, steady seconds."""
        return float("inf") if self.usable or self._wanted.is_set() else self._tried_at + _AGAIN

    # ---- its life

    async def run(self) -> None:
        """Until `close`."""
        try:
            with self._life:
                while not self._closed:
                    await self._wanted.wait()
                    await self._open()
                    if not self._reviving:
                        self._wanted = trio.Event()
                    self._change()
        finally:
            self._worker, self._reviving = None, False
            self._change()

    async def _open(self) -> None:
        """One process, from its beginning to its end."""
        self._tried_at = trio.current_time()
        if self._reviving:
            self._revived_at = self._tried_at
        try:
            async with self._open_worker(self.path) as worker:
                self._opened(worker.beginning)
                self._worker, self._reviving, self._told = worker, False, 0
                self.works()
                self._change()
                with trio.CancelScope() as self._use:
                    await worker.lost.wait()
                self._worker = None
                self._reviving = not self._closed and trio.current_time() >= self._revived_at + _AGAIN
        except HistoryError as e:
            self._reviving = False
            self.fail(str(e))
            return
        if not self._closed:
            self._report.count("rta_history_restarts_total")
            if not self._reviving:
                self.fail("the process of the history has ended by itself")

    def _change(self) -> None:
        if not self.usable:
            self._lost()
        self._changed.set()
        self._changed = trio.Event()

    async def open(self) -> None:
        """Unless it is; wait until it is, or has been tried. Bounded."""
        if self.usable:
            return
        self.want()
        with trio.move_on_after(_PATIENCE) as scope:
            await self._changed.wait()
        if scope.cancelled_caught:
            self.fail(f"{self.path} has not been opened within {_PATIENCE:g} s")

    def want(self) -> None:
        """It is to be opened, unless it is."""
        self._wanted.set()

    def close(self) -> None:
        """There is no more: `run` ends, soon."""
        self._closed = True
        self._use.cancel()
        if self._worker is None:
            self._life.cancel()

    # ---- its use

    async def write(self, work: Callable[..., object], *arguments: object) -> Written:
        """Have a function of the store write something. It may be done twice."""
        try:
            await self._ask(True, work, arguments)
        except HistoryError as e:
            self.fail(str(e))
            return Written.UNKNOWN if isinstance(e, _NotTold) else Written.NO
        return Written.YES

    async def read(self, work: Callable[..., T], *arguments: object) -> T:
        """Have a function of the store read something.

        :raises HistoryError: it cannot be read.
        """
        async with self._reading:
            return await self._ask(False, work, arguments)

    async def _ask(self, writes: bool, work: Callable[..., T], arguments: tuple[object, ...]) -> T:
        asked = False
        while True:
            while self._worker is None or self._worker.lost.is_set():
                if not self.usable:
                    raise (_NotTold if asked else HistoryError)(f"{self.path} cannot be used")
                await self._changed.wait()
            asked = True
            with suppress(HistoryWorkerLost):
                return await self._worker.ask(writes, work, *arguments)

    # ---- what there is to say

    def fail(self, why: str) -> None:
        """Nothing can be written."""
        if not self._failing:
            self._failing = True
            log.error("nothing is being recorded; live goes on", why=why)
        self._health.fail(_WHO, f"nothing is being recorded: {why}")

    def works(self) -> None:
        """It can be written, and perhaps it is damaged."""
        if self._failing:
            self._failing = False
            log.info("recording again")
        self._health.ok(_WHO)
        damage = [] if self._worker is None else self._worker.damage
        for sentence in damage[self._told :]:
            log.error("the history is damaged", damage=sentence)
            self._health.note(_WHO, sentence)
            self._report.count("rta_history_damaged_total")
        self._told = len(damage)


# ---- the process that has the file open


class HistoryWorkerLost(HistoryError):
    """The process is gone. Nobody knows whether it has done what was asked last."""


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

        :raises HistoryError: as `work` does; `HistoryWorkerLost`.
        """
        ...


OpenHistory = Callable[[Path], AbstractAsyncContextManager[HistoryWorker]]
"""Opens a history. Raises `HistoryError`: it cannot be opened. At the end what was written is in the file."""


@asynccontextmanager
async def in_a_process(path: Path) -> AsyncIterator[HistoryWorker]:
    """A process that has the history open. A file at which one has crashed is set aside by the next one."""
    try:
        line, process, worker = await _begun(path)
    except _CrashedError as e:
        line, process, worker = await _begun(path, str(e))
    # No checkpoint since it has begun: from here on it is ended whatever happens.
    try:
        async with in_background(worker.run):
            yield worker
    finally:
        line.close()
        await _end(process, _ENDING)
        if worker.by_itself:
            log.error("the process of the history has ended by itself", status=process.returncode)


class _CrashedError(HistoryError):
    """A process has ended while it opened the file, as none does at a whole one."""


async def _begun(path: Path, *unusable: str) -> tuple[socket.socket, trio.Process, _Process]:
    """The line to a process, the process, and its other end, which has the history open.

    :raises HistoryError: it cannot be opened.
    """
    try:
        line, process = await _started(path, *unusable)
    except OSError as e:
        raise HistoryError(f"the process of the history cannot be started: {e}") from e
    worker = _Process(line)
    try:
        await worker.begin()
    except BaseException as e:
        line.close()
        await _end(process, 0)  # nothing can be lost by it
        status = -(process.returncode or 0)
        if isinstance(e, HistoryError) and status in _CRASHES:
            raise _CrashedError(f"the process that opened it has ended with {signal.Signals(status).name}") from None
        raise
    return line, process, worker


async def _started(path: Path, *unusable: str) -> tuple[socket.socket, trio.Process]:
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
                python_command("rta.history.process", str(theirs.fileno()), str(path), *unusable),
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
        self._more = Wakeup()

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
