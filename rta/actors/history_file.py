"""The history file of a node: opened, written by one thread, tried again, and what there is to say of it.

Owns the store and that thread. Whoever writes is told whether it is on the disk; why not is for health and the log.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog
import trio

from rta.actors.health import Health
from rta.actors.threads import Threads, in_threads
from rta.errors import HistoryError
from rta.history.store import HistoryStore
from rta.ports import Reporter

__all__ = ["HistoryFile"]

log = structlog.get_logger("rta.history")

_NAME = "history.sqlite"
_WHO = "history"
_AGAIN = 10.0  # seconds until a file that cannot be used is tried again
_PATIENCE = 20.0  # seconds that the node waits for its opening


class HistoryFile:
    """One file, which may not be there."""

    def __init__(self, folder: Path, health: Health, report: Reporter, thread: Threads | None) -> None:
        """`folder`: the state directory. `thread` runs what writes, one call at a time."""
        self.path = folder / _NAME
        self.store: HistoryStore | None = None
        """None while there is none, or it cannot be used."""
        self.writing = False
        self._health = health
        self._report = report
        self._thread = in_threads(1) if thread is None else thread
        self._opening = trio.Lock()
        self._opened: list[HistoryStore] = []
        """The store, if a thread has opened it that was not waited for."""
        self._tried_at = float("-inf")
        self._failing = False
        self._told = 0

    @property
    def worth_trying(self) -> bool:
        """Whether it is time to open it again."""
        return self.store is None and trio.current_time() >= self._tried_at + _AGAIN

    async def open(self, begin: Callable[[HistoryStore], None]) -> None:
        """Unless it is open. `begin` is called before anybody sees the store. Bounded."""
        with trio.move_on_after(_PATIENCE) as scope:
            async with self._opening:
                if self.store is None:
                    await self._open(begin)
        if scope.cancelled_caught:
            self.fail(f"{self.path} has not been opened within {_PATIENCE:g} s")

    async def _open(self, begin: Callable[[HistoryStore], None]) -> None:
        self._tried_at = trio.current_time()
        try:
            store = await self._thread(partial(_opened, self.path, self._opened))
        except HistoryError as e:
            self.fail(str(e))
            return
        begin(store)
        self.store = store
        self.works()

    async def write(self, work: Callable[[], None]) -> bool:
        """Whether it is on the disk."""
        self.writing = True
        try:
            await self._thread(work)
        except HistoryError as e:
            self.fail(str(e))
            return False
        finally:
            self.writing = False
        return True

    async def close(self) -> None:
        """There is no more."""
        if self.store is not None:
            await self._thread(self.store.close)

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
        damage = [] if self.store is None else self.store.damage
        for sentence in damage[self._told :]:
            log.error("the history is damaged", damage=sentence)
            self._report.count("rta_history_damaged_total")
        self._told = len(damage)


def _opened(path: Path, opened: list[HistoryStore]) -> HistoryStore:
    """The store, and in `opened` too: nobody may be waiting any more, and another try could not open it again."""
    if opened:
        return opened[0]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise HistoryError(f"cannot make {path.parent}: {e.strerror or e}") from None
    opened.append(HistoryStore(path))
    return opened[0]
