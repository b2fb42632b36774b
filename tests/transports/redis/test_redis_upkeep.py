"""What the pruner does in Redis, seen by an independent client."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import lz4.block
import pytest
import redis
import trio
from attrs import evolve
from real_servers import RedisServer
from rta_transports.redis import RedisLog, RedisLogOptions
from rta_transports.redis.log import open_log

from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context, Trim
from rta.testing import json_burst, numbered_burst, session_json
from rta.wire._pb.stream_pb2 import StreamDataBurst

HOUR = 3_600_000


@pytest.fixture
def client(redis_server: RedisServer):
    with redis.Redis(port=redis_server.port) as client:
        yield client


@pytest.fixture
def options(redis_server: RedisServer) -> RedisLogOptions:
    return RedisLogOptions(url=redis_server.url, abandon_after=0.05)


@asynccontextmanager
async def opened(options: RedisLogOptions) -> AsyncIterator[RedisLog]:
    async with open_log(options, Context("buffer", Path(), time.time_ns, Metrics(HotCounters(), dict))) as log:
        yield log


async def passed(log: RedisLog, ms: int) -> None:
    """Return when Redis' clock has moved on."""
    end = await log.now() + ms
    while await log.now() < end:
        await trio.sleep(0.005)


def jsons(client: redis.Redis, stream: str) -> list[dict]:
    """The session JSONs in a stream."""
    texts = []
    for _, fields in client.xrange(f"stream:{stream}"):
        burst = StreamDataBurst.FromString(lz4.block.decompress(fields[b"data"], uncompressed_size=1 << 20))
        texts += [json.loads(item.session_json) for item in burst.data if item.WhichOneof("data") == "session_json"]
    return texts


def of_another_writer(client: redis.Redis, identity: str, **fields: object) -> None:
    """A session as an ingest process in another language creates it."""
    known = {"streamSessionId": 5, "streamName": "theirs", "streamPosition": "0-0", "lastUpdated": 0}
    client.hset(f"sessions:{identity}", mapping={**known, "json": session_json(identity), **fields})


async def test_streams_are_trimmed_to_ten_thousand_entries_where_nothing_else_is_said(client, options):
    async with opened(options) as log:
        client.sadd("streams", "long")
        with client.pipeline() as pipe:
            for _ in range(10_050):
                pipe.xadd("stream:long", {"x": "y"})
            pipe.execute()
        assert await log.trim(Trim()) == 50
        assert client.xlen("stream:long") == 10_000


async def test_approximate_trimming_leaves_whole_nodes(client, options):
    async with opened(evolve(options, approximate=True)) as log:
        client.sadd("streams", "long")
        with client.pipeline() as pipe:
            for _ in range(1000):
                pipe.xadd("stream:long", {"x": "y"})
            pipe.execute()
        await log.trim(Trim(max_entries=450))
        assert 450 <= client.xlen("stream:long") < 600


async def test_a_stream_that_a_session_names_but_the_set_lacks_is_added_back(client, options):
    async with opened(options) as log:
        of_another_writer(client, "s")
        client.xadd("stream:theirs", {"id": 5, "data": b""})
        await log.trim(Trim())
        assert client.smembers("streams") == {b"theirs"}


async def test_a_stream_that_does_not_exist_is_not_added(client, options):
    async with opened(options) as log:
        of_another_writer(client, "s")
        await log.trim(Trim())
        assert client.smembers("streams") == set()


async def test_keys_of_the_wrong_type_hold_up_nothing(client, options):
    async with opened(options) as log:
        client.sadd("streams", "wrong", "right")
        client.set("stream:wrong", "text")
        client.set("sessions:wrong", "text")
        for _ in range(5):
            client.xadd("stream:right", {"x": "y"})
        assert await log.trim(Trim(max_entries=2)) == 3


async def test_a_session_of_ours_without_updates_is_marked_abandoned_in_hash_and_stream(client, options):
    async with opened(options) as log:
        session = await log.open_session("s", "live")
        await log.append(session, json_burst(session_json("s", extra="kept")))
        await passed(log, 60)
        await log.trim(Trim())
        marked = json.loads(client.hget("sessions:s", "json"))
        assert (marked["state"], marked["extra"]) == ("abandoned", "kept")
        assert [j["state"] for j in jsons(client, "live")] == ["open", "abandoned"]


