"""The pruner: at an interval, has the buffer trim bursts and forget sessions that are over.

Owns nothing, receives nothing, sends nothing. Ends with the site.
"""

from __future__ import annotations

import structlog
import trio

from rta.errors import TransportError
from rta.ports import BurstLog, Reporter, Trim
from rta.session.options import PrunerSettings

__all__ = ["Pruner"]

log = structlog.get_logger("rta.pruner")


class Pruner:
    """Trims the buffer of one site."""

    def __init__(self, buffer: BurstLog, settings: PrunerSettings, report: Reporter) -> None:
        self._buffer = buffer
        self._settings = settings
        self._report = report

    async def run(self) -> None:
        """Until cancelled. A round that fails is left to the next one."""
        if not self._settings.enabled:
            return
        keep = self._keep()
        while True:
            await trio.sleep(self._settings.interval)
            try:
                trimmed = await self._buffer.trim(keep)
            except TransportError as e:
                log.warning("trimming failed", error=str(e))
            else:
                self._report.count("rta_trimmed_entries_total", trimmed)

    def _keep(self) -> Trim:
        s = self._settings
        return Trim(_ms(s.max_age), s.max_entries, _ms(s.session_ttl))


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)
