"""The types of the channels of a session: of the configurations that its JSON names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock

from rta.archive import ChannelTypes
from rta.errors import DamagedFileError, MalformedError
from rta.wire import ByteOrder, ConfigBinding, SampleType, read_session
from rta_transports.sqlite.documents import Documents
from rta_transports.sqlite.types import read_types

__all__ = ["BoundTypes", "bindings_of"]

_CONFIGURATIONS = 16  # whose types are kept


def bindings_of(text: str) -> list[ConfigBinding]:
    """The configurations that a session JSON names."""
    try:
        return read_session(text).config_bindings or []
    except MalformedError:
        return []


class BoundTypes:
    """Reads them, and keeps those that were asked for last. For any threads."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._lock = Lock()
        self._known: dict[tuple[str, int], ChannelTypes] = {}
        """By configuration and offset."""

    def of(self, bindings: Sequence[ConfigBinding]) -> ChannelTypes:
        """The types of the channels of configurations, as far as these are here."""
        found: dict[int, tuple[SampleType, ByteOrder]] = {}
        for binding in bindings:
            key = (binding.identifier, binding.channel_offset)
            with self._lock:
                types = self._known.get(key)
            if types is None:
                with suppress(DamagedFileError):  # as whoever asks for it will be told
                    document = self._documents.get(binding.identifier)
                    types = None if document is None else read_types(document.types, binding.channel_offset)
            if types is not None:
                found.update(types)
                with self._lock:
                    self._known[key] = types
                    while len(self._known) > _CONFIGURATIONS:
                        del self._known[next(iter(self._known))]
        return found
