"""The history file of a node: the process that has it open, the next one when that is gone, and what health says of it.

Neither commits nor fetches take the interpreter or a core from what is live, and whatever happens to SQLite happens in
the process. It ends with us, however we end. What was asked of a process that is gone is asked again of the next one.

Owns the process and the socket to it. Belongs to the history (`rta.actors.history`), which alone writes; whoever writes
is told whether it is on the disk, and why not is for health and the log. Whoever reads waits for a turn: 32 read at
once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from enum import Enum
from pathlib import Path
from typing import Protocol, TypeVar

import structlog
import trio

from rta.errors import HistoryError
from rta.health import Health
from rta.history.entry import Beginning
from rta.history.file import HISTORY, HistoryWorkerLost
from rta.ports import Reporter
from rta.store.worker import in_a_process

__all__ = ["HistoryFile", "HistoryWorker", "OpenHistory", "Written", "open_history"]

log = structlog.get_logger("rta.history")

_NAME = "history.sqlite"
_WHO = "history"
_AGAIN = 10.0  # seconds until a file that cannot be used is tried again, or another process is started at once again
_READERS = 32  # at once; others wait
_PATIENCE = 6.0  # seconds that the node waits for its opening: another one may take 5 s to leave it

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


def open_history(path: Path) -> AbstractAsyncContextManager[HistoryWorker]:
    """A process that has the history open: see `rta.store.worker`."""
    return in_a_process(HISTORY, path)
