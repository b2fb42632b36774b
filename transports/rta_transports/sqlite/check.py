"""What is wrong with the place of an archive, without opening it."""

from __future__ import annotations

import os
from pathlib import Path

from rta.errors import ArchiveError
from rta.ports import Context
from rta_transports.sqlite.folder import check_format
from rta_transports.sqlite.options import SqliteArchiveOptions, folder_of
from rta_transports.sqlite.places import ArchivePlaces

__all__ = ["check", "first_there"]


def check(options: SqliteArchiveOptions, context: Context) -> list[str]:
    """One line for each fault."""
    folder = folder_of(options, context)
    if folder is None:
        return ["archive.path: neither it nor a state directory is set; set one of them"]
    there = first_there(folder)
    if not there.is_dir():
        return [f"archive.path: {there} is not a folder; expected one that can be written"]
    if not os.access(there, os.W_OK | os.X_OK):
        return [f"archive.path: {there} cannot be written; expected a folder that belongs to the service"]
    try:
        check_format(ArchivePlaces(folder))
    except (ArchiveError, OSError) as e:
        return [f"archive.path: {e}"]
    return []


def first_there(folder: Path) -> Path:
    """The folder, or the one that it would be made in."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
