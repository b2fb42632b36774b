"""A service that has nothing to say is asked whether it is there; the answer is enough."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MemorySendStream, MockClock, memory_stream_pair
from trio_websocket import wrap_server_stream

from rta.client import LiveStream, ServiceSilent, open_live_stream, stream
from rta.wire.websocket import SUBPROTOCOL

BASE = "http://pit"


@asynccontextmanager
async def connected(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[LiveStream, MemorySendStream]]:
    """A stream of a service that answers pings and says nothing, and the way to it."""
    ours, theirs = memory_stream_pair()

    async def connect(base: str, tls: None) -> trio.StapledStream[MemorySendStream, trio.testing.MemoryReceiveStream]:
        await trio.lowlevel.checkpoint()
        return ours

    async def serve() -> None:
        request = await wrap_server_stream(nursery, theirs)  # type: ignore[arg-type]
        await request.accept(subprotocol=SUBPROTOCOL)

    monkeypatch.setattr(stream, "_connect", connect)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with open_live_stream(BASE, "s") as opened:
            yield opened, ours.send_stream
        nursery.cancel_scope.cancel()


async def test_a_service_that_answers_pings_may_say_nothing_for_ever(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(monkeypatch) as (opened, _):
        with trio.move_on_after(1000) as waiting:
            await opened.receive()
        assert waiting.cancelled_caught


async def test_one_that_is_not_reached_any_more_is_silent(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = trio.current_time()
    async with connected(monkeypatch) as (opened, way):
        await trio.testing.wait_all_tasks_blocked()
        monkeypatch.setattr(way, "send_all", _swallow)
        with pytest.raises(ServiceSilent, match=r"^nothing has been heard from http://pit for 30 s$"):
            await opened.receive()
    assert trio.current_time() - began == pytest.approx(30)


async def _swallow(data: bytes) -> None:
    await trio.lowlevel.checkpoint()
