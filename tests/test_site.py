"""The life of a whole site."""

from __future__ import annotations

import itertools
import sys
from urllib.request import urlopen

import pytest
import trio

from rta.actors.sampler import Sampler
from rta.client import RestClient
from rta.config import load_config
from rta.rsmp.message import PLAIN
from rta.site import Site
from rta.stream.clock import Sampled, SampledTogether
from rta.stream.sample import Sample
from rta.testing.patience import until
from rta.wire.values import Ns

SITE = """
[site]
node = "dk/tlc-1"

[edge]
port = 0

[[status]]
code = "car.engine"

[status.attributes]
rpm = { from = "parameter:RPM" }

[[status.stream]]
attributes = { rpm = "change" }
"""


async def sample_without_end(sampler: Sampler) -> None:
    for number in itertools.count():
        sample = Sample(Ns(number), "rpm", PLAIN, float(number))
        await sampler._out.send(SampledTogether((Sampled("car.engine", [sample]),)))


async def test_samples_that_come_to_the_end_do_not_keep_a_site_from_its_end(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Sampler, "run", sample_without_end)
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    site = Site(load_config(path, {}))
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(site.run)
            site.stop()


KEEPS = SITE.replace('node = "dk/tlc-1"', 'node = "dk/tlc-1"\nstate_dir = "state"') + "history = {}\n"


@pytest.mark.processes
async def test_a_damaged_history_is_a_note_of_a_service_that_is_healthy(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(KEEPS)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "history.sqlite").write_bytes(b"no history")
    site = Site(load_config(path, {}))
    async with trio.open_nursery() as nursery:
        url = await nursery.start(site.run)
        await until(lambda: site.health.notes, 30, "the damage")
        with await trio.to_thread.run_sync(urlopen, f"{url}/health") as answer:
            lines = answer.read().decode().splitlines()
        site.stop()
    assert lines[0] == "Healthy"
    assert lines[1].startswith("note: history: the history was damaged (its head is not as it was written): it is set")


@pytest.mark.processes
async def test_neither_the_port_nor_the_end_waits_for_a_history_that_does_not_open(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "rta.store.worker.python_command", lambda *_: [sys.executable, "-c", "import signal; signal.pause()"]
    )
    monkeypatch.setattr("rta.store.lasting._PATIENCE", 1000)
    path = tmp_path / "site.toml"
    path.write_text(KEEPS)
    site = Site(load_config(path, {}))
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            url = await nursery.start(site.run)
            assert await RestClient(url).sessions() == []
            site.stop()
