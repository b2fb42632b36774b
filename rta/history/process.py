"""The process of a history: `rta.store.process` with the store of a history. What reads is done by one thread."""

from __future__ import annotations

from pathlib import Path

# What is asked of us is in these: they are there before it is.
from rta.history import answer, replay  # noqa: F401
from rta.history.entry import Beginning
from rta.history.file import HISTORY
from rta.history.store import HistoryStore
from rta.store.database import SUFFIXES, beside
from rta.store.process import StoreProgram, run_program

__all__ = ["main"]

_PATIENCE = 5.0  # seconds for a node that was killed to leave the file


def _open(path: Path, unusable: str | None) -> HistoryStore:
    return HistoryStore(path, patience=_PATIENCE, unusable=unusable)


def _beginning(store: HistoryStore) -> Beginning:
    return Beginning(store.last, store.mark, store.streams())


def _files(path: Path) -> list[Path]:
    return [beside(path, suffix) for suffix in SUFFIXES]


def main() -> None:
    run_program(StoreProgram(HISTORY, _open, _beginning, _files))


if __name__ == "__main__":
    main()
