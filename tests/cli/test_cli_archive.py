"""`rta archive`: what it says of recorded sessions, and what it removes, with and without a service beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import SITE
from rta_transports.sqlite.calls import append, find
from rta_transports.sqlite.kind import PAGE
from rta_transports.sqlite.places import ArchivePlaces
from rta_transports.sqlite.store import ArchiveStore
from rta_transports.sqlite.upkeep import upkeep

from rta.ports import ArchiveLimits, Hole
from rta.store.database import connect_beside
from rta.testing.archive_under_test import at, portion
from rta.testing.bursts import burst_of_every_kind, json_burst, numbered_burst, range_burst, session_json

NOW = 1_700_000_000 * 10**9
HOUR = 3600 * 10**9
DAY = 20_000 * 24 * HOUR


def closed_json(identity: str, timestamp: str) -> str:
    return json.dumps({**json.loads(session_json(identity)), "state": "closed", "timestamp": timestamp})


@contextmanager
def opened(folder: Path) -> Iterator[ArchiveStore]:
    with closing(ArchiveStore(folder)) as store:
        yield store


def keep_up(store: ArchiveStore, now: int) -> None:
    while upkeep(store, now, ArchiveLimits()).more:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sessions: `old` and `new` are sealed, `live` goes on, and has a hole."""
    folder = tmp_path / "archive"
    with opened(folder) as store:
        for number, (identity, day) in enumerate((("old", 1), ("new", 2))):
            text = closed_json(identity, f"2026-07-0{day}T10:00:00Z")
            bursts = [(1, burst_of_every_kind(identity)), (2, json_burst(text)), (3, range_burst(DAY, day * DAY))]
            append(store, portion(bursts, identity=identity, stream=identity))
            keep_up(store, NOW + number * HOUR)
            keep_up(store, NOW + number * HOUR + HOUR // 2)
        live = json.dumps({**json.loads(session_json("live")), "timestamp": "2026-07-03T10:00:00Z"})
        hole = Hole(at(0), at(4), "the buffer had no room")
        append(store, portion([(5, json_burst(live)), (6, numbered_burst(5))], identity="live", hole=hole))
        keep_up(store, NOW + 3 * HOUR)
    return folder


@pytest.fixture
def rta(command, folder) -> Any:
    def rta(*arguments: str) -> Any:
        return command("archive", *arguments, "--folder", folder)

    return rta


def identities(done: Any) -> list[str]:
    return [json.loads(line)["identity"] for line in done.out.splitlines()]


# ---- list


def test_sessions_are_listed_the_newest_first(rta):
    done = rta("list")
    assert (done.status, done.err) == (0, "")
    heads, *rows = done.out.splitlines()
    assert heads.split() == ["identity", "identifier", "state", "covers", "size", "files"]
    assert [row.split()[0] for row in rows] == ["live", "new", "old"]
    assert rows[0].split()[-1] == "open"
    assert rows[1].split()[-1] == "sealed"


def test_a_list_has_pages(rta):
    first, second = rta("list", "--json", "--size", "2"), rta("list", "--json", "--size", "2", "--page", "2")
    assert (identities(first), first.err) == (["live", "new"], "there are more: --page 2\n")
    assert (identities(second), second.err) == (["old"], "")
    assert rta("list", "--page", "9").err == "no sessions\n"


def test_a_list_is_sorted_and_queried_as_over_rest(rta):
    assert identities(rta("list", "--json", "--sort", "timestamp")) == ["old", "new", "live"]
    query = '{"timestamp": {"$gt": "2026-07-01T12:00:00Z"}}'
    assert identities(rta("list", "--json", "--query", query, "--sort", "identity:desc")) == ["new", "live"]


@pytest.mark.parametrize("query", ["{", '{"$near":{"a":1}}'])
def test_a_wrong_query_is_refused_with_what_is_wrong(rta, query):
    done = rta("list", "--query", query)
    assert done.status == 2
    assert "--query" in done.err


# ---- show


def test_what_is_recorded_of_a_session_is_shown(rta):
    done = rta("show", "live", "--json")
    shown = json.loads(done.out)
    assert (done.status, shown["identity"], shown["sealed"], shown["flush_point"]) == (0, "live", False, "1006-0:7:s")
    (run,) = shown["runs"]
    assert run["holes"] == [{"after": "1000-0", "upto": "1004-0", "reason": "the buffer had no room"}]
    lines = rta("show", "live").out
    assert "1006-0:7:s" in lines
    assert "the buffer had no room" in lines


def test_channels_and_their_sizes_are_shown_of_files(rta, folder):
    shown = json.loads(rta("show", "new", "--json").out)
    kinds = [channel["kind"] for channel in shown["channels"]]
    assert sorted(set(kinds)) == ["events", "periodic", "row", "timestamped"]
    assert all(channel["chunks"] > 0 and channel["size"] > 0 for channel in shown["channels"])
    assert all(channel["start"] <= channel["end"] for channel in shown["channels"])
    assert "timestamped" in rta("show", "new").out


def test_the_latest_session_is_shown_without_its_name(rta):
    assert json.loads(rta("show", "--json").out)["identity"] == "live"


def test_a_session_that_is_not_there_is_said_so(rta):
    done = rta("show", "none")
    assert (done.status, done.out) == (1, "")
    assert "there is no recorded session 'none'" in done.err


# ---- verify


def test_a_whole_archive_is_found_whole(rta):
    done = rta("verify")
    assert done.status == 0
    assert done.out.startswith("4 files, ")
    assert done.out.endswith(": all is as it was written\n")


def test_bits_that_flipped_in_a_session_are_found_and_said(rta, folder):
    path = ArchivePlaces(folder).sealed("old")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1  # in the last piece of chunks
    path.write_bytes(data)
    done = rta("verify", "--json")
    found = json.loads(done.out)
    assert (done.status, found["files"]) == (1, 4)
    (sentence,) = found["damage"]
    assert path.name in sentence
    assert "of 'old' not as written" in sentence
    text = rta("verify")
    assert (text.status, text.out.splitlines()[0]) == (1, sentence)
    assert text.out.endswith(": 1 fault found\n")


def test_a_burst_in_the_log_that_is_damaged_is_found(rta, folder):
    path = folder / "log.sqlite"
    with closing(connect_beside(path)) as db:
        (packed,) = db.execute("SELECT packed FROM entries ORDER BY number DESC").fetchone()
    data = bytearray(path.read_bytes())
    place = data.index(packed)
    data[place + 5] ^= 4
    path.write_bytes(data)
    done = rta("verify")
    assert done.status == 1
    assert done.out.splitlines()[0] == "log.sqlite: 1 burst not as written"


def test_a_catalogue_of_which_nothing_can_be_read_is_an_error(rta, folder):
    (folder / "catalogue.sqlite").write_bytes(b"\xff" * PAGE)
    done = rta("list")
    assert (done.status, done.out) == (1, "")
    assert "catalogue.sqlite" in done.err


# ---- delete and prune


def test_a_session_is_removed_at_once_where_no_service_has_the_archive(rta, folder):
    assert ArchivePlaces(folder).sealed("old").exists()
    done = rta("delete", "old")
    assert (done.status, done.err) == (0, "1 session removed\n")
    assert not ArchivePlaces(folder).sealed("old").exists()
    assert identities(rta("list", "--json")) == ["live", "new"]
    assert rta("verify").status == 0


def test_a_session_is_removed_by_the_service_that_has_the_archive(rta, folder):
    with opened(folder) as store:
        done = rta("delete", "old", "live")
        assert (done.status, done.err) == (0, "2 sessions will be removed by the service that has the archive\n")
        assert identities(rta("list", "--json")) == ["live", "new", "old"]
        keep_up(store, NOW + 4 * HOUR)
        assert identities(rta("list", "--json")) == ["new"]
        assert find(store, "old") is None
    assert rta("verify").status == 0


def test_nothing_is_removed_if_one_of_several_is_not_there(rta):
    done = rta("delete", "old", "none")
    assert done.status == 1
    assert "there is no recorded session 'none'; nothing is removed" in done.err
    assert identities(rta("list", "--json")) == ["live", "new", "old"]


def test_what_is_being_recorded_can_be_looked_at(rta, folder):
    with opened(folder) as store:
        append(store, portion([(7, numbered_burst(6))], identity="live"))
        assert json.loads(rta("show", "live", "--json").out)["flush_point"] == "1007-0:7:s"
        assert rta("verify").status == 0
        assert rta("list").status == 0


def test_sessions_over_a_limit_go_the_oldest_first(rta, folder):
    shown = rta("prune", "--older-than", "1s", "--dry-run", "--json")
    assert sorted(identities(shown)) == ["new", "old"]  # the live one stays
    assert identities(rta("list", "--json")) == ["live", "new", "old"]
    sizes = {name: json.loads(rta("show", name, "--json").out)["size"] for name in ("old", "new", "live")}
    done = rta("prune", "--max-size", str(sizes["new"] + sizes["live"]), "--json")
    assert (identities(done), done.err) == (["old"], "1 session removed\n")
    assert identities(rta("list", "--json")) == ["live", "new"]
    assert rta("prune", "--max-size", "1GiB").err == "no sessions\n"


def test_a_disk_that_is_to_have_more_room_costs_all_closed_sessions(rta):
    assert sorted(identities(rta("prune", "--min-free", "1000TiB", "--json"))) == ["new", "old"]


def test_a_limit_is_needed_and_checked(rta):
    done = rta("prune")
    assert (done.status, done.out) == (2, "")
    assert "say what is to go" in done.err
    assert "--max-size" in rta("prune", "--max-size", "many").err


def test_without_a_limit_those_of_the_configuration_hold(command, site, folder):
    config = site(SITE + f'[archive]\npath = "{folder}"\nmin_free = "1000TiB"\n')
    done = command("archive", "prune", "--config", config, "--dry-run", "--json")
    assert (done.status, sorted(identities(done))) == (0, ["new", "old"])


# ---- which archive


def test_who_only_looks_changes_nothing(rta, folder):
    (folder / "format").unlink()
    (folder / "format").mkdir()
    before = {path for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm"))}
    for arguments in (["list"], ["show"], ["verify"], ["prune", "--older-than", "1s", "--dry-run"]):
        assert rta(*arguments).status == 0
    assert {path for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm"))} == before
    with opened(folder):
        assert (folder / "format").is_file()


def test_where_there_is_no_archive_that_is_said(command, tmp_path):
    done = command("archive", "list", "--folder", tmp_path)
    assert (done.status, done.out) == (1, "")
    assert f"there is no archive in {tmp_path}" in done.err
    assert list(tmp_path.iterdir()) == []


# ---- beside a service that runs

RECORDED = """
[edge]
port = 0

[archive]
path = "recorded"

[[source]]
name = "lap"
transport = "csv"
path = "lap.csv"
speed = 1000
identity = "lap-1"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"
"""


@pytest.mark.processes
def test_what_a_service_records_is_listed_verified_and_removed_while_it_runs(start, command, site):
    config = site(RECORDED)
    program = start("run", "--config", config)
    program.logged("session closed", identity="lap-1")

    def listed() -> list[str]:
        done = command("archive", "list", "--config", config, "--json")
        return sorted(identities(done)) if done.status == 0 else []

    program.until(lambda: listed() == ["drive-1", "lap-1"], "the recorded sessions")
    shown = json.loads(command("archive", "show", "drive-1", "--config", config, "--json").out)
    assert shown["runs"][0]["holes"] == []
    assert command("archive", "verify", "--config", config).status == 0
    done = command("archive", "delete", "lap-1", "--config", config)
    assert (done.status, done.err) == (0, "1 session will be removed by the service that has the archive\n")
    program.until(lambda: listed() == ["drive-1"], "the removal")
    found = {
        line["code"]: line
        for line in map(json.loads, command("doctor", "--config", config, "drive-1", "--json").out.splitlines())
    }
    assert found["archive"]["detail"] == "A service has it open."
    assert found["archive.session"]["severity"] == "ok"
