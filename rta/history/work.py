"""What a node has done where its history is, besides reading: functions of the store, and plain values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rta.history.entry import Key, NewEntry, Retention
from rta.history.store import HistoryStore

__all__ = ["commit", "trim"]


def commit(store: HistoryStore, removed: Collection[Key], entries: Sequence[NewEntry], mark: bytes | None) -> None:
    """Streams that are removed go first: entries may be of others that have their names now.

    It can be asked again by somebody who does not know whether it has been done.

    :raises HistoryError: nothing has been committed.
    """
    if entries and entries[0][1] <= store.last:
        if entries[-1][1] <= store.last:
            return
        entries = [entry for entry in entries if entry[1] > store.last]  # the rest of a damaged file has the first ones
        removed = ()
    for key in removed:
        store.forget(key)
    if entries or mark is not None:
        store.commit(entries, mark)


def trim(store: HistoryStore, limits: Mapping[Key, Retention], others: Retention) -> None:
    """Take out what is over the limits; `others`: of streams that have none.

    :raises HistoryError: it is all still there.
    """
    store.trim({**dict.fromkeys(store.streams(), others), **limits})
