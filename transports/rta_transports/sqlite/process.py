"""The process of an archive.

    python -m rta_transports.sqlite.process SOCKET PATH [WHY]

See `rta.store.process`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rta.store.database import SUFFIXES, beside
from rta.store.process import StoreProgram, run_program

# What is asked of us is in these: they are there before it is.
from rta_transports.sqlite import calls  # noqa: F401
from rta_transports.sqlite.kind import ARCHIVE
from rta_transports.sqlite.places import ArchivePlaces
from rta_transports.sqlite.store import ArchiveStore

__all__ = ["main"]

_PATIENCE = 5.0  # seconds for a service that was killed to leave the archive
_READERS = 4


def open_store(path: Path, unusable: str | None) -> ArchiveStore:
    """With what is done beside the calls."""
    return ArchiveStore(path, patience=_PATIENCE, unusable=unusable)


def _files(path: Path) -> Iterator[Path]:
    places = ArchivePlaces(path)
    for file in (places.log, places.catalogue):
        for suffix in SUFFIXES:
            yield beside(file, suffix)


def main() -> None:
    run_program(StoreProgram(ARCHIVE, open_store, lambda store: None, _files, _READERS))


if __name__ == "__main__":
    main()
