"""Who has a history keeps others away from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rta.errors import DamagedFileError, HistoryError
from rta.history.file import HISTORY
from rta.store import hold
from rta.store.hold import Hold


def test_a_lock_of_another_user_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "history.sqlite.lock"
    lock.write_bytes(b"")

    def refused(path: Path, flags: int) -> Any:
        raise DamagedFileError("it cannot be opened: Permission denied")

    monkeypatch.setattr(hold, "open_own_file", refused)
    monkeypatch.setattr(os, "geteuid", lambda: lock.stat().st_uid + 1)
    with pytest.raises(HistoryError, match="another user's"):
        Hold(HISTORY, tmp_path / "history.sqlite", 0.0)
    assert [path.name for path in tmp_path.iterdir()] == [lock.name]


def test_a_lock_that_is_no_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "history.sqlite.lock").mkdir()
    held = Hold(HISTORY, tmp_path / "history.sqlite", 0.0)
    held.release()
    assert (tmp_path / "history.sqlite.lock").is_file()
