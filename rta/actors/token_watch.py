"""The static tokens: their file is looked at every second, and read again when it is another one.

Owns what has been read. Receives nothing; shows the tokens that count. Ends when it is cancelled. A damaged file
changes nothing: the tokens that were read last stay.
"""

from __future__ import annotations

from pathlib import Path

import structlog
import trio

from rta.auth.static_tokens import StaticTokens, read_tokens
from rta.errors import DamagedFileError
from rta.health import Health
from rta.latest import Latest

__all__ = ["TokenWatch"]

log = structlog.get_logger("rta.auth")

_PERIOD = 1.0  # seconds
_WHO = "tokens"

Stamp = tuple[int, int, int]


class TokenWatch:
    """Watches one file."""

    def __init__(self, path: Path, health: Health) -> None:
        self.tokens = Latest(StaticTokens())
        self._path = path
        self._health = health
        self._stamp: Stamp | None = None
        self._looked = False
        self._failing = ""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled; started when the file has been read for the first time."""
        await self._refresh()
        task_status.started()
        while True:
            await trio.sleep(_PERIOD)
            await self._refresh()

    async def _refresh(self) -> None:
        try:
            # A file system that hangs keeps its thread; nobody waits for it at the end.
            read = await trio.to_thread.run_sync(self._read, self._stamp, self._looked, abandon_on_cancel=True)
        except (DamagedFileError, OSError) as e:
            self._fails(str(e) if isinstance(e, DamagedFileError) else f"it cannot be read: {e.strerror}")
            return
        if read is None:
            return
        self._stamp, tokens = read
        self._failing = ""
        self._health.ok(_WHO)
        if tokens != self.tokens.value:
            log.info("static tokens", count=len(tokens.tokens))
            self.tokens.show(tokens)
        self._looked = True

    def _fails(self, why: str) -> None:
        self._looked = False  # and looked at again, until it is right
        if why == self._failing:
            return
        self._failing = why
        log.error("the file of static tokens is left out; those that were read last stay", why=why)
        self._health.lack(_WHO, f"{self._path.name} is left out, and the tokens that were read last stay: {why}")

    def _read(self, before: Stamp | None, looked: bool) -> tuple[Stamp | None, StaticTokens] | None:
        """None: the file is the one that has been read."""
        stamp = _stamp(self._path)
        if looked and stamp == before:
            return None
        return stamp, read_tokens(self._path)


def _stamp(path: Path) -> Stamp | None:
    """What tells a file from the one before; None: it is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