async def test_many_that_judge_at_the_same_time_mark_it_once(client, options):
    async with opened(options) as log, opened(options) as other:
        session = await log.open_session("s", "live")
        await log.append(session, json_burst(session_json("s")))
        await passed(log, 60)
        async with trio.open_nursery() as nursery:
            for by in (log, other) * 5:
                nursery.start_soon(by.trim, Trim())
        assert [j["state"] for j in jsons(client, "live")] == ["open", "abandoned"]


async def test_an_entry_that_comes_after_all_undoes_it(client, options):
    async with opened(options) as log:
        session = await log.open_session("s", "live")
        text = session_json("s")
        await log.append(session, json_burst(text))
        await passed(log, 60)
        await log.trim(Trim())
        await log.append(session, numbered_burst(1))
        await log.trim(Trim())
        assert client.hget("sessions:s", "json").decode() == text
        assert [j["state"] for j in jsons(client, "live")] == ["open", "abandoned", "open"]
        await log.trim(Trim())
        assert len(jsons(client, "live")) == 3


async def test_a_session_json_that_comes_after_all_is_not_undone(client, options):
    async with opened(options) as log:
        session = await log.open_session("s", "live")
        await log.append(session, json_burst(session_json("s")))
        await passed(log, 60)
        await log.trim(Trim())
        await log.append(session, json_burst(session_json("s", "closed")))
        await log.trim(Trim())
        assert json.loads(client.hget("sessions:s", "json"))["state"] == "closed"
        assert [j["state"] for j in jsons(client, "live")] == ["open", "abandoned", "closed"]


async def test_a_closed_session_is_left_alone(client, options):
    async with opened(options) as log:
        session = await log.open_session("s", "live")
        await log.append(session, json_burst(session_json("s", "closed")))
        await passed(log, 60)
        await log.trim(Trim())
        assert [j["state"] for j in jsons(client, "live")] == ["closed"]


async def test_sessions_of_other_writers_are_only_marked_when_that_is_asked_for(client, options):
    of_another_writer(client, "s")
    async with opened(options) as log:
        await log.trim(Trim())
        assert json.loads(client.hget("sessions:s", "json"))["state"] == "open"
    async with opened(evolve(options, abandon_others=True)) as log:
        await log.trim(Trim())
        assert json.loads(client.hget("sessions:s", "json"))["state"] == "abandoned"


async def test_entries_with_its_id_keep_a_session_alive_whatever_its_hash_says(client, options):
    of_another_writer(client, "s")
    async with opened(evolve(options, abandon_others=True, abandon_after=60.0)) as log:
        client.xadd("stream:theirs", {"id": 5, "data": numbered_burst(1).packed})
        await log.trim(Trim())
        assert json.loads(client.hget("sessions:s", "json"))["state"] == "open"


async def test_streams_long_dead_are_removed_and_others_are_not(client, options):
    async with opened(options) as log:
        old = int(time.time() * 1000) - 48 * HOUR
        for name, at in (("dead", f"{old}-0"), ("quiet", "*"), ("named", f"{old}-1"), ("full", f"{old}-2")):
            client.sadd("streams", name)
            client.xadd(f"stream:{name}", {"x": "y"}, id=at)
        for name in ("dead", "quiet", "named"):
            client.xtrim(f"stream:{name}", 0)
        of_another_writer(client, "s", streamName="named", lastUpdated=int(time.time() * 1000))
        await log.trim(Trim(session_ttl_ms=24 * HOUR))
        assert client.smembers("streams") == {b"quiet", b"named", b"full"}
        assert not client.exists("stream:dead")


async def test_clocks_of_other_writers_are_not_trusted_to_the_minute(client, options):
    """Its last entry may have come later than its hash says."""
    now = int(time.time() * 1000)
    of_another_writer(client, "s", lastUpdated=now - 25 * HOUR)
    client.xadd("stream:theirs", {"id": 5, "data": numbered_burst(1).packed}, id=f"{now - 25 * HOUR + 60_000}-0")
    async with opened(options) as log:
        await log.trim(Trim(session_ttl_ms=24 * HOUR))
        assert client.exists("sessions:s")
        client.xtrim("stream:theirs", 0)
        await log.trim(Trim(session_ttl_ms=24 * HOUR))
        assert not client.exists("sessions:s")
