"""Files of a store that its process has open, as others see them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rta.store.database import FileLayout, beside, connect, connect_beside, create
from rta.store.hold import Hold, is_held
from rta.store.wal import WriteAheadLog
from tests.store.notebook import NOTEBOOK

LAYOUT = FileLayout("the notebook", 16384, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "note book?#%.sqlite"
    create(path, LAYOUT, lambda db: db.execute("INSERT INTO notes VALUES (1, 'one')"))
    return path


def notes(db: sqlite3.Connection) -> list[str]:
    return [text for (text,) in db.execute("SELECT text FROM notes ORDER BY id")]


def test_who_reads_beside_it_sees_what_is_committed_and_leaves_the_log_alone(path):
    with closing(connect(path)) as db:
        db.execute("INSERT INTO notes VALUES (2, 'two')")
        log = beside(path, "-wal").read_bytes()
        with closing(connect_beside(path)) as other:
            assert notes(other) == ["one", "two"]
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                other.execute("DELETE FROM notes")
        assert beside(path, "-wal").read_bytes() == log


def test_reading_beside_nobody_changes_no_file_and_tears_no_log(path):
    before = path.read_bytes()
    with closing(connect_beside(path)) as db:
        assert notes(db) == ["one"]
    assert path.read_bytes() == before
    assert not WriteAheadLog(path, LAYOUT.page).breaks_off


def test_in_a_folder_that_may_not_be_written_a_closed_file_is_read(path, monkeypatch):
    real = sqlite3.connect
    uris: list[str] = []

    def refuse(name: str, **options: object) -> sqlite3.Connection:
        uris.append(name)
        if "immutable" not in name:
            raise sqlite3.OperationalError("unable to open database file")
        return real(name, **options)

    monkeypatch.setattr(sqlite3, "connect", refuse)
    with closing(connect_beside(path)) as db:
        assert notes(db) == ["one"]
    assert len(uris) == 2
    beside(path, "-wal").touch()  # there may be more in it
    with pytest.raises(sqlite3.OperationalError, match="unable"):
        connect_beside(path)


def test_what_is_not_there_is_not_made(tmp_path):
    with pytest.raises(sqlite3.OperationalError):
        connect_beside(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_whether_somebody_has_a_store_can_be_asked(tmp_path):
    path = tmp_path / "book"
    assert not is_held(path)
    held = Hold(NOTEBOOK, path, 0.0)
    assert is_held(path)
    held.release()
    assert not is_held(path)
    Hold(NOTEBOOK, path, 0.0).release()
