"""A file that is not whole has another name, and what is on the disk of it can be gone on with."""

from __future__ import annotations

import errno
import fcntl
import os

import pytest

from rta.cli.part_file import PartFile
from rta.errors import RtaError
from rta.export import ExportPiece, RowPlace

SAID = {"session": "drive"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "drive.csv"


def begun(path, *pieces: ExportPiece) -> PartFile:
    part = PartFile(path)
    part.begin(SAID)
    for piece in pieces:
        part.write(piece)
    return part


def begins(path) -> RowPlace | None:
    part = PartFile(path)
    try:
        return part.begin(SAID)
    finally:
        part.close(resumable=False)


def names(path) -> set[str]:
    return {p.name for p in path.parent.iterdir()}


def test_it_gets_its_name_when_it_is_whole(path):
    path.write_text("old")
    part = begun(path, ExportPiece(b"a\n"), ExportPiece(b"1\n", RowPlace(1, 1)))
    assert path.read_text() == "old"
    part.finish()
    part.close(resumable=True)
    assert (path.read_text(), names(path)) == ("a\n1\n", {"drive.csv"})


def test_the_next_one_goes_on_behind_the_last_place(path):
    begun(path, ExportPiece(b"a\n"), ExportPiece(b"1\n", RowPlace(1, 1)), ExportPiece(b"end")).close(resumable=True)
    assert names(path) == {"drive.csv.part", "drive.csv.part.json"}
    part = PartFile(path)
    assert part.left() == SAID
    assert part.begin(SAID) == RowPlace(1, 1)
    part.write(ExportPiece(b"2\n", RowPlace(2, 1)))
    part.finish()
    assert path.read_text() == "a\n1\n2\n"


def test_after_a_process_that_was_killed_too(path):
    part = begun(path, ExportPiece(b"a\n"), ExportPiece(b"1\n", RowPlace(1, 1)))
    part.keep()
    part.write(ExportPiece(b"2\n", RowPlace(2, 1)))
    part._out.close()
    assert begins(path) == RowPlace(1, 1)


def test_another_export_begins_anew(path):
    begun(path, ExportPiece(b"1\n", RowPlace(1, 1))).close(resumable=True)
    part = PartFile(path)
    assert part.begin({"session": "another"}) is None
    part.write(ExportPiece(b"x"))
    part.finish()
    assert (path.read_text(), names(path)) == ("x", {"drive.csv"})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"bytes": 9, "place": [1, 1], "said": {"session": "drive"}}'])
def test_what_is_beside_it_may_be_anything(path, text):
    begun(path, ExportPiece(b"1\n", RowPlace(1, 1))).close(resumable=True)
    path.with_name("drive.csv.part.json").write_text(text)
    assert begins(path) is None


def test_what_cannot_be_gone_on_with_is_not_left(path):
    begun(path, ExportPiece(b"1\n")).close(resumable=True)
    assert names(path) == set()
    begun(path, ExportPiece(b"1\n", RowPlace(1, 1))).close(resumable=False)
    assert names(path) == set()


def test_a_file_that_has_just_got_its_name_is_left_alone(path, monkeypatch):
    part = begun(path, ExportPiece(b"1\n"))
    flock = fcntl.flock

    def late(*arguments):
        part.finish()
        flock(*arguments)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(RtaError, match="is being written by another process"):
        PartFile(path)
    assert path.read_text() == "1\n"


@pytest.mark.parametrize("kept", [False, True])
def test_a_disk_that_is_full_leaves_what_was_kept_before_or_nothing(path, monkeypatch, kept):
    part = begun(path, ExportPiece(b"a\n"), ExportPiece(b"1\n", RowPlace(1, 1)))
    if kept:
        part.keep()
    part.write(ExportPiece(b"2\n", RowPlace(2, 1)))
    with monkeypatch.context() as full:
        full.setattr(os, "replace", _full)
        with pytest.raises(OSError, match="No space"):
            part.close(resumable=True)
    assert part.is_kept == kept
    assert names(path) == ({"drive.csv.part", "drive.csv.part.json"} if kept else set())
    assert begins(path) == (RowPlace(1, 1) if kept else None)


def _full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_two_processes_do_not_write_it_at_once(path):
    part = begun(path)
    with pytest.raises(RtaError, match="is being written by another process"):
        PartFile(path)
    part.close(resumable=False)
