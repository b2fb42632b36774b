"""The upkeep of the archive: has what is due done every few seconds, within the limits, and tells what it has found.

Owns nothing, receives nothing. Ends when it is cancelled.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio

from rta.errors import ArchiveError
from rta.health import Health
from rta.ports import Archive, ArchiveLimits, Reporter, UpkeepReport

__all__ = ["ArchiveUpkeep"]

log = structlog.get_logger("rta.archive")

_PERIOD = 2.0  # seconds from one round to the next
_REST = 0.05  # seconds between rounds while there is more to be done
_PATIENCE = 60.0  # seconds for a round
_WHO = "archive"


class ArchiveUpkeep:
    """Keeps one archive."""

    def __init__(
        self, archive: Archive, keep: ArchiveLimits, clock: Callable[[], int], health: Health, report: Reporter
    ) -> None:
        """`clock`: wall time, ns since the Unix epoch."""
        self._archive = archive
        self._keep = keep
        self._clock = clock
        self._health = health
        self._report = report
        self._failing = False

    async def run(self) -> None:
        """Until cancelled. A round that fails is left to the next one."""
        while True:
            more = False
            try:
                with trio.fail_after(_PATIENCE):
                    found = await self._archive.upkeep(self._clock(), self._keep)
            except ArchiveError as e:
                self._fails(str(e))
            except trio.TooSlowError:
                self._fails(f"it has not answered for {_PATIENCE:g} s")
            else:
                self._works()
                self._tell(found)
                more = found.more
            await trio.sleep(_REST if more else _PERIOD)

    def _tell(self, found: UpkeepReport) -> None:
        report = self._report
        report.gauge("rta_archive_sessions", found.sessions)
        report.gauge("rta_archive_bytes", found.bytes)
        report.count("rta_archive_sealed_total", found.sealed)
        report.count("rta_archive_deleted_total", found.deleted)
        report.count("rta_archive_adopted_total", found.adopted)
        report.count("rta_archive_damaged_total", len(found.damage))
        for sentence in found.damage:
            log.error("the archive is damaged", damage=sentence)
            self._health.note(_WHO, sentence)
        if found.deleted:
            log.info("sessions were deleted by the limits of the archive", sessions=found.deleted)

    def _fails(self, why: str) -> None:
        if not self._failing:
            self._failing = True
            log.error("the archive cannot be used; live goes on", why=why)
        self._health.fail(_WHO, why)

    def _works(self) -> None:
        if self._failing:
            self._failing = False
            log.info("the archive can be used again")
        self._health.ok(_WHO)
