"""The file in which the numbers of channels outlive a restart. Blocks."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import structlog

from rta.errors import MalformedError
from rta.ports import Context
from rta_transports.mqtt.sessions import KnownChannels, read_channels

__all__ = ["ChannelFile"]

log = structlog.get_logger("rta.mqtt")


class ChannelFile:
    """`remote-<source>.json` in the state directory; without one nothing is kept."""

    def __init__(self, context: Context) -> None:
        self._source = context.name
        folder = context.state_dir
        self._path: Path | None = None if folder is None else folder / f"remote-{quote(context.name, safe='')}.json"
        self._said = ""

    def read(self) -> KnownChannels:
        """What was written last. A file that cannot be read is set aside, and the channels are numbered anew."""
        if self._path is None:
            log.warning(
                "channels of remote nodes may have other numbers after a restart, as there is no state_dir",
                source=self._source,
            )
            return {}
        try:
            return read_channels(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, MalformedError) as e:
            aside = self._path.with_suffix(".damaged")
            with suppress(OSError):
                os.replace(self._path, aside)
            log.warning("channels are numbered anew", file=str(self._path), reason=str(e), kept_as=str(aside))
            return {}

    def write(self, text: str) -> None:
        """All of it or nothing. What goes wrong is logged: the numbers hold for now all the same."""
        if self._path is None:
            return
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self._path)
            self._said = ""
        except OSError as e:
            if self._said != str(e):
                self._said = str(e)
                log.warning("the numbers of channels cannot be kept", file=str(self._path), reason=str(e))
