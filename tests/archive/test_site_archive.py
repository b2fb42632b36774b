"""A whole site with an archive: what it records, what it says, and how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from rta.config import load_config
from rta.ports import BurstLog, SessionRecord
from rta.site import Site
from rta.testing.bursts import json_burst, numbered_burst, session_json
from rta.testing.patience import until

from .plain_archive import PlainArchive
from .plain_transport import opened_archives, plain_installed
from .recording_stage import numbers_in

SITE = """
[site]
state_dir = "state"
grace = "200ms"

[edge]
port = 0

[archive]
transport = "plain"
"""


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    with plain_installed():
        yield


@asynccontextmanager
async def running(folder: Path, text: str = SITE, **environ: str) -> AsyncIterator[Site]:
    """A site that is stopped in order at the end."""
    path = folder / "site.toml"
    path.write_text(text)
    site = Site(load_config(path, environ))
    with trio.fail_after(50):
        async with trio.open_nursery() as nursery:
            await nursery.start(site.run)
            yield site
            site.stop()


def buffer_of(site: Site) -> BurstLog:
    assert site._hub is not None
    return site._hub.buffer


async def written(site: Site, identity: str, count: int) -> SessionRecord:
    buffer = buffer_of(site)
    session = await buffer.open_session(identity, "s")
    await buffer.append(session, json_burst(session_json(identity)))
    for number in range(count):
        await buffer.append(session, numbered_burst(number))
    return session


async def test_what_was_written_before_the_end_is_recorded(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        [archive] = opened_archives
        await written(site, "a", 20)
    assert opened_archives == []
    assert numbers_in(archive, "a") == list(range(20))


async def test_a_site_goes_on_where_the_last_one_has_stopped(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        await written(site, "a", 20)
    async with running(tmp_path) as site:
        [archive] = opened_archives
        await written(site, "b", 5)
    assert (numbers_in(archive, "a"), numbers_in(archive, "b")) == (list(range(20)), list(range(5)))


async def test_without_the_table_there_is_no_archive(tmp_path: Path) -> None:
    async with running(tmp_path, SITE.partition("[archive]")[0]):
        assert opened_archives == []


async def test_a_variable_switches_it_off(tmp_path: Path) -> None:
    async with running(tmp_path, RTA_ARCHIVE__ENABLED="false"):
        assert opened_archives == []


async def test_what_is_there_can_be_served_without_recording(tmp_path: Path) -> None:
    async with running(tmp_path, SITE + "record = false\n") as site:
        [archive] = opened_archives
        await written(site, "a", 5)
    assert numbers_in(archive, "a") == []


async def test_an_archive_without_a_place_does_not_keep_a_site_from_running(tmp_path: Path) -> None:
    async with running(tmp_path, SITE.replace('state_dir = "state"', "")) as site:
        assert "archive: nothing is being recorded: the archive has no place" in site.health.reasons


async def test_an_archive_of_which_nothing_says_where_is_in_the_state_directory_of_the_user(tmp_path: Path) -> None:
    text = SITE.replace('state_dir = "state"', "")
    async with running(tmp_path, text, XDG_STATE_HOME=str(tmp_path / "home")) as site:
        assert site.context("archive").state_dir == tmp_path / "home" / "rta"
        assert site.context("buffer").state_dir is None
        assert len(opened_archives) == 1


async def test_metrics_say_what_is_recorded(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        await written(site, "a", 5)
        sample = site.reporter.registry.get_sample_value
        await until(lambda: sample("rta_archive_bursts_total") == 6, 10, "the bursts in the archive")
        await until(lambda: sample("rta_archive_sessions") == 1, 10, "the session in the archive")
        assert sample("rta_archive_streams") == 1
        assert sample("rta_archive_lag_seconds") == 0


async def test_an_edge_whose_archive_is_elsewhere_opens_none(tmp_path: Path) -> None:
    text = SITE + 'url = "http://127.0.0.1:9"\n'
    async with running(tmp_path, text) as site:
        assert opened_archives == []
        await until(lambda: site.health.notes, 10, "the service that is not there")
        assert site.health.healthy
        assert site.health.notes[0].startswith("recorded sessions: http://127.0.0.1:9 is to have them")
        assert site.reporter.registry.get_sample_value("rta_archive_away") == 1


async def test_the_disk_is_full_and_live_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        archive: PlainArchive = opened_archives[0]
        archive.fail = "the disk is full"
        session = await written(site, "a", 5)
        await until(lambda: any("the disk is full" in r for r in site.health.reasons), 10, "what health says")
        assert (await buffer_of(site).find("a")) is not None
        await buffer_of(site).append(session, numbered_burst(5))
        archive.fail = None
        await until(lambda: numbers_in(archive, "a") == list(range(6)), 20, "all to be recorded")
        await until(lambda: site.health.healthy, 20, "health")
