"""The life of a whole site."""

from __future__ import annotations

import itertools
import json
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import trio

from rta.actors.sampler import Sampler
from rta.auth.static_tokens import StaticToken, change_tokens, token_digest
from rta.client import RestClient
from rta.config import load_config
from rta.ports.access import Role
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
    with trio.fail_after(120):
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
        await until(lambda: site.health.notes, 120, "the damage")
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
    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:
            url = await nursery.start(site.run)
            assert await RestClient(url).sessions() == []
            site.stop()


GUARDED = (
    KEEPS.replace("history = {}\n", "")
    + """
[archive]

[auth]
enabled = true
"""
)


def asked(url: str, path: str, method: str, token: str | None) -> int:
    headers = {"Content-Type": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    try:
        with urlopen(Request(f"{url}/rta/v2/{path}", None, headers, method=method)) as answer:
            return answer.status
    except HTTPError as e:
        return e.code


@pytest.mark.processes
async def test_with_sign_in_a_token_decides_and_the_audit_file_names_it(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(GUARDED)
    with change_tokens(tmp_path / "state" / "tokens.json") as tokens:
        tokens += [StaticToken(r.name.lower(), r, token_digest(f"rta_{r.name}").hex(), 0) for r in Role]
    site = Site(load_config(path, {}))
    seen = []
    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:
            url = await nursery.start(site.run)
            for token in (None, "rta_READ", "rta_OPERATE", "rta_ADMINISTER"):
                for call in (("sessions", "GET"), ("streams/car.engine/start", "POST"), ("sessions/none", "DELETE")):
                    seen.append(await trio.to_thread.run_sync(asked, url, *call, token))
            site.stop()
    assert seen == [401, 401, 401, 200, 403, 403, 200, 200, 403, 200, 200, 404]
    lines = [json.loads(line) for line in (tmp_path / "state" / "audit.jsonl").read_text().splitlines()]
    assert [(line["what"], line["who"], line["subject"]) for line in lines] == [
        ("start", "127.0.0.1", "token operate"),
        ("start", "127.0.0.1", "token administer"),
    ]
