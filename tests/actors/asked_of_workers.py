"""What tests have keepers do: both processes must find these in a module of the same name."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from rta.errors import HistoryError
from rta.history.entry import NewEntry
from rta.history.store import HistoryStore
from rta.wire.values import Ns

__all__ = [
    "KEY",
    "entries",
    "kill_yourself",
    "not_to_be_told",
    "open_and_wait",
    "positions",
    "process_id",
    "refused",
    "wrong",
]

KEY = ("car.engine", "live")


def entries(first: int, last: int, size: int = 10) -> list[NewEntry]:
    return [(KEY, pos, Ns(pos), pos, b"%d" % pos * size) for pos in range(first, last + 1)]


def positions(store: HistoryStore) -> list[int]:
    return [entry.pos for entry in store.read(KEY, limit=100_000)]


def process_id(_store: HistoryStore) -> int:
    return os.getpid()


def kill_yourself(_store: HistoryStore) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wrong(_store: HistoryStore) -> None:
    raise LookupError("a mistake")


def refused(_store: HistoryStore) -> None:
    raise HistoryError("the disk is full")


def open_and_wait(store: HistoryStore, fifo: str) -> str:
    """Until somebody writes."""
    return Path(fifo).read_text()


def not_to_be_told(_store: HistoryStore) -> object:
    """Something that cannot be pickled."""
    return lambda: None
