"""An archive with sessions of all sorts, and wrong bits in its files."""

from __future__ import annotations

import random
from pathlib import Path

from rta_transports.sqlite import calls
from rta_transports.sqlite.documents import Document
from rta_transports.sqlite.reading import begin_reading, end_reading, next_chunks
from rta_transports.sqlite.store import ArchiveStore
from rta_transports.sqlite.upkeep import upkeep

from rta.errors import ArchiveError
from rta.ports import START, ArchiveLimits, DataKind, DataRange, Entry, Portion, Position
from rta.testing.archive_samples import ArchivedSample, samples_of
from rta.testing.bursts import MOMENT, json_burst, session_json
from rta.wire import Burst, ChannelId, ChunkParser, data_item, encode_timestamped, make_burst

SECOND = 10**9
NOW = 1_700_000_000 * SECOND
SESSIONS = tuple(f"s{i}" for i in range(6))
_CHANNELS = 20


def burst(seed: int) -> Burst:
    """Samples of some channels."""
    rng = random.Random(seed)
    items = []
    for channel in range(_CHANNELS):
        times = [MOMENT + (seed * 40 + i) * 1_000_000 for i in range(40)]
        items.append(data_item(encode_timestamped(ChannelId(channel), times, [rng.random() for _ in times])))
    return make_burst(items)


def bursts_of(number: int) -> list[Burst]:
    """Of one of the sessions."""
    return [burst(100 * number + i) for i in range(12)]


def fill(folder: Path) -> None:
    """Two sessions are sealed, two have open files, two are in the log alone."""
    store = ArchiveStore(folder)
    try:
        for number, identity in enumerate(SESSIONS):
            state = "closed" if number < 2 else "open"
            store.documents.put(Document(f"configuration of {identity}", "{}", b""))
            bursts = [json_burst(session_json(identity, state)), *bursts_of(number)]
            entries = [Entry(Position(1 + i, number), number, one) for i, one in enumerate(bursts)]
            calls.append(store, Portion(f"stream {number}", entries, {number: (identity, START)}, entries[-1].position))
            if number < 4:
                all_upkeep(store, NOW + number * SECOND)
                all_upkeep(store, NOW + (number + 100) * SECOND)
        assert not store.damage
    finally:
        store.close()


def all_upkeep(store: ArchiveStore, now: int) -> None:
    """Bounded, whatever is wrong."""
    for _ in range(2000):
        if not upkeep(store, now, ArchiveLimits()).more:
            return
    raise AssertionError("upkeep never ends")


def flip(folder: Path, rng: random.Random, count: int) -> list[str]:
    """Turn some bits over, anywhere in the files; which files those are."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    changed = []
    for path in rng.choices(files, [path.stat().st_size + 20_000 for path in files], k=count):
        data = bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        changed.append(path.name)
    return changed


def samples(store: ArchiveStore, identity: str) -> tuple[list[ArchivedSample], int]:
    """All there are, and how many chunks are damaged.

    :raises ArchiveError: they cannot be read.
    """
    out: list[ArchivedSample] = []
    begun, data = begin_reading(store, 1, identity, DataRange(DataKind.TIMESTAMPED), 1 << 16)
    batch, parser = begun.batch, ChunkParser(DataKind.TIMESTAMPED)
    try:
        for _ in range(10_000):
            out += samples_of(parser.feed(b"".join(data)))
            if batch.is_last:
                return sorted(out), batch.damaged
            batch, data = next_chunks(store, 1, 1 << 16)
    finally:
        end_reading(store, 1)
    raise AssertionError("a reading never ends")


def tried(store: ArchiveStore, identity: str) -> list[ArchivedSample] | None:
    """None: they cannot be read."""
    try:
        return samples(store, identity)[0]
    except ArchiveError:
        return None
