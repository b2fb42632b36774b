"""What a node has committed: its history file, read when it has ended, as its messages would say it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cbor2

from rta.history.store import HistoryStore
from rta.rsmp.payload import iso

__all__ = ["kept_in"]

_AT_ONCE = 5000
_PATIENCE = 10.0  # seconds for the process of a node that was killed to leave the file


def kept_in(state: Path, streams: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Entries by stream (`code/name`), in recording order. `state`: the node's state directory."""
    store = HistoryStore(state / "history.sqlite", patience=_PATIENCE)
    try:
        return {stream: _entries(store, stream) for stream in streams}
    finally:
        store.close()


def _entries(store: HistoryStore, stream: str) -> list[dict[str, Any]]:
    code, _, name = stream.partition("/")
    found: list[dict[str, Any]] = []
    after = 0
    while entries := store.read((code, name), after=after, limit=_AT_ONCE):
        after = entries[-1].pos
        found += ({"ts": iso(e.ts), "seq": e.seq, "values": cbor2.loads(e.values)} for e in entries)
    return found
