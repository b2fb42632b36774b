"""How the service stops. Source: docs/protocol.md, "Close codes"."""

from __future__ import annotations

import pytest
import trio

from rta.wire import SessionState, read_session

from .clients import CLOSE, PATIENCE, close_frame, raw, stream_path
from .conftest import Serve, Service
from .telemetry import burst, noise, samples, span, tags


async def test_clients_get_the_truncated_json_and_then_1001(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.subscribe(data=True)
        await service.send("s", samples(5), span(5, 6))
        await client.until_tag(5)
        service.site.stop()
        items, close = await client.until_closed()
        last = read_session(items[-1].session_json)
        assert last.state is SessionState.TRUNCATED
        assert (close.code, close.reason) == (1001, "the server is shutting down")
        assert await client.rest() == b""


async def test_run_returns_when_the_clients_have_answered(serve: Serve) -> None:
    async with serve(grace=30.0) as service, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        service.site.stop()
        await client.until_closed()
        await client.stream.aclose()
        with trio.fail_after(PATIENCE):
            await service.returned.wait()


async def test_what_a_client_is_owed_comes_before_the_close(serve: Serve) -> None:
    async with serve(grace=PATIENCE) as service, raw(service.port, receive_buffer=4096) as client:
        await service.open("s")
        await service.send_many("s", [burst(noise(tag)) for tag in range(30)])
        await client.attach("s")
        await client.subscribe(data=True)
        await service.until_metric(1, "rta_backfill_bursts_total")
        service.site.stop()
        items, close = await client.until_closed()
        assert sorted(tags(items)) == list(range(30))
        assert close.code == 1001


async def test_new_connections_are_refused(serve: Serve) -> None:
    async with serve() as service, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        service.site.stop()
        await client.next_of(CLOSE)
        with pytest.raises(ConnectionRefusedError):
            async with raw(service.port):
                pass


async def test_an_upgrade_on_a_connection_from_before_is_answered_503(serve: Serve) -> None:
    async with serve() as service, raw(service.port) as waiting, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        await waiting.send(b"GET " + stream_path("s").encode())
        await service.until_connections(2)
        service.site.stop()
        await client.next_of(CLOSE)
        rest = " HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
        await waiting.send(rest.encode() + b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert (await waiting.answer()).status == 503


async def test_an_http_request_on_a_connection_from_before_is_answered_503(serve: Serve) -> None:
    async with serve() as service, raw(service.port) as waiting, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        await waiting.send(b"GET / HTT")
        await service.until_connections(2)
        service.site.stop()
        await client.next_of(CLOSE)
        await waiting.send(b"P/1.1\r\nhost: x\r\n\r\n")
        assert (await waiting.answer()).status == 503


async def test_idle_http_connections_end_at_once(serve: Serve) -> None:
    async with serve(grace=30.0) as service, raw(service.port) as idle, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        await idle.request("/")
        service.site.stop()
        assert await idle.rest() == b""
        await client.until_closed()


async def test_clients_that_never_read_do_not_hold_up_the_end(serve: Serve) -> None:
    async with serve(grace=0.3) as service, raw(service.port, receive_buffer=4096) as client:
        await service.open("s")
        await client.attach("s")
        await client.subscribe(data=True)
        await service.send_many("s", [burst(noise(tag)) for tag in range(150)])
        await service.until_metric(1, "rta_clients_behind")
        service.site.stop()
        with trio.fail_after(PATIENCE):
            await service.returned.wait()


async def test_clients_that_do_not_answer_the_close_do_not_hold_up_the_end(serve: Serve) -> None:
    async with serve(grace=0.3) as service, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        service.site.stop()
        assert (await client.next_of(CLOSE)).code == 1001
        with trio.fail_after(PATIENCE):
            await service.returned.wait()


async def test_connections_that_have_sent_nothing_do_not_hold_up_the_end(serve: Serve) -> None:
    async with serve(grace=30.0) as service, raw(service.port):
        await service.until_connections(1)
        service.site.stop()
        with trio.fail_after(PATIENCE):
            await service.returned.wait()


async def test_a_client_that_closes_at_the_same_time_is_no_fault(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.message()
        service.site.stop()
        await client.send(close_frame(1000))
        assert (await client.next_of(CLOSE)).code in (1000, 1001)
        await client.gone()
