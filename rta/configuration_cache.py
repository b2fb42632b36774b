"""The configurations that sessions are bound to: each is read once for all who follow such sessions."""

from __future__ import annotations

from collections.abc import Sequence

from rta.errors import MalformedError
from rta.large_json import SMALL, read_large
from rta.ports import BurstLog, Reporter
from rta.wire import Configuration, read_configuration
from rta.wire.configuration_part import read_part
from rta.wire.json_text import CONFIGURATION_LIMITS, JsonLimits, check_json_size

__all__ = ["ConfigurationCache"]

_KEPT = 16


class ConfigurationCache:
    """The last 16 configurations that were asked for. The content behind an identifier never changes."""

    def __init__(
        self, buffer: BurstLog, report: Reporter, names: Sequence[str], limits: JsonLimits = CONFIGURATION_LIMITS
    ) -> None:
        """`names`: of parameters, as people name them. Of a large document nothing but these is kept."""
        self._buffer = buffer
        self._report = report
        self._names = names
        self._limits = limits
        self._kept: dict[str, Configuration] = {}

    async def get(self, identifier: str) -> Configuration | None:
        """A configuration by its identifier; None: the buffer does not have it yet. A malformed one is counted, and
        counts as empty.

        :raises TransportError: the buffer cannot be read, or the document is large and cannot be read now.
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
            check_json_size(text, "configuration", self._limits)
            if len(text) <= SMALL:
                return await read_large(read_configuration, text, self._limits)
            return await read_large(read_part, text, self._names, self._limits)
        except MalformedError as e:
            self._report.malformed(f"configuration {identifier}", e.kind, str(e))
            return Configuration()
