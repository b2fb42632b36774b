"""Writing to a real Redis: what is in it, and what its end, pause and return do to it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
import trio
from real_servers import RedisServer

from rta.wire import Event
from rta.writer import WriterObserver, open_writer

from .on_redis import stored_session

pytestmark = pytest.mark.processes

T0 = 1_700_000_000_000_000_001


@pytest.fixture
def lasting_redis() -> Iterator[RedisServer]:
    """A Redis that still has, after a power cut, all that it has answered for."""
    with RedisServer("--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


class Contact(WriterObserver):
    """Lets a test wait until the log is away."""

    def __init__(self) -> None:
        self.lost = trio.Event()

    def failing(self, reason: str | None) -> None:
        if reason is None:
            self.lost = trio.Event()
        else:
            self.lost.set()


async def test_what_is_in_redis_is_the_layout_that_readers_expect(redis_server: RedisServer) -> None:
    times = T0 + np.arange(20_000) * 1_000_000
    async with (
        open_writer(redis_server.url, "car1") as writer,
        await writer.open_session(identity="run-42", identifier="Run 42", details={"driver": "K"}) as session,
    ):
        await session.write(1, times, np.arange(20_000) / 7)
        await session.write_periodic(2, T0, 10, [1.0, 2.0])
        await session.write_rows([3, 4], T0, [1.0, 2.0])
        await session.write_event(Event(event_definition_id=7, timestamp=T0))
    stored = stored_session(redis_server.url, "run-42")
    end = int(times[-1])
    assert stored.streams == {"car1"}
    assert (stored.hash["streamSessionId"], stored.hash["streamPosition"]) == ("1", "0-0")
    assert (stored.hash["tStart"], stored.hash["tEnd"]) == (str(T0), str(end))
    assert stored.hash["json"] == stored.jsons[-1]
    assert stored.samples == {1: [(int(t), i / 7) for i, t in enumerate(times)]}
    assert stored.bursts[0] == stored.bursts[-1] == ["json"]
    assert all(kinds[-1] == "range" for kinds in stored.bursts[1:-1])
    assert sorted({kind for kinds in stored.bursts[1:-1] for kind in kinds}) == [
        "event",
        "periodic",
        "range",
        "row",
        "timestamped",
    ]
    first, last = map(json.loads, stored.jsons)
    assert (first["state"], last["state"]) == ("open", "closed")
    assert (first["identity"], first["identifier"], first["details"]) == ("run-42", "Run 42", {"driver": "K"})
    assert last["timeRange"] == {"startTime": T0, "endTime": end}


async def test_nothing_is_lost_or_doubled_when_redis_is_killed_and_started_again(lasting_redis: RedisServer) -> None:
    contact, number = Contact(), 0
    expected: list[tuple[int, float]] = []
    async with open_writer(lasting_redis.url, watcher=contact) as writer:
        session = await writer.open_session(identity="a")

        async def write(count: int) -> None:
            nonlocal number
            for _ in range(count):
                values = np.arange(number, number + 3000)
                await session.write(1, T0 + values, values)
                expected.extend((T0 + v, float(v)) for v in values.tolist())
                number += 3000

        for _ in range(4):
            await write(1)
            await session.flush()
            await write(10)  # on its way
            await trio.to_thread.run_sync(lasting_redis.kill)
            await write(5)
            await contact.lost.wait()
            assert writer.failing is not None
            assert writer.waiting > 0
            await trio.to_thread.run_sync(lasting_redis.start)
            await session.flush()
            assert writer.waiting == 0
            assert writer.failing is None
        await session.close()
    stored = stored_session(lasting_redis.url, "a")
    assert stored.samples[1] == expected
    assert [json.loads(text)["state"] for text in stored.jsons] == ["open", "closed"]
    assert stored.hash["json"] == stored.jsons[-1]
    assert (stored.hash["tStart"], stored.hash["tEnd"]) == (str(T0), str(T0 + number - 1))


async def test_what_redis_did_but_did_not_answer_for_is_not_doubled(own_redis: RedisServer) -> None:
    contact = Contact()
    async with open_writer(own_redis.url, options={"timeout": 0.1}, watcher=contact) as writer:
        session = await writer.open_session(identity="a")
        await session.flush()
        own_redis.pause()  # commands still arrive, and are carried out when it goes on
        await session.write(1, [T0], [1.0])
        await contact.lost.wait()
        own_redis.resume()
        await session.write(1, [T0 + 1], [2.0])
        await session.close()
    assert stored_session(own_redis.url, "a").samples == {1: [(T0, 1.0), (T0 + 1, 2.0)]}


async def test_a_redis_that_is_not_there_yet_may_be_waited_for() -> None:
    server, contact = RedisServer(), Contact()
    try:
        async with open_writer(server.url, on_absent="wait", watcher=contact) as writer:
            session = await writer.open_session(identity="a")
            await session.write(1, [T0], [1.0])
            await contact.lost.wait()
            await trio.to_thread.run_sync(server.start)
            await session.close()
        assert stored_session(server.url, "a").samples == {1: [(T0, 1.0)]}
    finally:
        server.stop()
