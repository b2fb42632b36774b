"""A file that is not what it was is opened all the same: what can be read is served, and nothing wrong."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fast_folder import in_memory
from full_disk import no_file_longer_than

from rta.errors import HistoryError
from rta.history.store import HistoryStore, KeptEntry, NewEntry, Retention
from rta.wire.values import Ns

KEYS = [("a", ""), ("a", "fine"), ("b", "")]
COUNT = 1200


def entry(pos: int) -> NewEntry:
    return (KEYS[pos % len(KEYS)], pos, Ns(pos * 1000), pos, b"%06d" % pos * 20)


def filled(path: Path) -> HistoryStore:
    """Entries 1 to `COUNT`, in segments of 64, of which the first fifty of one stream are gone."""
    store = HistoryStore(path, segment=64)
    for first in range(1, COUNT + 1, 30):
        store.commit([entry(pos) for pos in range(first, first + 30)], b"mark %d" % first)
    store.trim({KEYS[0]: Retention(COUNT // 3 - 50, Ns(0))}, at_most=1000)
    return store


@pytest.fixture(scope="module")
def closed() -> Iterator[Path]:
    """A history that was closed."""
    with in_memory() as folder:
        path = folder / "history.sqlite"
        filled(path).close()
        yield path


@pytest.fixture(scope="module")
def killed() -> Iterator[Path]:
    """A history as a process leaves it that is killed: nearly all of it is in the log."""
    with in_memory() as folder:
        store = filled(folder / "running")
        yield copied(folder / "running", folder / "history.sqlite")
        store.close()


def copied(path: Path, to: Path) -> Path:
    for suffix in ("", "-wal"):
        if (found := path.with_name(path.name + suffix)).exists():
            shutil.copy(found, to.with_name(to.name + suffix))
    return to


def all_of(store: HistoryStore) -> dict[int, KeptEntry]:
    return {kept.pos: kept for key in KEYS for kept in store.read(key, limit=COUNT)}


def check(path: Path, lost_unseen: bool = False) -> int:
    """How many entries are served. They are right, and it is said if some are missing."""
    store = HistoryStore(path)
    served = all_of(store)
    for pos, kept in served.items():
        was = entry(pos)
        assert (kept.ts, kept.seq, kept.values) == was[2:]
    for key in KEYS:
        mine = store.read(key, limit=COUNT)
        assert [kept.next_ts for kept in mine] == [*(kept.ts for kept in mine[1:]), None][: len(mine)]
        bounds = store.bounds(key)
        assert (
            (bounds.first, bounds.last, bounds.count) == (mine[0].pos, mine[-1].pos, len(mine)) if mine else not bounds
        )
    if len(served) < COUNT - 50 and not lost_unseen:
        assert store.damage
    new = (("new", ""), store.last + 1, Ns(1), 1, b"\xa0")
    store.commit([new])
    store.trim({key: Retention(100, Ns(0)) for key in KEYS})
    assert [kept.pos for kept in store.read(("new", ""))] == [new[1]]
    store.close()
    return len(served)


def overwritten(path: Path, at: int, length: int, numbers: random.Random) -> None:
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(numbers.randbytes(min(length, path.stat().st_size - at)))


def overwritten_by_another(path: Path) -> None:
    """All behind the first eight pages. A process that opens and closes a file gives up its own locks on it."""
    pages = path.stat().st_size // 4096 - 8
    arguments = ["dd", f"of={path}", "bs=4096", "seek=8", "conv=notrunc", "status=none"]
    subprocess.run(arguments, input=random.Random(1).randbytes(4096 * pages), check=True)


def wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def test_a_history_that_was_killed_is_whole(killed, folder):
    store = HistoryStore(copied(killed, folder / "history.sqlite"))
    assert len(all_of(store)) == COUNT - 50
    assert (store.last, store.mark, store.damage) == (COUNT, b"mark 1171", [])
    store.close()


@pytest.mark.parametrize("seed", range(20))
def test_a_page_that_is_overwritten_costs_what_was_on_it(closed, folder, seed):
    path = copied(closed, folder / "history.sqlite")
    numbers = random.Random(seed)
    overwritten(path, 4096 * numbers.randrange(path.stat().st_size // 4096), 4096, numbers)
    check(path)


@pytest.mark.parametrize("seed", range(10))
def test_bytes_that_are_overwritten_cost_what_they_meant(closed, folder, seed):
    path = copied(closed, folder / "history.sqlite")
    numbers = random.Random(seed)
    overwritten(path, numbers.randrange(path.stat().st_size), numbers.choice([1, 4, 100, 10_000]), numbers)
    check(path)


@pytest.mark.parametrize("seed", range(10))
def test_a_file_that_is_cut_off_keeps_what_was_before(closed, folder, seed):
    path = copied(closed, folder / "history.sqlite")
    size = random.Random(seed).randrange(path.stat().st_size)
    with open(path, "r+b") as file:
        file.truncate(size)
    check(path)


@pytest.mark.parametrize("seed", range(10))
def test_a_log_that_is_overwritten_costs_what_came_behind(killed, folder, seed):
    path = copied(killed, folder / "history.sqlite")
    numbers = random.Random(seed)
    overwritten(wal(path), numbers.randrange(wal(path).stat().st_size - 20_000), 5000, numbers)
    check(path)


@pytest.mark.parametrize("seed", range(10))
def test_a_log_that_is_cut_off_costs_what_came_behind(killed, folder, seed):
    path = copied(killed, folder / "history.sqlite")
    with open(wal(path), "r+b") as file:
        file.truncate(random.Random(seed).randrange(wal(path).stat().st_size))
    check(path, lost_unseen=True)  # it looks like one that was written no further


def test_without_its_first_page_everything_else_is_served(closed, folder):
    path = copied(closed, folder / "history.sqlite")
    overwritten(path, 0, 4096, random.Random(1))
    assert check(path) == COUNT - 50


@pytest.mark.parametrize("content", [b"", b"no database", bytes(100_000)], ids=["empty", "text", "zeros"])
def test_what_is_no_history_at_all_is_kept_aside(folder, content):
    path = folder / "history.sqlite"
    path.write_bytes(content)
    store = HistoryStore(path)
    assert store.streams() == {}
    assert store.last == 0
    assert "damaged" in store.damage[0]
    store.close()
    assert (folder / "history.sqlite.damaged-1").read_bytes() == content


def test_three_damaged_files_are_kept_the_newest_first(folder):
    path = folder / "history.sqlite"
    for number in range(5):
        path.write_bytes(b"%d" % number)
        HistoryStore(path).close()
    kept = {found.name: found.read_bytes() for found in folder.glob("*.damaged-*")}
    assert kept == {f"history.sqlite.damaged-{n + 1}": b"%d" % (4 - n) for n in range(3)}


def with_rows(path: Path, statement: str) -> None:
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()


def test_an_entry_that_does_not_match_its_check_sum_is_left_out_and_said(closed, folder):
    path = copied(closed, folder / "history.sqlite")
    with_rows(path, "UPDATE entries SET seq = seq + 1 WHERE pos IN (500, 503)")
    store = HistoryStore(path)
    served = store.read(KEYS[500 % 3], after=490, limit=6)
    assert [kept.pos for kept in served] == [491, 494, 497, 506, 509, 512]
    assert served[2].next_ts == 506_000
    assert store.damage == ["2 entries of b cannot be read and are left out"]
    store.close()


def test_the_newest_entry_that_can_be_read_is_the_newest(closed, folder):
    path = copied(closed, folder / "history.sqlite")
    with_rows(path, f"UPDATE entries SET data = 'x' WHERE pos > {COUNT - 3}")
    store = HistoryStore(path)
    assert store.bounds(KEYS[0]).seq == COUNT - 3
    assert store.last == COUNT
    store.close()


def test_a_state_that_is_lost_costs_the_mark_and_no_position_is_used_twice(closed, folder):
    path = copied(closed, folder / "history.sqlite")
    with_rows(path, "UPDATE state SET last = 3")
    store = HistoryStore(path)
    assert store.mark == b""
    assert store.last >= COUNT
    assert len(all_of(store)) == COUNT - 50
    store.close()


@pytest.mark.processes
def test_a_file_that_is_damaged_while_it_is_used_is_salvaged_by_the_next_commit(folder):
    path = folder / "history.sqlite"
    store = filled(path)
    store._checkpoint()
    overwritten_by_another(path)
    with_rows(path, "UPDATE segments SET entries = entries + 1")  # so that it is read again
    store.commit([entry(COUNT + 1)], b"new")
    assert store.damage[0].startswith("the history was damaged (it could not be written: ")
    served = all_of(store)
    assert COUNT + 1 in served
    assert 1 < len(served) < COUNT - 50
    store.close()
    reopened = HistoryStore(path)
    assert (all_of(reopened), reopened.mark) == (served, b"new")
    reopened.close()


@pytest.mark.processes
def test_what_is_lost_of_the_state_while_it_is_used_is_known_all_the_same(folder):
    path = folder / "history.sqlite"
    store = filled(path)
    store._checkpoint()
    overwritten_by_another(path)
    with_rows(path, "UPDATE state SET last = 3")
    store.forget(KEYS[0])
    store.commit([entry(COUNT + 1)])
    assert (store.last, store.mark) == (COUNT + 1, b"mark 1171")
    store.close()


@pytest.mark.processes
def test_a_salvage_for_which_there_is_no_room_is_tried_again(folder):
    path = folder / "history.sqlite"
    store = filled(path)
    store._checkpoint()
    overwritten_by_another(path)
    with_rows(path, "UPDATE segments SET entries = entries + 1")
    for _ in range(2):
        with no_file_longer_than(5000), pytest.raises(HistoryError, match="history"):
            store.commit([entry(COUNT + 1)])
        assert all(kept.values == entry(pos)[4] for pos, kept in all_of(store).items())
    store.commit([entry(COUNT + 1)])
    assert COUNT + 1 in all_of(store)
    store.close()


@pytest.mark.processes
def test_readers_go_around_what_is_damaged_while_it_is_used(folder):
    path = folder / "history.sqlite"
    store = filled(path)
    store._checkpoint()
    overwritten_by_another(path)
    assert all(kept.values == entry(pos)[4] for pos, kept in all_of(store).items())
    assert store.damage
    assert store.bounds(KEYS[1]).count == len(store.read(KEYS[1], limit=COUNT))
    store.close()
