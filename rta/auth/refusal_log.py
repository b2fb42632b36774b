"""Whom we have refused, in the log: a line for each source and reason, which somebody who floods us cannot fill.

Quotes nothing of what was brought.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from rta.ports.access import NotAdmitted
from rta.ports.client_address import site_of

__all__ = ["RefusalLog"]

log = structlog.get_logger("rta.auth")

_MOST = 1000  # lines
_ROUND = 3600 * 10**9  # ns in which there are so many at most


class RefusalLog:
    """Of one service."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """`clock`: wall time, ns since the Unix epoch."""
        self._clock = clock
        self._said: set[tuple[str, str]] = set()
        self._began = clock()

    def note(self, error: NotAdmitted, client: str | None) -> None:
        """Somebody was refused. `client`: their address; None: it is not known."""
        now = self._clock()
        if not 0 <= now - self._began < _ROUND:
            self._said.clear()
            self._began = now
        source = (site_of(client) if client is not None else None) or "unknown"  # a proxy may say anything
        if len(self._said) >= _MOST or (source, error.reason) in self._said:
            return
        self._said.add((source, error.reason))
        log.warning(
            "refused for who asks; more of this source and reason is only counted for an hour",
            source=source, reason=error.reason, why=str(error),
        )  # fmt: skip
        if len(self._said) == _MOST:
            log.warning("too many are refused to name them; they are only counted for an hour", lines=_MOST)
