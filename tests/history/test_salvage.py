"""What is got out of a damaged history, and where it is put."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from rta.cli.history import command
from rta.errors import HistoryError, RtaError
from rta.history.delivery import Checkpoint, Span, read_checkpoint, write_checkpoint
from rta.history.salvage import salvage
from rta.history.store import HistoryStore, Key, NewEntry, Retention
from rta.wire.values import Ns

ONE, OTHER = ("a", ""), ("b", "fine")


def entries(key: Key, first: int, last: int, size: int = 10) -> list[NewEntry]:
    return [(key, pos, Ns(1000 * pos), pos, b"%d" % pos * size) for pos in range(first, last + 1)]


def kept(path: Path, key: Key = ONE) -> list[int]:
    """The numbers of the entries, with which they were made."""
    store = HistoryStore(path)
    found = [entry.seq for entry in store.read(key, limit=10_000)]
    assert all(entry.values.startswith(b"%d" % entry.seq) for entry in store.read(key, limit=10_000))
    assert store.damage == []
    store.close()
    return found


@pytest.fixture
def damaged(folder: Path) -> Path:
    """A history whose head is gone."""
    path = folder / "history.sqlite.damaged-20260717T101500Z"
    store = HistoryStore(path, segment=64)
    store.commit(entries(ONE, 1, 100), write_checkpoint(Checkpoint(80, {ONE: [Span(30, 35)]})))
    store.close()
    behead(path)
    Path(f"{path}.lock").unlink()
    return path


def behead(path: Path) -> None:
    with open(path, "r+b") as file:
        file.write(bytes(50))


def test_it_is_put_into_a_new_history(folder, damaged):
    before = damaged.read_bytes()
    found = salvage(damaged, folder / "new")
    assert (found.streams[ONE].count, found.streams[ONE].newest, found.nameless) == (100, 100_000, 0)
    assert kept(folder / "new") == list(range(1, 101))
    assert damaged.read_bytes() == before
    assert {path.name for path in folder.iterdir()} >= {"new", "new.lock"}
    assert not list(folder.glob("new.*salvage*"))


def test_what_was_recorded_since_comes_behind_and_what_was_owed_is_owed(folder, damaged):
    path = folder / "history.sqlite"
    store = HistoryStore(path)
    store.commit(entries(ONE, 1, 50), write_checkpoint(Checkpoint(50, {ONE: [Span(1, 3)], OTHER: [Span(7, 9)]})))
    store.commit(entries(OTHER, 51, 60))
    store.close()
    assert salvage(damaged, path).noticed == []
    assert kept(path) == [*range(1, 101), *range(1, 51)]
    assert kept(path, OTHER) == list(range(51, 61))
    store = HistoryStore(path)
    checkpoint = read_checkpoint(store.mark)
    assert checkpoint.owed(ONE, store.last) == [Span(30, 35), Span(81, 100), Span(101, 103), Span(151, 160)]
    assert checkpoint.owed(OTHER, store.last) == [Span(107, 109), Span(151, 160)]
    store.close()


def test_where_positions_went_on_they_stay(folder, damaged):
    path = folder / "history.sqlite"
    store = HistoryStore(path)
    store.commit(entries(ONE, 200, 210), write_checkpoint(Checkpoint(205, {ONE: [Span(1, 201)]})))
    store.close()
    salvage(damaged, path)
    store = HistoryStore(path)
    assert [entry.pos for entry in store.read(ONE, after=90, limit=12)] == [*range(91, 101), 200, 201]
    owed = read_checkpoint(store.mark).owed(ONE, store.last)
    assert owed == [Span(30, 35), Span(81, 100), Span(200, 201), Span(206, 210)]
    store.close()


def test_what_was_over_the_limits_stays_away_and_what_is_in_the_log_does_not(folder):
    store = HistoryStore(folder / "running", segment=16)
    for first in range(1, 1000, 10):
        store.commit(entries(ONE, first, first + 9))
    store.trim({ONE: Retention(300, Ns(0))}, at_most=500)
    assert salvage(folder / "running").streams[ONE].count == 300
    store.close()


def test_entries_that_are_longer_than_a_page_are_whole(folder):
    path = folder / "long"
    store = HistoryStore(path)
    store.commit(entries(ONE, 1, 30, 7000))
    store.close()
    behead(path)
    salvage(path, folder / "new")
    assert kept(folder / "new") == list(range(1, 31))


def test_a_history_that_is_in_use_is_left_alone(folder, damaged):
    path = folder / "history.sqlite"
    store = HistoryStore(path)
    store.commit(entries(ONE, 1, 5))
    with pytest.raises(HistoryError, match="in use"):
        salvage(damaged, path)
    store.close()
    assert kept(path) == [1, 2, 3, 4, 5]


def test_a_history_that_is_damaged_itself_is_set_aside_and_said(folder, damaged):
    path = folder / "history.sqlite"
    path.write_bytes(b"no history")
    (sentence,) = salvage(damaged, path).noticed
    assert "set aside" in sentence
    assert kept(path) == list(range(1, 101))
    assert len(list(folder.glob("history.sqlite.damaged-*"))) == 2


def test_a_history_that_cannot_be_replaced_has_what_it_had(folder, damaged, monkeypatch):
    into = folder / "into.sqlite"
    salvage(damaged, into)
    content = into.read_bytes()
    replace = os.replace

    def full_disk(source: Path, target: Path) -> None:
        if target == into:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(HistoryError, match="No space left"):
        salvage(damaged, into)
    assert into.read_bytes() == content


def test_entries_of_a_stream_without_a_name_are_counted_as_lost(folder):
    path = folder / "history.sqlite"
    store = HistoryStore(path)
    store.commit([*entries(("lost", ""), 1, 10), *entries(ONE, 11, 20)])
    store.close()
    path.write_bytes(path.read_bytes().replace(b"lost", b"last"))
    found = salvage(path)
    assert (found.nameless, list(found.streams)) == (10, [ONE])


def test_the_command_says_what_there_is(folder, damaged):
    said = CliRunner().invoke(command, ["salvage", str(damaged)])
    assert "a: 100 entries, 1970-01-01 00:00:00Z to 1970-01-01 00:00:00Z" in said.stdout
    assert "100 entries can be read" in said.stdout
    said = CliRunner().invoke(command, ["salvage", str(damaged), "--into", str(folder / "new")])
    assert f"100 entries are now in {folder / 'new'}" in said.stdout
    assert kept(folder / "new") == list(range(1, 101))


def test_the_command_fails_where_there_is_nothing(folder):
    (folder / "noise").write_bytes(b"x" * 10_000)
    said = CliRunner().invoke(command, ["salvage", str(folder / "noise"), "--into", str(folder / "new")])
    assert isinstance(said.exception, RtaError)
    assert not (folder / "new").exists()
