"""What the store does when something goes wrong around it, and what it takes on the disk."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from committer import KEYS, entry
from full_disk import no_file_longer_than

from rta.errors import HistoryError
from rta.history.store import HistoryStore, NewEntry, Retention
from rta.wire.values import Ns

ONE = ("one", "")


def of_one(pos: int, size: int = 10) -> NewEntry:
    return (ONE, pos, Ns(pos), pos, b"x" * size)


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "history.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[HistoryStore]:
    store = HistoryStore(path, segment=64)
    yield store
    store.close()


@pytest.mark.processes
@pytest.mark.parametrize("seed", range(4))
def test_what_was_acknowledged_survives_a_kill(path, seed):
    arguments = [sys.executable, str(Path(__file__).with_name("committer.py")), str(path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    numbers = random.Random(seed)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment) as child:
        acknowledged = 0
        for _ in range(numbers.randrange(1, 120)):
            acknowledged = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split(b"\n")[:-1]
        acknowledged = int(rest[-1]) if rest else acknowledged
    store = HistoryStore(path)
    assert store.last >= acknowledged
    assert int(store.mark) == store.last
    assert store.damage == []
    for key in KEYS:
        kept = store.read(key, limit=10_000)
        assert [k.pos for k in kept] == list(range(kept[0].pos, kept[-1].pos + 1, len(KEYS)))
        assert kept[-1].pos > store.last - len(KEYS)
        assert len(kept) >= min(200, store.last // len(KEYS))
        assert all(k.values == entry(k.pos)[4] for k in kept)
    store.close()


def test_on_a_full_disk_nothing_of_a_commit_is_kept_and_later_ones_are(store, path):
    store.commit([of_one(pos) for pos in range(1, 101)], b"before")
    room = path.with_name(path.name + "-wal").stat().st_size + 10_000
    with no_file_longer_than(room), pytest.raises(HistoryError, match="history"):
        store.commit([of_one(pos, size=1000) for pos in range(101, 201)], b"not kept")
    assert (store.last, store.mark) == (100, b"before")
    assert len(store.read(ONE)) == 100
    store.commit([of_one(101)], b"after")
    assert [kept.pos for kept in store.read(ONE, after=99)] == [100, 101]
    store.close()
    again = HistoryStore(path)
    assert (again.bounds(ONE).count, again.mark, again.damage) == (101, b"after", [])
    again.close()


def test_a_full_disk_at_a_checkpoint_is_no_failure(store, path):
    store.commit([of_one(pos, size=1000) for pos in range(1, 101)])
    with no_file_longer_than(path.stat().st_size):
        store._checkpoint()
    assert len(store.read(ONE)) == 100
    store._checkpoint()
    assert len(store.read(ONE)) == 100


def test_the_log_is_used_anew(store, path):
    log = path.with_name(path.name + "-wal")
    sizes = []
    for first in range(1, 40_001, 200):
        store.commit([of_one(pos, size=300) for pos in range(first, first + 200)])
        sizes.append(log.stat().st_size)
    assert path.stat().st_size > 12 << 20
    assert max(sizes) < 8 << 20


def test_a_second_process_is_told_that_it_is_not_the_first(store, path):
    with pytest.raises(HistoryError, match="another process has this state directory"):
        HistoryStore(path)
    store.close()
    HistoryStore(path).close()


def test_another_tool_may_look_at_the_file_meanwhile(store, path):
    other = sqlite3.connect(path)
    other.execute("BEGIN")
    assert other.execute("SELECT count(*) FROM entries").fetchone() == (0,)
    store.commit([of_one(1)])
    assert len(store.read(ONE)) == 1
    other.close()


def test_a_file_that_cannot_be_made_is_said(folder):
    (folder / "file").touch()
    with pytest.raises(HistoryError, match="history"):
        HistoryStore(folder / "file" / "history.sqlite")


def test_positions_only_rise(store):
    store.commit([of_one(5)])
    with pytest.raises(ValueError, match="position 5 after 5"):
        store.commit([of_one(5)])


def test_what_is_over_the_limits_makes_room(store, path):
    for first in range(1, 20_001, 200):
        store.commit([of_one(pos, size=200) for pos in range(first, first + 200)])
        store.trim({ONE: Retention(300, Ns(0))}, at_most=400)
    assert len(store.read(ONE, limit=1000)) == 300
    assert path.stat().st_size < 1 << 20


def test_a_stream_of_few_entries_keeps_no_others_in_the_file(store):
    rare = ("rare", "")
    for first in range(0, 20_000, 200):
        entries = [of_one(pos) for pos in range(first + 1, first + 200)]
        store.commit([*entries, (rare, first + 200, Ns(first), 1, b"")])
        store.trim({ONE: Retention(300, Ns(0)), rare: Retention(1000, Ns(0))}, at_most=400)
    assert store.bounds(rare).count == 100
    with sqlite3.connect(store._path) as other:
        assert other.execute("SELECT count(*) FROM entries").fetchone()[0] < 2 * 400 + 2 * 64
    other.close()


def test_a_stream_that_was_forgotten_begins_anew(store, path):
    store.commit([of_one(pos) for pos in range(1, 201)])
    store.forget(ONE)
    assert store.bounds(ONE) is None
    assert store.read(ONE) == []
    store.commit([of_one(201)])
    assert [kept.pos for kept in store.read(ONE)] == [201]
    store.close()
    again = HistoryStore(path)
    assert [kept.pos for kept in again.read(ONE)] == [201]
    again.trim({})
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM entries").fetchone()[0] <= 64
    other.close()
    again.close()


def test_more_streams_than_one_commit_can_seal_are_all_found(store, path):
    keys = [("many", str(n)) for n in range(150)]
    entries = [(keys[pos % 150], pos, Ns(pos), pos, b"") for pos in range(1, 3001)]
    for first in range(0, 3000, 500):
        store.commit(entries[first : first + 500])
    store.close()
    again = HistoryStore(path)
    assert sum(bounds.count for bounds in again.streams().values()) == 3000
    assert [kept.pos for kept in again.read(keys[7])] == list(range(7, 3001, 150))
    again.close()


def test_readers_beside_commits_and_trims_see_what_is_committed_in_order(store):
    """In threads, as many as a fetch desk has."""
    ended = threading.Event()
    failures: list[object] = []
    reads = [0, 0]

    def read(number: int) -> None:
        after = 0
        while not ended.is_set() or not reads[number]:
            try:
                kept = store.read(ONE, after=after, limit=100)
            except HistoryError as e:
                failures.append(e)
                return
            positions = [k.pos for k in kept]
            following = [k.next_ts for k in kept[:-1]]
            if positions != list(range(positions[0], positions[-1] + 1)) if positions else False:
                failures.append(positions)
            if following != positions[1:]:
                failures.append(following)
            after = 0 if len(kept) < 100 else positions[-1]
            reads[number] += 1

    threads = [threading.Thread(target=read, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for first in range(1, 10_001, 50):
        store.commit([of_one(pos) for pos in range(first, first + 50)])
        store.trim({ONE: Retention(700, Ns(0))}, at_most=200)
    ended.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.damage == []
    assert min(reads) > 0


def test_entries_that_go_while_they_are_looked_for_do_not_end_what_is_read(store, monkeypatch):
    """Whoever gets fewer than asked for takes it that there are no more."""
    for first in range(1, 401, 50):
        store.commit([of_one(pos) for pos in range(first, first + 50)])
    find = store._file.rows.entries

    def find_after_trimming(stream: int, positions: list[int]) -> object:
        monkeypatch.setattr(store._file.rows, "entries", find)
        store.trim({ONE: Retention(200, Ns(0))})
        store.trim({})  # now the rows go
        return find(stream, positions)

    monkeypatch.setattr(store._file.rows, "entries", find_after_trimming)
    assert [kept.pos for kept in store.read(ONE, limit=300)] == list(range(201, 401))
    assert store.damage == []


def test_a_run_that_goes_while_it_is_looked_for_is_no_damage(store, monkeypatch):
    for first in range(1, 401, 50):
        store.commit([of_one(pos) for pos in range(first, first + 50)])
    find = store._file.rows.places

    def find_after_trimming(track: object, run: object) -> object:
        monkeypatch.setattr(store._file.rows, "places", find)
        store.trim({ONE: Retention(200, Ns(0))})
        store.trim({})  # now the rows go, those of runs too
        return find(track, run)

    monkeypatch.setattr(store._file.rows, "places", find_after_trimming)
    assert [kept.pos for kept in store.read(ONE, limit=300)] == list(range(201, 401))
    store.trim({})
    assert store.damage == []
    assert store.bounds(ONE).count == 200


def test_a_file_is_waited_for_until_another_process_has_left_it(store, path):
    with pytest.raises(HistoryError, match="in use"):
        HistoryStore(path, patience=0.1)
    threading.Timer(0.2, store.close).start()
    HistoryStore(path, patience=60.0).close()
