"""The file in which the numbers of channels outlive a restart. Blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog

from rta.errors import DamagedFileError, MalformedError
from rta.ports import Context
from rta.state_file import read_document, try_to_set_aside, write_document
from rta_transports.mqtt.sessions import KnownChannels, read_channels

__all__ = ["ChannelFile"]

log = structlog.get_logger("rta.mqtt")

_LARGEST = 256 << 20  # bytes
_LONGEST = 100  # characters of a source's name in that of its file


class ChannelFile:
    """`remote-<source>.json` in the state directory; without one nothing is kept."""

    def __init__(self, context: Context) -> None:
        self._context = context
        folder = context.state_dir
        self._path: Path | None = None if folder is None else folder / f"remote-{_file_name(context.name)}.json"
        self._said = ""

    def read(self) -> KnownChannels:
        """What was written last. A file that is damaged is set aside, and the channels are numbered anew."""
        path, source = self._path, self._context.name
        if path is None:
            log.warning(
                "channels of remote nodes may have other numbers after a restart, as there is no state_dir",
                source=source,
            )
            return {}
        try:
            return read_channels(read_document(path, _LARGEST))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (DamagedFileError, MalformedError) as e:
            then = try_to_set_aside(path)
            log.error("channels are numbered anew", file=str(path), reason=str(e), then=then)
            self._context.report.count("rta_state_damaged_total")
            self._context.note(f"{path.name} was damaged ({e}): channels are numbered anew; {then}")
            return {}

    def write(self, document: Mapping[str, Any]) -> None:
        """All of it or nothing. What goes wrong is logged: the numbers hold for now all the same."""
        if self._path is None:
            return
        try:
            write_document(self._path, document)
            self._said = ""
        except OSError as e:
            if self._said != str(e):
                self._said = str(e)
                log.warning("the numbers of channels cannot be kept", file=str(self._path), reason=str(e))


def _file_name(source: str) -> str:
    """As long as names of files may be, and unlike that of all others."""
    name = quote(source, safe="")
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}-{hashlib.sha256(source.encode()).hexdigest()[:16]}"
