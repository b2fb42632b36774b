"""Which archive on disk a command is about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from rta.config import load_config
from rta.errors import RtaError
from rta.ports import StoredArchive, load_transport
from rta.site import Site

__all__ = ["archive_options", "stored_archive"]

Command = Callable[..., Any]

_EMBEDDED = "sqlite"
"""The transport of an archive that is named by its folder."""


def archive_options(command: Command) -> Command:
    """Add `--config` and `--folder`."""
    folder = click.option(
        "--folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="The folder of the archive, instead of what the configuration says.",
    )
    config = click.option(
        "--config", "path", type=click.Path(path_type=Path), help="The site's TOML file. Default: the built-in demo."
    )
    return config(folder(command))


@contextmanager
def stored_archive(path: Path | None, folder: Path | None) -> Iterator[StoredArchive]:
    """The archive in a folder, or else that of the configuration at a path.

    :raises RtaError: there is none, or it cannot be used.
    """
    config = load_config(path, os.environ)
    name = _EMBEDDED
    offer = load_transport(name).archive
    assert offer is not None, "the configuration was not checked"
    if offer.stored is None:
        raise RtaError(f'the archive is "{name}", which has no folder: ask the service that has it, with --url')
    options = offer.options(path=None if folder is None else str(folder.absolute()))
    with offer.stored(options, Site(config).context("archive")) as stored:
        yield stored
