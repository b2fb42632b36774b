"""The history file of a node: opened, tried again, opened anew when its keeper is gone, and what there is to say of it.

Owns the keeper. Whoever writes is told whether it is on the disk; why not is for health and the log. What was asked of
a keeper that is gone is asked again of the next.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TypeVar

import structlog
import trio

from rta.actors.history_worker import HistoryWorker, HistoryWorkerLost, OpenHistory
from rta.errors import HistoryError
from rta.health import Health
from rta.history.calls import Beginning
from rta.ports import Reporter

__all__ = ["HistoryFile", "Written"]

log = structlog.get_logger("rta.history")

_NAME = "history.sqlite"
_WHO = "history"
_AGAIN = 10.0  # seconds until a file that cannot be used is tried again, or another keeper is had at once again
_READERS = 32  # at once; others wait
_PATIENCE = 20.0  # seconds that the node waits for its opening

T = TypeVar("T")


class Written(Enum):
    """What has become of something that was to be written."""

    YES = "yes"
    """It is on the disk."""
    NO = "no"
    UNKNOWN = "unknown"
    """The keeper is gone that might have written it, and there is no other one: the next opening tells."""


class _NotTold(HistoryError):
    """It was asked for, and there was no answer."""


class HistoryFile:
    """One file, which may not be there."""

    def __init__(
        self,
        folder: Path,
        keepers: OpenHistory,
        opened: Callable[[Beginning], None],
        lost: Callable[[], None],
        health: Health,
        report: Reporter,
    ) -> None:
        """`folder`: the state directory. `opened` is called each time the file has been opened, before anybody can use
        it; `lost` when it cannot be used."""
        self.path = folder / _NAME
        self._keepers = keepers
        self._opened = opened
        self._lost = lost
        self._health = health
        self._report = report
        self._keeper: HistoryWorker | None = None
        self._reviving = False
        """The keeper is gone by itself, and there will be another one at once."""
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
        return self._keeper is not None or self._reviving

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
            self._keeper, self._reviving = None, False
            self._change()

    async def _open(self) -> None:
        """One keeper, from its beginning to its end."""
        self._tried_at = trio.current_time()
        if self._reviving:
            self._revived_at = self._tried_at
        try:
            async with self._keepers(self.path) as keeper:
                self._opened(keeper.beginning)
                self._keeper, self._reviving, self._told = keeper, False, 0
                self.works()
                self._change()
                with trio.CancelScope() as self._use:
                    await keeper.lost.wait()
                self._keeper = None
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
        if self._keeper is None:
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
            while self._keeper is None or self._keeper.lost.is_set():
                if not self.usable:
                    raise (_NotTold if asked else HistoryError)(f"{self.path} cannot be used")
                await self._changed.wait()
            asked = True
            with suppress(HistoryWorkerLost):
                return await self._keeper.ask(writes, work, *arguments)

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
        damage = [] if self._keeper is None else self._keeper.damage
        for sentence in damage[self._told :]:
            log.error("the history is damaged", damage=sentence)
            self._report.count("rta_history_damaged_total")
        self._told = len(damage)
