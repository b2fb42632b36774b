"""What kind of store the archive is."""

from __future__ import annotations

import sqlite3

from rta.errors import ArchiveError, DamagedFileError, FlushPointError, MalformedError
from rta.store.kind import StoreKind

__all__ = ["ARCHIVE", "FAULTS", "FORMAT", "PAGE", "ArchiveProcessLost"]

PAGE = 16384
"""Bytes of a page: chunks are some kilobytes, and with pages of 4 KiB reading takes twice as long."""

FAULTS = (sqlite3.Error, OSError, UnicodeDecodeError, DamagedFileError)
"""What goes wrong with files."""

FORMAT = 1
"""Of the folder; a folder with a greater one is not touched."""


class ArchiveProcessLost(ArchiveError):
    """The process is gone. Nobody knows whether it has done what was asked last."""


ARCHIVE = StoreKind(
    name="archive",
    error=ArchiveError,
    lost=ArchiveProcessLost,
    module="rta_transports.sqlite.process",
    answers=(FlushPointError, MalformedError),
)
