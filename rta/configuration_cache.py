"""The configurations that sessions are bound to: each is read once for all who follow such sessions."""

from __future__ import annotations

from functools import partial

import trio

from rta.errors import MalformedError
from rta.ports import BurstLog, Reporter
from rta.wire import Configuration, read_configuration

__all__ = ["ConfigurationCache"]

_KEPT = 16
_SMALL = 64 << 10  # characters; up to these, reading takes less time than a thread


class ConfigurationCache:
    """The last 16 configurations that were asked for. The content behind an identifier never changes."""

    def __init__(self, buffer: BurstLog, report: Reporter) -> None:
        self._buffer = buffer
        self._report = report
        self._kept: dict[str, Configuration] = {}

    async def get(self, identifier: str) -> Configuration | None:
        """A configuration by its identifier; None: the buffer does not have it yet. A malformed one is counted, and
        counts as empty.

        :raises TransportError: the buffer cannot be read.
        """
        found = self._kept.get(identifier)
        if found is None:
            text = await self._buffer.configuration(identifier)
            if text is None:
                return None
            found = self._kept[identifier] = await self._read(identifier, text)
            if len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]
        return found

    async def _read(self, identifier: str, text: str) -> Configuration:
        try:
            if len(text) <= _SMALL:
                return read_configuration(text)
            return await trio.to_thread.run_sync(partial(read_configuration, text))
        except MalformedError as e:
            self._report.malformed(f"configuration {identifier}", e.kind, str(e))
            return Configuration()
