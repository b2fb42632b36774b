"""The archive of a configuration, for commands. Takes longer to import than all else of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from rta.cli.archive_place import EMBEDDED, ArchivePlace
from rta.config import Config, load_config, transport_context
from rta.config.archive import ArchiveConfig
from rta.errors import RtaError
from rta.formatting import shown_url
from rta.ports import ArchiveLimits, Reporter, load_transport

__all__ = ["configured_limits", "configured_place"]


def configured_place(path: Path | None, report: Reporter, folder: Path | None) -> ArchivePlace:
    """The archive of the configuration at a path, or in a folder.

    :raises RtaError: it is none that has a folder.
    """
    config = load_config(path, os.environ)
    archive = _configured(config) if folder is None else None
    name = EMBEDDED if archive is None else archive.settings.transport
    offer = load_transport(name).archive
    assert offer is not None, "the configuration was not checked"
    if offer.stored is None:
        raise RtaError(f'the archive is "{name}", which has no folder: ask the service that has it, with --url')
    options = offer.options(path=str(folder)) if archive is None else archive.options
    return ArchivePlace(offer, options, transport_context(config, "archive", time.time_ns, report))


def configured_limits(path: Path | None) -> ArchiveLimits:
    """How much the archive of a configuration keeps."""
    config = load_config(path, os.environ)
    return ArchiveLimits() if config.archive is None else config.archive.limits


def _configured(config: Config) -> ArchiveConfig:
    """:raises RtaError: it has none."""
    archive = config.archive
    if archive is None or not archive.settings.enabled:
        raise RtaError("no archive is configured: set [archive], or name its folder with --folder")
    if archive.url is not None:
        raise RtaError(f"the archive is that of {shown_url(archive.url)}: look at it there")
    return archive
