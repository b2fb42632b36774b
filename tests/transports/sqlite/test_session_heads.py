"""Heads of sealed files are kept as long as the files are the same."""

from __future__ import annotations

import os
from pathlib import Path

from rta_transports.sqlite.sealed_file import SealedFile
from rta_transports.sqlite.session_file import SessionHead, create_session_file
from rta_transports.sqlite.session_heads import SessionHeads


def sealed(path: Path, json: str) -> Path:
    file = SealedFile(path.with_suffix(".new"), large=False)
    file.finish(SessionHead("a", json))
    os.replace(file.path, path)
    return path


def test_a_head_is_kept_until_the_file_is_another_one(tmp_path: Path) -> None:
    heads = SessionHeads()
    path = sealed(tmp_path / "a.sqlite", "1")
    first = heads.get(path)
    assert first is not None
    assert heads.get(path) is first
    second = heads.get(sealed(path, "2"))
    assert (first.json, second and second.json) == ("1", "2")
    path.unlink()
    assert heads.get(path) is None


def test_neither_heads_of_open_files_nor_large_ones_are_kept(tmp_path: Path) -> None:
    heads = SessionHeads()
    create_session_file(tmp_path / "a.open.sqlite", SessionHead("a"))
    large = sealed(tmp_path / "a.sqlite", "x" * 100_000)
    for path in (tmp_path / "a.open.sqlite", large):
        found = heads.get(path)
        assert found is not None
        assert heads.get(path) == found
        assert heads.get(path) is not found


def test_the_last_ones_are_kept(tmp_path: Path) -> None:
    heads = SessionHeads()
    first = sealed(tmp_path / "first.sqlite", "1")
    head = heads.get(first)
    others = [sealed(tmp_path / f"{number}.sqlite", "2") for number in range(64)]
    for path in others[1:]:
        heads.get(path)
    assert heads.get(first) is head
    heads.get(others[0])
    heads.get(others[1])
    assert heads.get(first) is head
