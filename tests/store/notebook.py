"""A store that keeps nothing on disk, and the program that has it open: what it is asked for stands in here."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from rta.errors import ArchiveError, FlushPointError
from rta.store.kind import StoreKind
from rta.store.process import StoreProgram, run_program

__all__ = ["NOTEBOOK", "Notebook", "add", "echo", "end", "fail", "meet", "notes", "read_fifo"]


class NotebookLost(ArchiveError):
    """Its process is gone."""


class Notebook:
    """Notes in the order in which they were made, and a barrier at which three readers meet."""

    def __init__(self, path: Path, why: str | None) -> None:
        self.damage: list[str] = []
        self.notes: list[str] = []
        self.together = threading.Barrier(3)

    def close(self) -> None:
        pass


def add(book: Notebook, note: str) -> None:
    book.notes.append(note)


def notes(book: Notebook) -> list[str]:
    return list(book.notes)


def meet(book: Notebook) -> int:
    """Returns when three are here at the same time."""
    book.together.wait()
    return threading.get_ident()


def read_fifo(book: Notebook, path: str, note: str) -> None:
    """Waits for who writes."""
    Path(path).read_bytes()
    book.notes.append(note)


def echo(book: Notebook, data: object) -> object:
    return data


def fail(book: Notebook, expected: bool) -> None:
    book.damage.append("a page is wet")
    raise FlushPointError("it is not known") if expected else OSError("a fault")


def end(book: Notebook) -> None:
    os._exit(3)


NOTEBOOK = StoreKind("notebook", ArchiveError, NotebookLost, "tests.store.notebook", (FlushPointError,))


def main() -> None:
    run_program(StoreProgram(NOTEBOOK, Notebook, lambda book: os.getpid(), lambda path: [path], readers=3))


if __name__ == "__main__":
    main()
