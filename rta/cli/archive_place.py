"""Which archive on disk a command is about."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Archive, Context, Offer, StoredArchive, load_transport

__all__ = ["EMBEDDED", "ArchivePlace", "archive_options", "find_archive", "stored_archive"]

Command = Callable[..., Any]

EMBEDDED = "sqlite"
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
    """The archive in a folder, or else that of the configuration at a path. With a folder no configuration is read
    unless one is named.

    :raises RtaError: it is none that has a folder.
    """
    report = Metrics(HotCounters(), dict)
    if folder is None or path is not None:  # imported here: it takes longer than all the rest
        place: ArchivePlace = import_module("rta.cli.configured_archive").configured_place(path, report, folder)
        return place
    offer = load_transport(EMBEDDED).archive
    assert offer is not None
    return ArchivePlace(offer, offer.options(path=str(folder)), Context("archive", Path.cwd(), time.time_ns, report))


@contextmanager
def stored_archive(path: Path | None, folder: Path | None) -> Iterator[StoredArchive]:
    """The same, opened for reading.

    :raises RtaError: there is none, or it cannot be used.
    """
    place = find_archive(path, folder)
    assert place.offer.stored is not None
    with place.offer.stored(place.options, place.context) as stored:
        yield stored
