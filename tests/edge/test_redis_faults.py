"""A Redis that dies, hangs, fills up, forgets or hands over, under clients that stay."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import lz4.block
import pytest
import trio
from real_servers import RedisCluster, RedisServer, Sentinel, wait_for
from rta_transports.redis import RedisLogOptions
from rta_transports.redis.log import open_log

from rta.errors import TransportError, UnreadableError
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import BurstLog, Context, SessionRecord
from rta.wire import Burst

from .clients import PATIENCE, RawClient, raw
from .conftest import Serve, Service
from .telemetry import StreamData as Item
from .telemetry import burst, noise, samples, session_json, tags

pytestmark = pytest.mark.processes


class Ingest:
    """An ingest process that tries until it succeeds."""

    def __init__(self, log: BurstLog, session: SessionRecord) -> None:
        self.log = log
        self.session = session

    async def send(self, *items: Item) -> None:
        await self.append(burst(*items))

    async def append(self, one: Burst) -> None:
        with trio.fail_after(PATIENCE):
            while True:
                try:
                    await self.log.append(self.session, one)
                except TransportError:
                    await trio.sleep(0.02)
                else:
                    return

    async def number(self, tags: Iterable[int]) -> None:
        for tag in tags:
            await self.send(samples(tag))


@asynccontextmanager
async def ingest(options: RedisLogOptions, identity: str = "s", stream: str = "live") -> AsyncIterator[Ingest]:
    """With its session opened."""
    context = Context("ingest", Path(), time.time_ns, Metrics(HotCounters(), dict))
    async with open_log(options, context) as log:
        opened = Ingest(log, await log.open_session(identity, stream))
        await opened.send(Item(session_json=session_json(identity)))
        yield opened


@asynccontextmanager
async def following(service: Service, identity: str = "s") -> AsyncIterator[RawClient]:
    """A client that has subscribed to all data, and gets it live: what is written from now on comes in order."""

    def live() -> int:
        assert service.site._hub is not None
        clients = [c for feed in service.site._hub.feeds for c in feed.state.clients]
        return sum(c.live and c.subscription.wants_data for c in clients)

    async with raw(service.port) as client:
        before = live()
        await client.attach(identity)
        await client.message()
        await client.subscribe(data=True)
        await service.until(lambda: live() > before, "the client being live")
        yield client


def options(server: RedisServer, **more: object) -> RedisLogOptions:
    return RedisLogOptions(url=server.url, timeout=0.5, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def scene(serve: Serve, server: RedisServer) -> AsyncIterator[tuple[Service, Ingest, RawClient]]:
    """An edge on a Redis, a session that is being written there, and a client that follows it."""
    async with (
        serve(redis_at=options(server)) as service,
        ingest(options(server)) as source,
        following(service) as client,
    ):
        yield service, source, client


@pytest.fixture
def durable() -> Iterable[RedisServer]:
    """A Redis that has every write on disk before it answers."""
    with RedisServer("--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


def replicated(primary: RedisServer, replica: RedisServer, stream: str) -> None:
    """Wait until a replica has what its primary has."""
    length = primary.ask("XLEN", stream)
    wait_for(lambda: replica.ask("XLEN", stream, first=("READONLY",)) == length)


async def in_a_thread(do: Callable[[], object]) -> None:
    await trio.to_thread.run_sync(do)


async def test_a_redis_that_is_killed_and_comes_back_with_its_data_loses_and_doubles_nothing(
    serve: Serve, durable: RedisServer
) -> None:
    async with scene(serve, durable) as (service, source, client):
        await source.number(range(5))
        got = tags(await client.until_tag(4))
        for first in (5, 10, 15):
            durable.kill()
            await service.until(lambda: not service.site.health.healthy, "the outage being noticed")
            await in_a_thread(durable.start)
            await source.number(range(first, first + 5))
            got += tags(await client.until_tag(first + 4))
        assert got == list(range(20))
        await service.until(lambda: service.site.health.healthy, "being healthy again")


async def test_writing_goes_on_through_the_outage_without_loss_or_doubles(serve: Serve, durable: RedisServer) -> None:
    async with scene(serve, durable) as (_service, source, client), trio.open_nursery() as nursery:
        nursery.start_soon(source.number, range(600))
        got = []
        for until in (100, 300):
            got += tags(await client.until_tag(until))
            durable.kill()
            await in_a_thread(durable.start)
        got += tags(await client.until_tag(599))
        assert got == list(range(600))


async def test_a_redis_that_comes_back_empty_is_followed_from_its_start(serve: Serve, own_redis: RedisServer) -> None:
    async with scene(serve, own_redis) as (_service, source, client):
        await source.number(range(5))
        await client.until_tag(4)
        own_redis.kill()
        await in_a_thread(own_redis.start)
        await source.number(range(5, 10))
        assert tags(await client.until_tag(9)) == [5, 6, 7, 8, 9]


async def test_a_redis_whose_clock_stepped_back_is_followed_from_its_start(
    serve: Serve, own_redis: RedisServer
) -> None:
    async with scene(serve, own_redis) as (_service, source, client):
        await source.number(range(3))
        ahead = f"{int(time.time() * 1000) + 3_600_000}-0"
        packed = burst(samples(3)).packed
        own_redis.ask("XADD", "stream:live", ahead, "id", str(source.session.stream_session_id), "data", packed)
        assert tags(await client.until_tag(3)) == [0, 1, 2, 3]
        own_redis.kill()
        await in_a_thread(own_redis.start)
        await source.number(range(4, 8))
        assert tags(await client.until_tag(7)) == [4, 5, 6, 7]


async def test_what_a_redis_still_has_when_it_comes_back_with_less_is_not_sent_again(
    serve: Serve, own_redis: RedisServer
) -> None:
    async with scene(serve, own_redis) as (_service, source, client):
        await source.number(range(5))
        own_redis.ask("SAVE")
        await source.number(range(5, 8))
        assert tags(await client.until_tag(7)) == list(range(8))
        own_redis.kill()
        await in_a_thread(own_redis.start)
        await source.number(range(8, 12))
        assert tags(await client.until_tag(11)) == [8, 9, 10, 11]


async def test_a_redis_paused_for_longer_than_every_timeout_is_taken_up_where_it_was(
    serve: Serve, own_redis: RedisServer
) -> None:
    async with scene(serve, own_redis) as (service, source, client), trio.open_nursery() as nursery:
        await source.number(range(5))
        got = tags(await client.until_tag(4))
        own_redis.pause()
        nursery.start_soon(source.number, range(5, 10))
        await service.until(lambda: not service.site.health.healthy, "the outage being noticed")
        own_redis.resume()
        got += tags(await client.until_tag(9))
        assert got == list(range(10))


async def test_a_full_redis_is_waited_for(serve: Serve, own_redis: RedisServer) -> None:
    async with scene(serve, own_redis) as (_service, source, client), trio.open_nursery() as nursery:
        await source.number(range(3))
        own_redis.ask("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(UnreadableError, match="OOM"):
            await source.log.append(source.session, burst(samples(3)))
        nursery.start_soon(source.number, range(4, 8))
        await client.until_tag(2)
        own_redis.ask("CONFIG", "SET", "maxmemory", "0")
        assert tags(await client.until_tag(7)) == [4, 5, 6, 7]


async def test_a_connection_cut_in_the_middle_of_a_reply_costs_nothing(serve: Serve, own_redis: RedisServer) -> None:
    async with (
        Scissors(own_redis.port).cutting() as scissors,
        serve(redis_at=RedisLogOptions(url=f"redis://127.0.0.1:{scissors.port}/0", timeout=1.0)) as service,
        ingest(options(own_redis)) as source,
        following(service) as client,
    ):
        got = []
        for i in range(10):
            scissors.bytes_left = 20_000 + 5_000 * i
            for tag in range(3 * i, 3 * i + 3):
                await source.send(noise(tag, 30_000))
            got += tags(await client.until_tag(3 * i + 2))
        assert got == list(range(30))
        assert scissors.cuts >= 5


async def test_malformed_entries_are_counted_and_left_out(serve: Serve, own_redis: RedisServer) -> None:
    async with scene(serve, own_redis) as (service, source, client):
        await source.number([0])
        await client.until_tag(0)  # from now on it is live: nothing is read twice
        ours = str(source.session.stream_session_id)
        bomb = lz4.block.compress(bytes(64 << 20), store_size=False)
        good = burst(samples(99)).packed
        for fields in (
            ("id", ours),
            ("data", good),
            ("id", "12x", "data", good),
            ("id", "99999", "data", good),
            ("id", ours, "data", b"no lz4 at all"),
            ("id", ours, "data", lz4.block.compress(b"\xff" * 50, store_size=False)),
            ("id", ours, "data", bomb),
            ("other", "field"),
        ):
            own_redis.ask("XADD", "stream:live", "*", *fields)
        own_redis.ask("XADD", "stream:live", "*", "extra", "1", "data", burst(samples(1)).packed, "id", ours)
        await source.number([2])
        assert tags(await client.until_tag(2)) == [1, 2]
        kinds = {k: service.metric("rta_malformed_total", kind=k) for k in ("entry", "lz4", "oversize", "protobuf")}
        assert kinds == {"entry": 4, "lz4": 1, "oversize": 1, "protobuf": 1}


async def test_a_stream_of_the_wrong_type_disturbs_no_other(serve: Serve, own_redis: RedisServer) -> None:
    async with serve(redis_at=options(own_redis)) as service, ingest(options(own_redis)) as source:
        own_redis.ask("SET", "stream:wrong", "text")
        own_redis.ask(
            "HSET", "sessions:odd", "streamSessionId", "77", "streamName", "wrong", "json", session_json("odd")
        )
        async with following(service) as client, raw(service.port) as other:
            await source.number(range(3))
            got = tags(await client.until_tag(2))
            await other.attach("odd")
            await source.number(range(3, 6))
            got += tags(await client.until_tag(5))
            assert got == [0, 1, 2, 3, 4, 5]


async def test_a_stream_that_becomes_of_the_wrong_type_keeps_no_session_from_being_looked_after(
    serve: Serve, own_redis: RedisServer
) -> None:
    async with (
        serve(redis_at=options(own_redis)) as service,
        ingest(options(own_redis), "broken", "wrong") as broken,
        following(service, "broken"),
        ingest(options(own_redis)) as source,
        following(service) as client,
    ):
        own_redis.ask("DEL", "stream:wrong", "sessions:broken")
        own_redis.ask("SET", "stream:wrong", "text")
        own_redis.ask("SET", "sessions:broken", "text")
        await service.until(lambda: not service.site.health.healthy, "the fault being noticed")
        told = session_json("s", group="told by the hash")
        own_redis.ask("HSET", "sessions:s", "json", told)
        await source.number([1])
        items: list[Item] = []
        while not any(item.session_json == told for item in items):
            items += await client.message()
        assert broken.session.stream == "wrong"


async def test_an_id_that_another_session_uses_again_ends_what_the_first_gets(
    serve: Serve, own_redis: RedisServer
) -> None:
    async with scene(serve, own_redis) as (service, source, client):
        await source.number(range(3))
        got = tags(await client.until_tag(2))
        # What a session's position names may be its own: only what is before that is certainly another's.
        own_redis.ask("XADD", "stream:live", "*", "id", "7", "data", burst(samples(50)).packed)
        own_redis.ask("SET", "lastStreamSessionId", "0")
        async with ingest(options(own_redis), "newcomer") as other:
            assert other.session.stream_session_id == source.session.stream_session_id
            await other.number(range(100, 103))
            async with following(service, "newcomer") as another:
                assert tags(await another.until_tag(102)) == [100, 101, 102]
            # The first one's process begins anew, with an id of its own.
            async with ingest(options(own_redis)) as again:
                await again.number(range(3, 5))
                while not {3, 4} <= set(got):  # what came before it was noticed comes behind what came after
                    got += tags(await client.message())
        assert sorted(got) == [0, 1, 2, 3, 4]


async def test_a_hash_that_expires_under_a_live_session_disconnects_nobody(
    serve: Serve, own_redis: RedisServer
) -> None:
    async with scene(serve, own_redis) as (service, source, client):
        await source.number(range(3))
        await client.until_tag(2)
        own_redis.ask("DEL", "sessions:s")
        await service.elapsed(0.2)
        await source.number(range(3, 6))
        assert tags(await client.until_tag(5)) == [3, 4, 5]


async def test_a_session_is_served_on_the_next_try_once_its_json_is_there(serve: Serve, own_redis: RedisServer) -> None:
    async with serve(redis_at=options(own_redis)) as service:
        own_redis.ask("HSET", "sessions:late", "streamSessionId", "5", "streamName", "live", "streamPosition", "0-0")
        async with raw(service.port) as client:
            await client.attach("late")
            items, _ = await client.until_closed()
            assert items == []
        own_redis.ask("HSET", "sessions:late", "json", session_json("late"))
        own_redis.ask("XADD", "stream:live", "*", "id", "5", "data", burst(samples(1)).packed)
        async with following(service, "late") as client:
            assert tags(await client.until_tag(1)) == [1]


async def test_a_replica_that_is_promoted_is_followed(serve: Serve) -> None:
    with Sentinel() as servers:
        how = RedisLogOptions(
            mode="sentinel",
            sentinels=[f"127.0.0.1:{servers.sentinel.port}"],
            service=Sentinel.service,
            timeout=0.5,
        )
        async with serve(redis_at=how) as service, ingest(how) as source, following(service) as client:
            await source.number(range(5))
            got = tags(await client.until_tag(4))
            await in_a_thread(lambda: replicated(servers.primary, servers.replica, "stream:live"))
            servers.replace_soon()
            servers.primary.kill()
            await in_a_thread(lambda: wait_for(lambda: b"role:master" in servers.replica.ask("INFO", "replication")))
            await source.number(range(5, 10))
            got += tags(await client.until_tag(9))
            assert got == list(range(10))


async def test_the_owner_of_a_slot_that_is_lost_is_replaced_by_its_replica(serve: Serve) -> None:
    with RedisCluster(3, 3) as cluster:
        how = RedisLogOptions(url=cluster.url, mode="cluster", timeout=0.5)
        streams = [f"car{i}" for i in range(4)]
        async with serve(redis_at=how) as service, ingest(how, "s", streams[0]) as source, following(service) as client:
            await source.number(range(5))
            got = tags(await client.until_tag(4))
            owner = cluster.owner(f"stream:{streams[0]}")
            replica = cluster.replicas[cluster.primaries.index(owner)]
            await in_a_thread(lambda: replicated(owner, replica, f"stream:{streams[0]}"))
            cluster.replace_soon()
            owner.kill()
            await source.number(range(5, 10))
            got += tags(await client.until_tag(9))
            assert got == list(range(10))


class Scissors:
    """A way to a server that is cut once so many bytes have come from there."""

    def __init__(self, to: int) -> None:
        self._to = to
        self.bytes_left: int | None = None
        self.cuts = 0
        self.port = 0

    @asynccontextmanager
    async def cutting(self) -> AsyncIterator[Scissors]:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listener.socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, self._carry, [listener])
            yield self
            nursery.cancel_scope.cancel()

    async def _carry(self, client: trio.SocketStream) -> None:
        try:
            server = await trio.open_tcp_stream("127.0.0.1", self._to)
            async with client, server, trio.open_nursery() as nursery:
                nursery.start_soon(self._there, client, server, nursery)
                async for data in server:
                    if self.bytes_left is not None:
                        self.bytes_left -= len(data)
                        if self.bytes_left < 0:
                            self.cuts, self.bytes_left = self.cuts + 1, None
                            await client.send_all(data[: len(data) // 2])
                            break
                    await client.send_all(data)
                nursery.cancel_scope.cancel()
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _there(self, client: trio.SocketStream, server: trio.SocketStream, nursery: trio.Nursery) -> None:
        async for data in client:
            await server.send_all(data)
        nursery.cancel_scope.cancel()


# ---- several edges


async def test_an_edge_that_comes_under_load_serves_all_there_is_once(serve: Serve, own_redis: RedisServer) -> None:
    async with (
        serve(redis_at=options(own_redis)) as first,
        ingest(options(own_redis)) as source,
        following(first) as client,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(source.number, range(500))
        await client.until_tag(100)
        async with serve(redis_at=options(own_redis)) as second, following(second) as late:
            got = tags(await until_all(late, range(500)))
            assert sorted(got) == list(range(500))
        assert tags(await client.until_tag(499)) == list(range(101, 500))


async def until_all(client: RawClient, wanted: Iterable[int]) -> list[Item]:
    """Everything up to when the client has all of these; back-fill comes behind the leading edge."""
    items: list[Item] = []
    missing = set(wanted)
    while missing:
        new = await client.message()
        items += new
        missing -= set(tags(new))
    return items


async def test_clients_of_an_edge_that_is_killed_get_everything_from_another(
    serve: Serve, own_redis: RedisServer, tmp_path: Path
) -> None:
    config = tmp_path / "site.toml"
    config.write_text(
        f'[edge]\nport = 0\n[buffer]\ntransport = "redis"\nurl = "{own_redis.url}"\n[logging]\nformat = "json"\n'
    )
    environ = {k: v for k, v in os.environ.items() if not k.upper().startswith("RTA_")}
    async with (
        serve(redis_at=options(own_redis)) as survivor,
        ingest(options(own_redis)) as source,
        trio.open_nursery() as nursery,
    ):
        with (tmp_path / "log").open("wb") as out:
            command = [sys.executable, "-m", "rta", "run", "--config", str(config)]
            process = await trio.lowlevel.open_process(command, stderr=out, env=environ)
        try:
            ready: list[dict[str, object]] = []

            def is_ready() -> bool:
                whole = (tmp_path / "log").read_text().split("\n")[:-1]
                ready[:] = [line for line in map(json.loads, whole) if line["event"] == "ready"]
                return bool(ready)

            await survivor.until(is_ready, "the other edge")
            nursery.start_soon(source.number, range(600))
            async with raw(int(str(ready[0]["url"]).rpartition(":")[2])) as client:
                await client.attach("s")
                await client.message()
                await client.subscribe(data=True)
                before = tags(await until_all(client, range(151)))
                process.kill()
                await client.gone()
        finally:
            process.kill()
            await process.wait()
        assert sorted(t for t in before if t <= 150) == list(range(151))
        async with following(survivor) as again:
            got = tags(await until_all(again, range(600)))
            assert sorted(got) == list(range(600))
