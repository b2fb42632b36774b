"""A server that announces more than it will ever send costs neither memory nor time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import trio
from rta_transports.redis import RedisLogOptions
from rta_transports.redis.log import open_log

from rta.errors import NotConnectedError
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context

ABSURD = [b"*2147483647\r\n", b"*1\r\n*2\r\n*2147483647\r\n", b"*99999999999999999999\r\n"]


def context() -> Context:
    return Context("buffer", Path(), time.time_ns, Metrics(HotCounters(), dict))


async def ask(reply: bytes, greets: bool) -> str:
    """What is said of a server that answers everything so; `greets`: but for what a connection begins with."""

    async def serve(stream: trio.SocketStream) -> None:
        async for data in stream:
            greeting = b"+OK\r\n" * data.count(b"CLIENT") if greets else b""
            await stream.send_all(greeting or reply)

    async with trio.open_nursery() as nursery:
        listener = (await nursery.start(trio.serve_tcp, serve, 0))[0]
        port = listener.socket.getsockname()[1]
        async with open_log(RedisLogOptions(url=f"redis://127.0.0.1:{port}", timeout=1.0), context()) as log:
            with pytest.raises(NotConnectedError) as caught:
                await log.now()
        nursery.cancel_scope.cancel()
    return str(caught.value)


@pytest.mark.parametrize("reply", ABSURD)
async def test_a_number_of_items_that_cannot_be_is_a_broken_connection(reply: bytes) -> None:
    assert "it announces more items than there can be" in await ask(reply, greets=True)


@pytest.mark.parametrize("reply", ABSURD)
async def test_no_room_is_made_for_items_while_connecting(reply: bytes) -> None:
    began = time.thread_time()
    assert "127.0.0.1" in await ask(reply, greets=False)
    assert time.thread_time() < began + 10  # to make room for them, and give it back, took half a minute
