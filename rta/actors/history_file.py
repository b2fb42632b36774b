"""The history file of a node: the process that has it open, the next one when that is gone, and what health says of it.

Neither commits nor fetches take the interpreter or a core from what is live: see `rta.store.lasting`.

Owns the process and the socket to it. Belongs to the history (`rta.actors.history`), which alone writes; whoever writes
is told whether it is on the disk, and why not is for health and the log.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from enum import Enum
from pathlib import Path
from typing import TypeVar

import structlog

from rta.errors import HistoryError
from rta.health import Health
from rta.history.entry import Beginning
from rta.history.file import HISTORY, HistoryWorkerLost
from rta.ports import Reporter
from rta.store.lasting import LastingStore, OpenWorker
from rta.store.worker import StoreWorker, in_a_process

__all__ = ["HistoryFile", "Written", "open_history"]

log = structlog.get_logger("rta.history")

_NAME = "history.sqlite"
_WHO = "history"

T = TypeVar("T")


def open_history(path: Path) -> AbstractAsyncContextManager[StoreWorker]:
    """A process that has the history open."""
    return in_a_process(HISTORY, path)


class Written(Enum):
    """What has become of something that was to be written."""

    YES = "yes"
    """It is on the disk."""
    NO = "no"
    UNKNOWN = "unknown"
    """The process is gone that might have written it, and there is no other one: the next opening tells."""


class HistoryFile:
    """One file, which may not be there."""

    def __init__(
        self,
        folder: Path,
        open_worker: OpenWorker,
        opened: Callable[[Beginning], None],
        lost: Callable[[], None],
        health: Health,
        report: Reporter,
    ) -> None:
        """`folder`: the state directory. `opened` is called each time the file has been opened, before anybody can use
        it; `lost` when it cannot be used."""
        self._health = health
        self._report = report
        self._failing = False
        self.store = LastingStore(
            HISTORY,
            folder / _NAME,
            open_worker,
            begun=opened,
            works=self.works,
            lost=lost,
            fails=self.fail,
            ended=lambda: report.count("rta_history_restarts_total"),
        )
        """Its process."""

    async def write(self, work: Callable[..., object], *arguments: object) -> Written:
        """Have a function of the store write something. It may be done twice."""
        try:
            await self.store.write(work, *arguments)
        except HistoryError as e:
            self.fail(str(e))
            return Written.UNKNOWN if isinstance(e, HistoryWorkerLost) else Written.NO
        return Written.YES

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
        for sentence in self.store.new_damage():
            log.error("the history is damaged", damage=sentence)
            self._health.note(_WHO, sentence)
            self._report.count("rta_history_damaged_total")
