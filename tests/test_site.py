"""The life of a whole site."""

from __future__ import annotations

import itertools

import pytest
import trio

from rta.actors.sampler import Sampler
from rta.config import load_config
from rta.rsmp.message import PLAIN
from rta.site import Site
from rta.stream.clock import Sampled, SampledTogether
from rta.stream.sample import Sample
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
