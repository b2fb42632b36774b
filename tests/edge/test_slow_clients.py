"""Clients that read slowly, or not at all. Source: docs/protocol.md, "What comes" and "Close codes"."""

from __future__ import annotations

from itertools import count

import pytest
import trio

from .clients import BINARY, PING, PONG, RawClient, raw
from .conftest import Serve, Service
from .telemetry import burst, decode, noise, samples, session_json, tags

TINY = 4096
LOTS = [burst(noise(tag)) for tag in range(150)]
"""About 9 MB: more than the kernels of both sides take."""


_TAGS = count(10_000)


async def subscribed(client: RawClient, service: Service) -> None:
    """At the leading edge, with everything subscribed."""
    await client.attach("s")
    await client.subscribe(data=True, events=True)
    tag = next(_TAGS)
    await service.send("s", samples(tag))
    await client.until_tag(tag)


async def everything(client: RawClient, last: int) -> list[int]:
    """All tags up to this one, those of `subscribed` left out."""
    return [tag for tag in tags(await client.until_tag(last)) if tag < 10_000]


async def test_a_client_that_falls_behind_gets_the_rest_from_the_ring_once_and_in_order(service: Service) -> None:
    await service.open("s")
    async with raw(service.port, receive_buffer=TINY) as client:
        await subscribed(client, service)
        await service.send_many("s", LOTS)
        await service.until_metric(1, "rta_fell_behind_total")
        assert await everything(client, 149) == list(range(150))
        assert service.metric("rta_rewinds_total") == 0


async def test_a_client_that_falls_off_the_ring_is_brought_back_from_the_log(serve: Serve) -> None:
    async with serve(fanout={"ring": 400_000}) as service, raw(service.port, receive_buffer=TINY) as client:
        await service.open("s")
        await subscribed(client, service)
        await service.send_many("s", LOTS)
        await service.until_metric(1, "rta_fell_behind_total")
        assert await everything(client, 149) == list(range(150))
        assert service.metric("rta_rewinds_total") > 0


async def test_a_client_that_widens_while_behind_gets_everything_once(serve: Serve) -> None:
    async with serve(fanout={"ring": 400_000}) as service, raw(service.port, receive_buffer=TINY) as client:
        await service.open("s")
        await client.attach("s")
        await client.subscribe(1)
        await service.send_many("s", [burst(noise(tag), samples(1000 + tag, 2)) for tag in range(100)])
        await service.until_metric(1, "rta_clients_behind")
        await client.subscribe(2)
        await service.send_many("s", [burst(noise(tag), samples(1000 + tag, 2)) for tag in range(100, 150)])
        seen: list[int] = []
        with trio.fail_after(50):
            while len(seen) < 300:
                seen += tags(await client.message())
        assert sorted(seen) == [*range(150), *range(1000, 1150)]


async def test_a_client_that_comes_back_is_at_the_leading_edge_again(service: Service) -> None:
    await service.open("s")
    async with raw(service.port, receive_buffer=TINY) as client:
        await subscribed(client, service)
        await service.send_many("s", LOTS)
        await client.until_tag(149)
        await service.until(lambda: service.metric("rta_clients_behind") == 0, "the client to be back")
        sent = await service.send("s", samples(20_000))
        assert (await client.next_of(BINARY)).payload == sent.packed


async def test_a_client_that_falls_off_the_log_is_closed_with_4000(serve: Serve) -> None:
    async with (
        serve(fanout={"ring": 400_000}, log={"max_bytes": 800_000}) as service,
        raw(service.port, receive_buffer=TINY) as client,
    ):
        await service.open("s")
        await subscribed(client, service)
        await service.send_many("s", LOTS)
        items, close = await client.until_closed()
        assert close.code == 4000
        assert close.reason
        assert tags(items) == list(range(len(tags(items))))


async def test_a_client_that_never_reads_is_dropped_and_disturbs_nobody(serve: Serve) -> None:
    async with (
        serve(edge={"stall_timeout": 0.3}) as service,
        raw(service.port, receive_buffer=TINY) as dead,
        raw(service.port) as alive,
    ):
        await service.open("s")
        await subscribed(dead, service)
        await subscribed(alive, service)
        await service.send_many("s", LOTS)
        assert await everything(alive, 149) == list(range(150))
        await service.until_metric(1, "rta_clients_closed_total", reason="stalled")
        await service.until_connections(1)
        await service.update("s", session_json("s", details={"still": "here"}))
        assert (await alive.message())[0].WhichOneof("data") == "session_json"


