"""Files of the state directory, whatever stands in their place."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from rta.actors.audit import Audit
from rta.consumer.counts import Counts
from rta.errors import DamagedFileError
from rta.health import Health
from rta.node.changes import StreamChange, load_changes, save_changes
from rta.node.node_stream import CONFIGURATION, Now
from rta.state_file import (
    open_own_file,
    read_document,
    replace_file,
    set_aside,
    why_not_readable,
    write_document,
)
from rta.store.database import FileLayout, create
from rta.wire.values import Ns


def link(path: Path) -> None:
    (path.parent / "elsewhere").write_text("mine")
    path.symlink_to("elsewhere")


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as at:
        at.bind(str(path))


KINDS: list[Callable[[Path], None]] = [os.mkfifo, Path.mkdir, link, listen]
NAMES = ["pipe", "folder", "link", "socket"]


@pytest.mark.parametrize("make", KINDS, ids=NAMES)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_APPEND | os.O_CREAT])
def test_what_is_no_file_is_not_opened(tmp_path, make, flags):
    make(tmp_path / "own")
    with pytest.raises(DamagedFileError, match="not a file"):
        open_own_file(tmp_path / "own", flags)


def owner(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@as_root
def test_what_root_makes_belongs_to_whoever_has_the_folder(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 4321, 8765)
    replace_file(state / "new", b"")
    replace_file(state / "deep" / "er" / "new", b"")
    os.close(open_own_file(state / "opened", os.O_RDWR | os.O_CREAT))
    create(state / "db", FileLayout("it", 4096, "CREATE TABLE t (a);"), lambda db: None)
    assert {owner(path) for path in state.rglob("*")} == {(4321, 8765)}
    assert owner(tmp_path) == (0, os.getegid())


@as_root
def test_a_file_that_root_replaces_stays_its_owners_unless_that_was_root(tmp_path):
    for name, before, then in (("theirs", (1234, 1234), (1234, 1234)), ("ours", (0, 0), (4321, 8765))):
        (tmp_path / name).write_text("old")
        os.chown(tmp_path / name, *before)
        os.chown(tmp_path, 4321, 8765)
        replace_file(tmp_path / name, b"new")
        assert owner(tmp_path / name) == then


@as_root
def test_it_is_said_that_the_service_cannot_read_a_file(tmp_path):
    os.chown(tmp_path, 4321, 8765)
    file = tmp_path / "tokens.json"
    assert why_not_readable(file) is None
    file.touch(0o600)
    why = f"{file} belongs to root, and its folder to user 4321: `chown 4321:8765 {file}` lets the service read it"
    assert why_not_readable(file) == why
    os.chown(file, 4321, 8765)
    assert why_not_readable(file) is None


@pytest.mark.parametrize("make", KINDS, ids=NAMES)
def test_a_file_takes_the_place_of_whatever_was_there(tmp_path, make):
    for name in ("own", "own.new"):
        make(tmp_path / name)
        replace_file(tmp_path / "own", b"new")
        assert (tmp_path / "own").read_bytes() == b"new"
        assert not (tmp_path / "own").is_symlink()
        assert (tmp_path / "own").stat().st_mode & 0o777 == 0o600
        (tmp_path / "own").unlink()
    if (tmp_path / "elsewhere").exists():
        assert (tmp_path / "elsewhere").read_text() == "mine"


def test_a_file_that_others_could_read_is_for_its_owner_alone(tmp_path):
    (tmp_path / "own").touch(0o644)
    os.close(open_own_file(tmp_path / "own", os.O_RDONLY))
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o600


def test_the_first_four_damaged_files_and_the_newest_are_kept(tmp_path):
    for number in range(8):
        (tmp_path / "own").write_text(str(number))
        aside = set_aside(tmp_path / "own")
        assert aside.read_text() == str(number)
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["0", "1", "2", "3", "7"]


def test_a_document_is_read_as_it_was_written(tmp_path):
    document = {"a": [1, 1.5, None, "å\ud800"], "b": {"c": float("inf"), "d": 1e300}}
    write_document(tmp_path / "own", document)
    assert read_document(tmp_path / "own", 1000) == document
    with pytest.raises(DamagedFileError, match="more than 10 bytes"):
        read_document(tmp_path / "own", 10)


def test_no_flipped_bit_makes_another_change_of_a_stream(tmp_path):
    changes = {("c", "live"): StreamChange("edit", {"qos": 1})}
    save_changes(tmp_path, changes)
    path = tmp_path / "streams.json"
    written = path.read_bytes()
    for bit in range(8 * len(written)):
        flipped = bytearray(written)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            assert load_changes(tmp_path) == changes
        except DamagedFileError:
            continue


@pytest.mark.parametrize("make", KINDS, ids=NAMES)
async def test_the_audit_file_is_a_file_of_its_own(tmp_path, make):
    make(tmp_path / "audit.jsonl")
    health = Health()
    audit = Audit(tmp_path, Counts(), health)
    audit.note(Now(Ns(0), 0.0), "start", CONFIGURATION, "done")
    audit.close()
    await audit.run()
    path = tmp_path / "audit.jsonl"
    assert path.is_file()
    assert not path.is_symlink()
    assert path.read_text().count("\n") == 1
    assert "audit.jsonl was damaged" in health.notes[0]
    assert path.stat().st_mode & 0o777 == 0o600
    if (tmp_path / "elsewhere").exists():
        assert (tmp_path / "elsewhere").read_text() == "mine"


async def test_an_audit_file_that_is_full_makes_way_whatever_has_the_names_of_those_before_it(tmp_path):
    path = tmp_path / "audit.jsonl"
    for number in range(1, 4):
        (tmp_path / f"audit.{number}.jsonl").mkdir()
    (tmp_path / "audit.4.jsonl").touch()
    path.touch()
    os.truncate(path, 17 << 20)
    audit = Audit(tmp_path, Counts(), Health())
    audit.note(Now(Ns(0), 0.0), "start", CONFIGURATION, "done")
    audit.close()
    await audit.run()
    assert not path.exists()
    assert (tmp_path / "audit.1.jsonl").stat().st_size > 17 << 20
