"""A process that commits until it is killed, and says after each commit up to which position it has."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from rta.history.store import HistoryStore, NewEntry, Retention
from rta.wire.values import Ns

KEYS = [("a", ""), ("a", "fine"), ("b", "")]


def entry(pos: int) -> NewEntry:
    return (KEYS[pos % len(KEYS)], pos, Ns(pos * 1000), pos, b"%d" % pos * 10)


def main(path: Path) -> None:
    store = HistoryStore(path, segment=64)
    numbers = random.Random(store.last)
    while True:
        count = numbers.randrange(1, 40)
        store.commit([entry(store.last + n) for n in range(1, count + 1)], b"%d" % (store.last + count))
        print(store.last, flush=True)
        if numbers.random() < 0.2:
            store.trim({key: Retention(200, Ns(0)) for key in KEYS}, at_most=100)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
