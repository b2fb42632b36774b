"""Sign-in of a site, put together."""

from __future__ import annotations

import time

import pytest
from attrs import evolve
from rta_transports.memory.log import MemoryLog

from rta.auth.static_tokens import StaticToken, change_tokens, token_digest
from rta.config import build_config
from rta.errors import ConfigError
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports.access import ANYBODY, Role, StreamRequest, Subject
from rta.site_sign_in import start_sign_in
from rta.workers import Membership
from rta.workers.membership import TICKET_KEY

ORIGIN = "https://rta.example.com"


@pytest.fixture
def start(nursery, tmp_path):
    buffer = MemoryLog(1 << 20, time.time_ns)
    metrics = Metrics(HotCounters(), dict)

    async def start(member=None, **auth):
        given = {"enabled": True, "origins": [ORIGIN], **auth}
        config = build_config({"site": {"state_dir": str(tmp_path)}, "auth": given}, {})
        return await start_sign_in(nursery, config, buffer, Health(), metrics, time.time_ns, member)

    return start


async def used(sign_in, ticket: str) -> Subject:
    headers = {"host": "rta", "origin": ORIGIN, "sec-websocket-protocol": f"rta.ticket.{ticket}"}
    return await sign_in.admit_stream(StreamRequest("s-1", headers, "10.0.0.7", True))


async def test_without_sign_in_nothing_is_watched(start, nursery):
    assert await (await start(enabled=False)).subject(None, None) == ANYBODY
    assert not nursery.child_tasks


async def test_static_tokens_count_from_the_start(start, tmp_path):
    made = StaticToken("ops", Role.OPERATE, token_digest("rta_secret").hex(), 0)
    with change_tokens(tmp_path / "tokens.json") as tokens:
        tokens.append(made)
    assert await (await start()).subject("Bearer rta_secret", None) == made.subject


async def test_a_ticket_of_one_worker_counts_at_another_of_the_same_service(start, tmp_path):
    (tmp_path / TICKET_KEY).write_bytes(b"k" * 32)
    first = Membership(0, 2, 8180, tmp_path, 3)
    one, two = await start(first), await start(evolve(first, index=1))
    anna = Subject("anna", Role.READ)
    assert await used(two, (await one.new_ticket(anna, "s-1", ORIGIN))[0]) == anna


async def test_a_ticket_of_a_machine_counts_at_another_with_the_same_key(start, tmp_path):
    (tmp_path / "key").write_bytes(b"k" * 32)
    one, two = [await start(ticket_key_file=str(tmp_path / "key")) for _ in range(2)]
    anna = Subject("anna", Role.READ)
    assert await used(two, (await one.new_ticket(anna, "s-1", ORIGIN))[0]) == anna


async def test_a_key_that_is_not_there_or_too_short_is_said(start, tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        await start(ticket_key_file=str(tmp_path / "key"))
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="32 to 4096 random bytes"):
        await start(ticket_key_file=str(tmp_path / "key"))
