"""Upkeep of the archive on disk: what is cut, sealed, deleted, trimmed and taken in, and when."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from full_disk import no_file_longer_than
from rta_transports.sqlite import calls
from rta_transports.sqlite.documents import Document
from rta_transports.sqlite.entries import read_entries
from rta_transports.sqlite.folder import size_of
from rta_transports.sqlite.incoming import mark_deletion
from rta_transports.sqlite.session_writer import SessionFileWriter
from rta_transports.sqlite.store import ArchiveStore
from rta_transports.sqlite.upkeep import upkeep

from rta.archive import chunks_of_columns
from rta.errors import ArchiveError
from rta.ports import START, ArchiveLimits, Entry, FlushPoint, Portion, Position, UpkeepReport
from rta.session_query import SessionQuery
from rta.testing.bursts import MOMENT, json_burst, numbered_burst, session_json

from .damage import samples
from .store_archive import opened

SECOND = 10**9
NOW = 1_700_000_000 * SECOND


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ArchiveStore]:
    with opened(tmp_path / "archive") as store:
        yield store


def append(store: ArchiveStore, identity: str, first: int, count: int, state: str = "open") -> None:
    """So many bursts, the session JSON first."""
    session_id = sum(identity.encode())
    bursts = [json_burst(session_json(identity, state)), *(numbered_burst(first + i) for i in range(count))]
    entries = [Entry(Position(first + i, session_id), session_id, burst) for i, burst in enumerate(bursts)]
    calls.append(store, Portion(f"of {identity}", entries, {session_id: (identity, START)}, entries[-1].position))


def keep_up(store: ArchiveStore, seconds: float, keep: ArchiveLimits | None = None) -> UpkeepReport:
    """All that is due; the sum of the reports."""
    keep = keep or ArchiveLimits()
    total = UpkeepReport()
    for _ in range(1000):
        report = upkeep(store, NOW + int(seconds * SECOND), keep)
        total = UpkeepReport(
            False,
            total.sealed + report.sealed,
            total.deleted + report.deleted,
            total.adopted + report.adopted,
            report.bytes,
            report.sessions,
            (*total.damage, *report.damage),
        )
        if not report.more:
            return total
    raise AssertionError("upkeep never ends")


def listed(store: ArchiveStore) -> list[str]:
    return sorted(session.identity for session in calls.select_sessions(store, SessionQuery()))


def test_a_closed_session_is_sealed_when_nothing_has_come_for_a_while(store: ArchiveStore) -> None:
    append(store, "a", 1, 3, "closed")
    append(store, "b", 1, 3)
    assert [keep_up(store, seconds).sealed for seconds in (0, 29, 31, 40)] == [0, 0, 1, 0]
    assert not store.places.open("a").exists()
    assert [keep_up(store, seconds).sealed for seconds in (3599, 3601)] == [0, 1]
    assert not store.unsealed


def test_a_clock_that_is_set_back_seals_nothing_early_and_stops_nothing(store: ArchiveStore) -> None:
    append(store, "a", 1, 3, "closed")
    assert [keep_up(store, seconds).sealed for seconds in (0, -10_000, -9_990, -20_000)] == [0, 0, 0, 0]
    assert keep_up(store, 40).sealed == 1
    append(store, "b", 1, 3, "closed")
    assert [keep_up(store, seconds).sealed for seconds in (-50_000, -49_960)] == [0, 1]


def test_the_oldest_sessions_go_when_there_are_too_many_bytes(store: ArchiveStore) -> None:
    for i, identity in enumerate("abcd"):
        append(store, identity, 1, 3, "closed")
        keep_up(store, 100 * i)
        keep_up(store, 100 * i + 50)
    append(store, "e", 1, 3)
    keep_up(store, 1000)
    for database in (store.log, store.catalogue):
        database.checkpoint()
    size = store.catalogue.bytes + sum(path.stat().st_size for path in (store.places.log, store.places.catalogue))
    report = keep_up(store, 1000, ArchiveLimits(max_bytes=size - size_of(store.places, "a") * 3 // 2))
    assert report.deleted == 2
    assert len(listed(store)) == 3
    assert keep_up(store, 1000, ArchiveLimits(max_bytes=0)).deleted == 2
    assert listed(store) == ["e"]


def test_sessions_that_are_too_old_go(store: ArchiveStore) -> None:
    for i, identity in enumerate("abc"):
        append(store, identity, 1, 3, "closed")
        keep_up(store, 1000 * i)
        keep_up(store, 1000 * i + 50)
    assert keep_up(store, 3000, ArchiveLimits(max_age=1500 * SECOND)).deleted == 2
    assert listed(store) == ["c"]
    assert keep_up(store, -50_000, ArchiveLimits(max_age=0)).deleted == 0


def test_a_configuration_goes_with_the_last_session_that_is_bound_to_it(store: ArchiveStore) -> None:
    bound = {"configBindings": [{"identifier": "shared", "channelOffset": 0}]}
    store.documents.put(Document("shared", "{}", b""))
    for number, identity in enumerate("ab"):
        entries = [Entry(Position(1, 0), number, json_burst(session_json(identity, **bound)))]
        calls.append(store, Portion(identity, entries, {number: (identity, START)}, Position(1, 0)))
    calls.delete(store, "a")
    assert calls.read_document(store, "shared") == "{}"
    calls.delete(store, "b")
    assert calls.read_document(store, "shared") is None


def test_entries_are_held_for_a_time_after_they_were_cut(store: ArchiveStore) -> None:
    keep = ArchiveLimits(log_age=1000 * SECOND)
    append(store, "a", 1, 5)
    keep_up(store, 0, keep)
    append(store, "a", 10, 5)
    keep_up(store, 500, keep)
    found = calls.find(store, "a")
    assert found is not None
    (run,) = found.runs
    assert run.held_from == START
    keep_up(store, 1100, keep)
    found = calls.find(store, "a")
    assert found is not None
    assert found.runs[0].held_from == Position(6, 97)
    point = FlushPoint("of a", 97, found.runs[0].held_from)
    assert len(read_entries(store, point, Position(99, 0), 1 << 20).entries) == 6
    assert read_entries(store, point._replace(position=Position(5, 97)), Position(99, 0), 1 << 20).lost


def test_entries_that_are_too_many_go_before_their_time(store: ArchiveStore) -> None:
    for i in range(20):
        append(store, "a", 100 * i, 50)
        keep_up(store, 100 * i, ArchiveLimits(log_bytes=20_000))
    assert store.log.bytes_held < 30_000
    assert len(samples(store, "a")[0]) == 1000


def test_what_is_not_cut_stays_in_the_log(store: ArchiveStore) -> None:
    append(store, "a", 1, 50)
    upkeep(store, NOW, ArchiveLimits(log_bytes=0, log_age=0))
    upkeep(store, NOW + SECOND, ArchiveLimits(log_bytes=0, log_age=0))
    assert store.log.sessions[1].cut < store.log.last
    shutil.copytree(store.places.folder, store.places.folder.with_name("left"))
    with opened(store.places.folder.with_name("left")) as left:
        assert len(samples(left, "a")[0]) == 50


def test_whoever_has_all_of_a_sealed_session_has_lost_nothing(store: ArchiveStore) -> None:
    append(store, "a", 1, 5, "closed")
    keep_up(store, 0)
    keep_up(store, 100)
    append(store, "b", 1, 5)
    keep_up(store, 200)
    keep_up(store, 100_000)
    assert not any(run.stream == "of a" for _, run in store.log.runs.values())
    last = FlushPoint("of a", 97, Position(6, 97))
    assert not read_entries(store, last, Position(99, 0), 1 << 20).lost
    assert read_entries(store, last._replace(position=Position(5, 97)), Position(99, 0), 1 << 20).lost


def test_a_session_at_which_processes_end_does_not_keep_others_from_being_sealed(
    store: ArchiveStore, tmp_path: Path
) -> None:
    append(store, "bad", 1, 3, "closed")
    append(store, "good", 1, 3, "closed")
    keep_up(store, 0)
    at_work = store.places.work / store.places.sealed("bad").name
    folder = store.places.folder
    for number in range(1, 4):
        at_work.touch()
        left = tmp_path / f"left-{number}"
        shutil.copytree(folder, left, ignore=shutil.ignore_patterns("*-shm"))
        at_work, folder = left / "work" / at_work.name, left
        with opened(left) as again:
            if number == 2:
                assert not again.left_alone
            if number == 3:
                assert "ended again and again" in again.damage[0]
                keep_up(again, 0)
                assert keep_up(again, 100).sealed == 1
                assert again.log.recorded() == ["bad"]
                assert len(samples(again, "bad")[0]) == 3
    with opened(folder) as next_one:
        keep_up(next_one, 0)
        assert keep_up(next_one, 200).sealed == 1


# ---- what others lay down


def write(folder: Path, identity: str, count: int) -> Path:
    with SessionFileWriter(folder, identity, {}, large=False) as writer:
        for channel in range(3):
            times = [MOMENT + i * 1_000_000 for i in range(count)]
            writer.add(chunks_of_columns(channel, times, [float(i) for i in range(count)]))
        writer.publish(f"configuration of {identity}", "{}")
        return writer.finish(session_json(identity, "closed"))


def test_a_session_that_was_written_beside_the_archive_is_taken_in(store: ArchiveStore) -> None:
    laid = write(store.places.folder, "imported", 1000)
    assert laid.exists()
    assert keep_up(store, 0).adopted == 1
    assert not laid.exists()
    found = calls.find(store, "imported")
    assert found is not None
    assert found.sealed
    assert listed(store) == ["imported"]
    assert len(samples(store, "imported")[0]) == 3000
    assert calls.read_document(store, "configuration of imported") == "{}"


def test_a_session_that_is_being_recorded_is_not_replaced(store: ArchiveStore) -> None:
    append(store, "a", 1, 5)
    write(store.places.folder, "a", 1000)
    report = keep_up(store, 0)
    assert report.adopted == 0
    assert len(report.damage) == 1
    assert len(samples(store, "a")[0]) == 5


def test_what_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with SessionFileWriter(tmp_path / "archive", "a", {}) as writer:
        writer.add(chunks_of_columns(1, [MOMENT], [1.0]))
    assert list((tmp_path / "archive" / "incoming").iterdir()) == []


def test_a_session_that_is_marked_is_deleted(store: ArchiveStore) -> None:
    append(store, "a", 1, 5)
    append(store, "b", 1, 5)
    marker = mark_deletion(store.places.folder, "a")
    mark_deletion(store.places.folder, "unknown")
    keep_up(store, 0)
    assert not marker.exists()
    assert listed(store) == ["b"]


# ---- the catalogue, and the disk


@pytest.mark.parametrize("gone", ["", "-wal"])
def test_the_catalogue_is_made_anew_from_the_files(tmp_path: Path, gone: str) -> None:
    with opened(tmp_path / "archive") as store:
        for i, identity in enumerate("abcd"):
            append(store, identity, 1, 3, "closed" if i < 2 else "open")
        keep_up(store, 0)
        keep_up(store, 100)
        before = calls.select_sessions(store, SessionQuery())
    for path in (tmp_path / "archive").glob(f"catalogue.sqlite{gone}*"):
        path.unlink()
    with opened(tmp_path / "archive") as store:
        keep_up(store, 100)
        after = calls.select_sessions(store, SessionQuery())
        assert [(s.identity, s.json, s.span, s.sealed) for s in after] == [
            (s.identity, s.json, s.span, s.sealed) for s in before
        ]


def test_sessions_are_there_when_the_log_is_gone(tmp_path: Path) -> None:
    with opened(tmp_path / "archive") as store:
        append(store, "a", 1, 3)
        keep_up(store, 0)
        keep_up(store, 100)
    for path in (tmp_path / "archive").glob("log.sqlite*"):
        path.unlink()
    with opened(tmp_path / "archive") as store:
        keep_up(store, 100)
        assert len(samples(store, "a")[0]) == 3
        append(store, "a", 1, 5)
        assert len(samples(store, "a")[0]) == 5
        keep_up(store, 200)
        keep_up(store, 300)
        assert len(samples(store, "a")[0]) == 5


def append_until_it_fails(store: ArchiveStore) -> int:
    """How many times it was appended."""
    for written in range(10_000):
        try:
            append(store, "a", 100 * written, 20)
        except ArchiveError as e:
            assert "full" in str(e) or "disk" in str(e)  # noqa: PT017
            return written
        with suppress(ArchiveError):
            upkeep(store, NOW + written * 20 * SECOND, ArchiveLimits())
    raise AssertionError("the disk is never full")


def test_a_full_disk_costs_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with opened(tmp_path / "archive") as store:
        with no_file_longer_than(2 << 20):
            written = append_until_it_fails(store)
        assert written
        assert len(samples(store, "a")[0]) == 20 * written
        append(store, "a", 100 * written, 20)
        keep_up(store, written * 20 + 1000)
        assert len(samples(store, "a")[0]) == 20 * written + 20


def test_a_disk_that_is_full_when_a_session_is_sealed_leaves_it_as_it_was(tmp_path: Path) -> None:
    with opened(tmp_path / "archive") as store:
        append(store, "a", 1, 2000, "closed")
        keep_up(store, 0)
        keep_up(store, 20)
        store.cut(store.unsealed["a"])
        with no_file_longer_than(16 << 10), pytest.raises(ArchiveError, match=r"full|disk"):
            keep_up(store, 100)
        assert list(store.places.work.iterdir()) == []
        assert len(samples(store, "a")[0]) == 2000
        assert keep_up(store, 200).sealed == 1
        assert len(samples(store, "a")[0]) == 2000


def test_a_second_process_is_told_that_the_archive_is_in_use(tmp_path: Path) -> None:
    with opened(tmp_path / "archive"), pytest.raises(ArchiveError, match="in use"):
        ArchiveStore(tmp_path / "archive")


def test_an_archive_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    with opened(tmp_path / "archive") as store:
        append(store, "a", 1, 3)
    (tmp_path / "archive" / "format").write_text("2\n")
    before = {path: path.read_bytes() for path in (tmp_path / "archive").rglob("*") if path.is_file()}
    with pytest.raises(ArchiveError, match="newer version"):
        ArchiveStore(tmp_path / "archive")
    assert {path: path.read_bytes() for path in (tmp_path / "archive").rglob("*") if path.is_file()} == before


def test_what_a_killed_process_has_begun_to_lay_down_goes_after_a_day(tmp_path: Path) -> None:
    with opened(tmp_path / "archive") as store:
        left, fresh = (store.places.incoming / name for name in (".ab-17", ".ab-18"))
        for path, age in ((left, 25), (fresh, 23)):
            path.touch()
            os.utime(path, ns=(NOW - age * 3600 * SECOND,) * 2)
        keep_up(store, 0)
        assert list(store.places.incoming.iterdir()) == [fresh]
