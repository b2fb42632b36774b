"""The folder of an archive: its format, the folders in it, and the bytes of a session."""

from __future__ import annotations

import os
from contextlib import suppress
from shutil import rmtree

from rta.errors import ArchiveError, DamagedFileError
from rta.state_file import make_folder, make_way, open_own_file, replace_file
from rta.store.database import SUFFIXES
from rta_transports.sqlite.kind import FORMAT
from rta_transports.sqlite.places import ArchivePlaces

__all__ = ["check_format", "make_folders", "size_of"]


def make_folders(places: ArchivePlaces) -> None:
    """Those that are not there; what is in `work` goes."""
    for folder in (places.sessions, places.configurations, places.incoming):
        make_folder(folder)
    rmtree(places.work, ignore_errors=True)
    make_folder(places.work)
    if not places.format.is_file():
        make_way(places.format)
        replace_file(places.format, f"{FORMAT}\n".encode())


def check_format(places: ArchivePlaces) -> None:
    """:raises ArchiveError: it is of a newer version."""
    try:
        with open(open_own_file(places.format, os.O_RDONLY), "rb") as file:
            text = file.read(100).strip()
    except (FileNotFoundError, DamagedFileError):
        return
    if text.isdigit() and int(text) > FORMAT:
        raise ArchiveError(
            f"the archive {places.folder} is of format {int(text)}, which a newer version has written; "
            f"this one knows format {FORMAT}"
        )


def size_of(places: ArchivePlaces, identity: str) -> int:
    """Bytes of the files of a session."""
    size = 0
    for path in (places.sealed(identity), places.open(identity)):
        for suffix in SUFFIXES:
            with suppress(OSError):
                size += os.lstat(f"{path}{suffix}").st_size
    return size