async def test_a_client_that_reads_a_little_now_and_then_is_not_dropped(serve: Serve) -> None:
    async with (
        serve(edge={"stall_timeout": 2, "ping_interval": 0.1}) as service,
        raw(service.port, receive_buffer=TINY) as client,
    ):
        await service.open("s")
        await subscribed(client, service)
        seen: list[int] = []
        fast = False

        async def read() -> None:
            while 149 not in seen:
                frame = await client.frame()
                if frame.opcode == BINARY:
                    seen.extend(tags(decode(frame.payload)))
                if not fast:
                    await service.elapsed(0.02)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await service.send_many("s", LOTS)
            await service.elapsed(4)
            fast = True
        assert seen == list(range(150))


async def test_a_client_that_only_pings_is_not_dropped(serve: Serve) -> None:
    async def ping() -> None:
        while True:
            await client.send_frame(PONG)
            await service.elapsed(0.05)

    async with (
        serve(edge={"stall_timeout": 2.0}) as service,
        raw(service.port, receive_buffer=TINY) as client,
        trio.open_nursery() as nursery,
    ):
        await service.open("s")
        await subscribed(client, service)
        nursery.start_soon(ping)
        await service.send_many("s", LOTS)
        await service.until_metric(1, "rta_clients_behind")
        await service.elapsed(2.5)
        assert service.metric("rta_clients") == 1
        assert await everything(client, 149) == list(range(150))
        nursery.cancel_scope.cancel()


async def test_pings_of_a_slow_client_are_answered_between_its_frames(service: Service) -> None:
    await service.open("s")
    async with raw(service.port, receive_buffer=TINY) as client:
        await subscribed(client, service)
        await service.send_many("s", LOTS)
        for n in range(10):
            await client.send_frame(PING, b"%d" % n)
        pongs: list[bytes] = []
        seen: list[int] = []
        while 149 not in seen:
            frame = await client.frame()
            if frame.opcode == PONG:
                pongs.append(frame.payload)
            else:
                seen += tags(decode(frame.payload))
        assert seen == list(range(150))
        assert pongs == [b"%d" % n for n in range(10)]


async def test_a_slow_client_that_resets_is_forgotten(service: Service) -> None:
    await service.open("s")
    async with raw(service.port, receive_buffer=TINY) as client:
        await subscribed(client, service)
        await service.send_many("s", LOTS)
        await service.until_metric(1, "rta_clients_behind")
        client.reset()
        await service.until_connections(0)
        assert service.metric("rta_clients") == 0


async def test_a_client_that_resets_while_data_come_disturbs_nobody(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as other:
        await other.attach("s")
        await other.subscribe(data=True)
        await service.send("s", samples(first := next(_TAGS)))
        await other.until_tag(first)
        for tag in range(0, 10, 2):
            async with raw(service.port) as client:
                await client.attach("s")
                await client.subscribe(data=True)
                await client.until_tag(tag - 1 if tag else first)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(service.send, "s", samples(tag))
                    client.reset()
                await service.send("s", samples(tag + 1))
        assert await everything(other, 9) == list(range(10))


@pytest.mark.parametrize("behind", [False, True], ids=["at the leading edge", "behind"])
async def test_a_session_json_reaches_a_slow_client_in_its_place(service: Service, behind: bool) -> None:
    await service.open("s")
    async with raw(service.port, receive_buffer=TINY) as client:
        await subscribed(client, service)
        if behind:
            await service.send_many("s", LOTS[:100])
            await service.until_metric(1, "rta_clients_behind")
        mark = session_json("s", details={"mark": 1})
        await service.update("s", mark)
        await service.send("s", samples(149))
        items = await client.until_tag(149)
        place = next(i for i, item in enumerate(items) if item.session_json == mark)
        assert tags(items[:place]) == (list(range(100)) if behind else [])
        assert tags(items[place:]) == [149]
