"""What `rta doctor` says of an archive on disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from rta_transports.sqlite import TRANSPORT, SqliteArchiveOptions, examining
from rta_transports.sqlite.calls import append
from rta_transports.sqlite.kind import PAGE

from rta.ports import START, Finding, Hole, Severity
from rta.testing.archive_under_test import at, portion
from rta.testing.bursts import numbered_burst
from tests.transports.sqlite.store_archive import context, opened

HOLE = Hole(START, at(1), "the buffer had no room")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With two sessions, one of which has a hole."""
    with opened(tmp_path / "archive") as store:
        append(store, portion([(1, numbered_burst(1))], identity="whole", stream="a"))
        append(store, portion([(2, numbered_burst(2))], identity="holed", stream="b", hole=HOLE))
    return tmp_path / "archive"


async def examine(folder: Path, identity: str | None = None) -> dict[str, Finding]:
    """Findings by code."""
    offer = TRANSPORT.archive
    assert offer is not None
    assert offer.examine is not None
    options = SqliteArchiveOptions(path=str(folder))
    return {found.code: found for found in await offer.examine(options, context(folder.parent), identity, None)}


def severity(found: dict[str, Finding]) -> dict[str, str]:
    return {code: finding.severity.value for code, finding in found.items()}


async def test_a_whole_archive(folder, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    found = await examine(folder)
    assert severity(found) == {"archive": "ok", "archive.disk": "ok", "archive.sqlite": "ok"}
    assert found["archive"].title.startswith("2 recorded sessions, ")
    assert found["archive"].detail == "No service has it open."


async def test_one_that_a_service_has_open(folder):
    with opened(folder):
        assert (await examine(folder))["archive"].detail == "A service has it open."


async def test_one_that_is_not_there_yet_is_not_made(tmp_path):
    found = await examine(tmp_path / "archive")
    assert found["archive.new"].severity is Severity.OK
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "expected"), [((3, 6, 23), "ok"), ((3, 7, 0), "note"), ((3, 51, 2), "note"), ((3, 51, 3), "ok")]
)
async def test_versions_of_sqlite_with_the_reset_bug_are_noted(folder, monkeypatch, version, expected):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    found = (await examine(folder))["archive.sqlite"]
    assert found.severity.value == expected
    assert ("one connection that writes" in found.detail) is (expected == "note")


@pytest.mark.parametrize(("free", "expected"), [(100 << 20, "problem"), (1 << 30, "warning"), (1 << 40, "ok")])
async def test_a_disk_with_little_room(folder, monkeypatch, free, expected):
    usage = type("Usage", (), {"free": free, "total": 1 << 41})
    monkeypatch.setattr(examining.shutil, "disk_usage", lambda path: usage)
    assert (await examine(folder))["archive.disk"].severity.value == expected


async def test_a_place_that_cannot_be_used(tmp_path):
    (tmp_path / "archive").write_text("no folder")
    assert severity(await examine(tmp_path / "archive")) == {"archive.place": "problem"}


async def test_an_archive_of_a_newer_version(folder):
    (folder / "format").write_text("99\n")
    found = await examine(folder)
    assert severity(found) == {"archive.place": "problem"}
    assert "newer version" in found["archive.place"].title


async def test_a_catalogue_that_cannot_be_read(folder):
    (folder / "catalogue.sqlite").write_bytes(b"\xff" * PAGE)
    assert (await examine(folder))["archive.unreadable"].severity is Severity.PROBLEM


async def test_files_that_were_set_aside(folder):
    for suffix in ("", "-wal"):
        (folder / f"log.sqlite.damaged-20260717T101500Z{suffix}").write_bytes(b"x" * 2048)
    found = (await examine(folder))["archive.damaged"]
    assert found.severity is Severity.WARNING
    assert found.rows == (("file", "size"), ("log.sqlite.damaged-20260717T101500Z", "2 KiB"))


async def test_one_session(folder):
    whole = await examine(folder, "whole")
    assert whole["archive.session"].severity is Severity.OK
    assert "up to 1001-0:7:a" in whole["archive.session"].title
    holed = (await examine(folder, "holed"))["archive.holes"]
    assert holed.severity is Severity.WARNING
    assert holed.rows[1:] == (("b", "0-0", "1001-0", "the buffer had no room"),)
    assert (await examine(folder, "none"))["archive.session"].severity is Severity.NOTE
