"""Many who begin a handshake at once, most of whom never end it, and one who does."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import structlog
import trio
import trio.testing
from certificate_files import client_side, tls_options, tls_stream, write_certificate
from rta_transports.websocket.tls_socket import TlsSocket
from served_edge import PATIENCE, Served, Visitor, answering, serving

from rta.testing.patience import until

GET = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
GARBAGE = b"\x16\x03\x01\x00\xff" + b"\xee" * 255
MANY = 40


def greeting() -> bytes:
    """What a client says first."""
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client_side().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1").do_handshake()
    return outgoing.read()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_certificate(tmp_path)
    return tmp_path


@asynccontextmanager
async def crowd(served: Served, first: bytes) -> AsyncIterator[list[Visitor]]:
    """Who all say this, and stay."""

    async def say(visitor: Visitor) -> None:
        with suppress(trio.BrokenResourceError):  # this machine is so busy that it was given up
            await visitor.send(first)

    async with AsyncExitStack() as stack:
        visitors = [await stack.enter_async_context(served.visited()) for _ in range(MANY)]
        async with trio.open_nursery() as nursery:
            for visitor in visitors:
                nursery.start_soon(say, visitor)
        yield visitors


async def test_who_shakes_hands_is_served_beside_those_who_do_not(folder: Path) -> None:
    whole = greeting()
    with structlog.testing.capture_logs() as logs:
        async with (
            serving(answering(b"ok"), **tls_options(folder)) as served,
            crowd(served, whole[: len(whole) // 2]),
            crowd(served, whole),
            crowd(served, GARBAGE) as refused,
        ):
            stream = await tls_stream(served.port)
            visitor = Visitor(stream)  # type: ignore[arg-type]
            await visitor.send(GET)
            await visitor.until(b"ok")
            for other in refused:
                assert b"HTTP" not in await other.rest()
            assert served.refused("tls") == MANY
            await visitor.send(GET)  # and goes on
            await visitor.until(b"ok")
            await trio.aclose_forcefully(stream)
            connections = served.metrics.registry.get_sample_value
            assert connections("rta_connections") >= 2 * MANY, "whole and half greetings wait for what comes next"
    assert [line["source"] for line in logs if line.get("kind") == "tls"] == ["127.0.0.1"], "it is said once"


async def test_who_does_not_go_on_is_given_up_and_nothing_stays(folder: Path) -> None:
    whole = greeting()
    async with (
        serving(answering(b"ok"), **tls_options(folder, handshake_timeout=1.0)) as served,
        crowd(served, whole[:50]),
        crowd(served, whole),
    ):
        await until(lambda: served.refused("handshake") == 2 * MANY, PATIENCE, "their end")
        await until(
            lambda: served.metrics.registry.get_sample_value("rta_connections") == 0, PATIENCE, "no connection any more"
        )


async def test_one_handshake_has_a_turn_of_the_event_loop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, steps, most = greeting(), 0, 0
    shake = TlsSocket.do_handshake

    def counted(sock: TlsSocket, block: bool = False) -> None:
        nonlocal steps
        steps += 1
        shake(sock, block)

    monkeypatch.setattr(TlsSocket, "do_handshake", counted)
    async with serving(answering(b"ok"), **tls_options(folder)) as served, trio.open_nursery() as nursery:

        async def visit() -> None:
            async with served.visited() as visitor:
                await ready.wait()
                await visitor.send(first)
                await over.wait()

        ready, over = trio.Event(), trio.Event()
        for _ in range(MANY):
            nursery.start_soon(visit)
        await trio.testing.wait_all_tasks_blocked()
        ready.set()
        before = 0
        while steps < MANY:
            await trio.lowlevel.checkpoint()
            most, before = max(most, steps - before), steps
        over.set()
    assert most <= 2
