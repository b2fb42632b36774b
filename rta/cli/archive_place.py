"""Which archive on disk a command is about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from rta.config import Config, load_config
from rta.config.archive import ArchiveConfig
from rta.errors import RtaError
from rta.formatting import shown_url
from rta.ports import Archive, ArchiveLimits, Context, Offer, StoredArchive, load_transport
from rta.site import Site

__all__ = ["ArchivePlace", "archive_options", "configured_limits", "find_archive", "stored_archive"]

Command = Callable[..., Any]

_EMBEDDED = "sqlite"
"""The transport of an archive that is named by its folder."""


def archive_options(command: Command) -> Command:
    """Add `--config` and `--folder`."""
    folder = click.option(
        "--folder",
        type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
        help="The folder of the archive, instead of what the configuration says.",
    )
    config = click.option(
        "--config", "path", type=click.Path(path_type=Path), help="The site's TOML file. Default: the built-in demo."
    )
    return config(folder(command))


@frozen
class ArchivePlace:
    """An archive on disk, which need not be there yet."""

    offer: Offer[Archive]
    options: Any
    context: Context


def find_archive(path: Path | None, folder: Path | None) -> ArchivePlace:
    """The archive in a folder, or else that of the configuration at a path.

    :raises RtaError: it is none that has a folder.
    """
    config = load_config(path, os.environ)
    archive = _configured(config) if folder is None else None
    name = _EMBEDDED if archive is None else archive.settings.transport
    offer = load_transport(name).archive
    assert offer is not None, "the configuration was not checked"
    if offer.stored is None:
        raise RtaError(f'the archive is "{name}", which has no folder: ask the service that has it, with --url')
    options = offer.options(path=str(folder)) if archive is None else archive.options
    return ArchivePlace(offer, options, Site(config).context("archive"))


@contextmanager
def stored_archive(path: Path | None, folder: Path | None) -> Iterator[StoredArchive]:
    """The same, opened for reading.

    :raises RtaError: there is none, or it cannot be used.
    """
    place = find_archive(path, folder)
    assert place.offer.stored is not None
    with place.offer.stored(place.options, place.context) as stored:
        yield stored


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
