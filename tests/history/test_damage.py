"""A file that is not what it was is served where it is right, or set aside; and then it is recorded on."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fast_folder import in_memory
from full_disk import no_file_longer_than

from rta.errors import HistoryError
from rta.history.salvage import salvage
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
    for suffix in ("", "-wal", ".lock"):
        if (found := path.with_name(path.name + suffix)).exists():
            shutil.copy(found, to.with_name(to.name + suffix))
    return to


def all_of(store: HistoryStore) -> dict[int, KeptEntry]:
    return {kept.pos: kept for key in KEYS for kept in store.read(key, limit=COUNT)}


def check(path: Path) -> int:
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
    if len(served) < COUNT - 50:
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


def set_aside(path: Path) -> list[Path]:
    """The damaged files beside a history, without their logs and journals."""
    return sorted(
        found for found in path.parent.glob("*.damaged-*") if not found.name.endswith(("-wal", "-shm", "-journal"))
    )


DAMAGES: dict[str, Callable[[bytearray, random.Random], None]] = {}


def damage(change: Callable[[bytearray, random.Random], None]) -> Callable[[bytearray, random.Random], None]:
    DAMAGES[change.__name__] = change
    return change


@damage
def one_bit(data: bytearray, numbers: random.Random) -> None:
    data[numbers.randrange(len(data))] ^= 1 << numbers.randrange(8)


@damage
def bits(data: bytearray, numbers: random.Random) -> None:
    for _ in range(numbers.choice([10, 100, 1000])):
        one_bit(data, numbers)


@damage
def a_bit_of_the_head(data: bytearray, numbers: random.Random) -> None:
    data[numbers.randrange(100)] ^= 1 << numbers.randrange(8)


@damage
def pages_swapped(data: bytearray, numbers: random.Random) -> None:
    one, other = (4096 * numbers.randrange(len(data) // 4096) for _ in range(2))
    data[one : one + 4096], data[other : other + 4096] = data[other : other + 4096], data[one : one + 4096]


@damage
def a_page_twice(data: bytearray, numbers: random.Random) -> None:
    one, other = (4096 * numbers.randrange(len(data) // 4096) for _ in range(2))
    data[one : one + 4096] = data[other : other + 4096]


@damage
def a_page_of_noise(data: bytearray, numbers: random.Random) -> None:
    at = 4096 * numbers.randrange(len(data) // 4096)
    data[at : at + 4096] = numbers.randbytes(4096)


@damage
def zeros(data: bytearray, numbers: random.Random) -> None:
    at, length = numbers.randrange(len(data)), numbers.choice([4, 512, 4096, 50_000])
    data[at : at + length] = bytes(len(data[at : at + length]))


@damage
def some_bytes(data: bytearray, numbers: random.Random) -> None:
    at, length = numbers.randrange(len(data)), numbers.choice([1, 4, 100, 10_000])
    data[at : at + length] = numbers.randbytes(len(data[at : at + length]))


@damage
def cut_off(data: bytearray, numbers: random.Random) -> None:
    del data[numbers.randrange(len(data)) :]


@damage
def cut_off_between_pages(data: bytearray, numbers: random.Random) -> None:
    del data[4096 * numbers.randrange(len(data) // 4096) :]


SLOWEST = 2.0
"""Seconds of computing for a file of 200 kB, which takes 10 ms."""


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_whatever_has_become_of_a_file_it_is_served_or_set_aside_and_recorded_to(closed, killed, folder, name):
    """A thousand files in all, half of them with their log, which is damaged then."""
    for seed in range(1000 // len(DAMAGES)):
        numbers = random.Random(f"{name} {seed}")
        path = folder / str(seed) / "history.sqlite"
        path.parent.mkdir()
        copied(killed if seed % 2 else closed, path)
        target = wal(path) if seed % 2 else path
        data = bytearray(target.read_bytes())
        DAMAGES[name](data, numbers)
        target.write_bytes(data)
        began = time.thread_time()
        check(path)
        assert time.thread_time() - began < SLOWEST, seed
        for aside in set_aside(path) if seed % 8 < 2 else ():
            for key, pos, ts, seq, values in salvaged(aside):
                assert (key, pos, ts, seq, values) == entry(pos)
        shutil.rmtree(path.parent)


def salvaged(path: Path) -> list[NewEntry]:
    """What can be got out of a damaged file."""
    into = path.parent / "salvaged"
    salvage(path, into)
    store = HistoryStore(into)
    found = [(key, kept.pos, kept.ts, kept.seq, kept.values) for key in KEYS for kept in store.read(key, limit=COUNT)]
    store.close()
    return found


CASES = sorted((Path(__file__).parent / "damaged").glob("*.sqlite"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_files_that_once_kept_a_node_from_recording_are_set_aside(folder, case):
    path = folder / "history.sqlite"
    shutil.copyfile(case, path)
    store = HistoryStore(path)
    store.commit([entry(store.last + 1)])
    assert len(all_of(store)) == 1
    store.close()
    (aside,) = set_aside(path)
    assert aside.read_bytes() == case.read_bytes()


def test_two_pages_that_were_swapped_cost_no_entry_in_the_salvage():
    found = salvage(Path(__file__).parent / "damaged" / "pages-swapped.sqlite")
    assert sum(bounds.count for bounds in found.streams.values()) == 3008


def test_without_its_first_page_everything_else_can_be_salvaged(closed, folder):
    path = copied(closed, folder / "history.sqlite")
    overwritten(path, 0, 4096, random.Random(1))
    assert check(path) == 0
    (aside,) = set_aside(path)
    assert len(salvaged(aside)) == COUNT - 50


@pytest.mark.parametrize("content", [b"", b"no database", bytes(100_000)], ids=["empty", "text", "zeros"])
def test_what_is_no_history_at_all_is_kept_aside(folder, content):
    path = folder / "history.sqlite"
    path.write_bytes(content)
    store = HistoryStore(path)
    assert store.streams() == {}
    assert store.last == 0
    assert "damaged" in store.damage[0]
    store.close()
    (aside,) = set_aside(path)
    assert aside.read_bytes() == content


def link(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal", ".lock", ".new"])
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, link], ids=["pipe", "folder", "link"])
def test_what_is_no_file_is_out_of_the_way_at_once(folder, make, suffix):
    path = folder / "history.sqlite"
    if suffix != ".new":
        filled(path).close()
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    make(path.with_name(path.name + suffix))
    store = HistoryStore(path)
    store.commit([(("new", ""), store.last + 1, Ns(1), 1, b"")])
    assert len(store.read(("new", ""))) == 1
    store.close()


def test_the_first_four_damaged_files_and_the_newest_are_kept(folder):
    path = folder / "history.sqlite"
    for number in range(8):
        path.write_bytes(b"%d" % number)
        HistoryStore(path).close()
    assert {found.read_bytes() for found in set_aside(path)} == {b"0", b"1", b"2", b"3", b"7"}


def test_a_log_without_its_file_is_kept_aside(killed, folder):
    path = copied(killed, folder / "history.sqlite")
    path.unlink()
    store = HistoryStore(path)
    assert "its write-ahead log is there" in store.damage[0]
    store.close()
    (aside,) = folder.glob("*.damaged-*")
    found = salvage(aside.with_name(aside.name.removesuffix("-wal")))
    assert sum(bounds.count for bounds in found.streams.values()) == COUNT - 50


def test_a_journal_beside_it_takes_nothing_from_it(closed, folder):
    path = copied(closed, folder / "history.sqlite")
    pages, size, sector = ((2).to_bytes(4, "big"), (4096).to_bytes(4, "big"), (512).to_bytes(4, "big"))
    journal = bytes.fromhex("d9d505f920a163d7ffffffff") + bytes(4) + pages + sector + size
    path.with_name(path.name + "-journal").write_bytes(journal + bytes(5000))
    store = HistoryStore(path)
    assert "a rollback journal is beside it" in store.damage[0]
    store.close()
    (aside,) = set_aside(path)
    assert sum(bounds.count for bounds in salvage(aside).streams.values()) == COUNT - 50


@pytest.mark.parametrize("put_there", [lambda path: None, Path.mkdir, lambda path: path.write_bytes(b"another")])
def test_a_file_that_is_taken_away_is_begun_anew_and_that_is_said(folder, put_there):
    path = folder / "history.sqlite"
    store = filled(path)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()
    put_there(path)
    store.commit([entry(COUNT + 1)])
    (sentence,) = store.damage
    assert "somebody has moved or removed it" in sentence
    assert ("set aside" in sentence) == bool(set_aside(path))
    store.close()
    store = HistoryStore(path)
    assert [kept.pos for kept in all_of(store).values()] == [COUNT + 1]
    store.close()


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


def test_a_state_that_is_lost_costs_the_file_and_no_position_is_used_twice(closed, folder):
    path = copied(closed, folder / "history.sqlite")
    with_rows(path, "UPDATE state SET last = 3")
    store = HistoryStore(path)
    assert (store.mark, store.last, all_of(store)) == (b"", COUNT, {})
    store.close()
    (aside,) = set_aside(path)
    assert len(salvaged(aside)) == COUNT - 50


def test_an_entry_at_a_place_that_no_history_comes_to_is_damage(closed, folder):
    path = copied(closed, folder / "history.sqlite")
    with_rows(path, f"UPDATE entries SET pos = {1 << 60} WHERE pos = {COUNT}")
    assert check(path) == 0


@pytest.mark.parametrize("cut", [0, 100, 32 + 5 * 4120, 32 + 50 * 4120 + 7])
def test_a_log_that_was_cut_off_is_told_however_it_was_cut(folder, cut):
    store = filled(folder / "running")
    path = copied(folder / "running", folder / "history.sqlite")
    store.close()
    with open(wal(path), "r+b") as file:
        file.truncate(cut)
    store = HistoryStore(path)
    left = len(all_of(store))
    assert store.last == COUNT
    if cut < 4120:
        assert "its write-ahead log" in store.damage[0]
    else:
        assert f"{COUNT - max(all_of(store), default=0)} entries at the end of the history are gone" in store.damage[0]
    store.commit([entry(COUNT + 1)])
    store.close()
    again = HistoryStore(path)
    assert (len(all_of(again)), again.damage) == (left + 1, [])
    again.close()


@pytest.fixture
def damaged_in_use(folder) -> HistoryStore:
    """Nothing behind its first pages can be read."""
    path = folder / "history.sqlite"
    store = filled(path)
    store._checkpoint()
    overwritten_by_another(path)
    with_rows(path, "UPDATE segments SET entries = entries + 1")  # so that it is read again
    return store


@pytest.mark.processes
def test_a_file_that_is_damaged_while_it_is_used_is_set_aside_by_the_next_commit(folder, damaged_in_use):
    store = damaged_in_use
    store.commit([entry(COUNT + 1)])
    assert "set aside" in store.damage[0]
    served = all_of(store)
    assert list(served) == [COUNT + 1]
    assert (store.last, store.mark) == (COUNT + 1, b"mark 1171")
    store.close()
    reopened = HistoryStore(folder / "history.sqlite")
    assert (all_of(reopened), reopened.last, reopened.damage) == (served, COUNT + 1, [])
    reopened.close()
    (aside,) = set_aside(folder / "history.sqlite")
    assert 1 < len(salvaged(aside)) < COUNT


@pytest.mark.processes
def test_one_for_which_there_is_no_room_is_begun_later(damaged_in_use):
    store = damaged_in_use
    for _ in range(2):
        with no_file_longer_than(5000), pytest.raises(HistoryError, match="history"):
            store.commit([entry(COUNT + 1)])
    store.commit([entry(COUNT + 1)])
    assert list(all_of(store)) == [COUNT + 1]
    store.close()


@pytest.mark.processes
def test_what_is_damaged_and_read_is_told_and_set_aside_by_the_next_write(damaged_in_use):
    store = damaged_in_use
    with pytest.raises(HistoryError, match="malformed"):
        all_of(store)
    store.trim({})
    assert (all_of(store), store.last) == ({}, COUNT)
    assert "set aside" in store.damage[0]
    store.close()


def test_files_are_for_their_owner_alone(folder):
    path = folder / "history.sqlite"
    store = filled(path)
    assert {found.name: found.stat().st_mode & 0o777 for found in folder.iterdir()} == dict.fromkeys(
        ("history.sqlite", "history.sqlite-wal", "history.sqlite-shm", "history.sqlite.lock"), 0o600
    )
    store.close()
    path.chmod(0o644)
    HistoryStore(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
