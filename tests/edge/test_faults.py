"""Faults of our own, which stay where they are, and of the buffer, of which new clients are told."""

from __future__ import annotations

import errno
import socket

import pytest
import structlog

from rta.errors import NotConnectedError
from rta.health import Health
from rta.session.catch_up import CatchUp

from .clients import raw
from .conftest import Service
from .telemetry import samples


def broken(*args: object) -> None:
    raise ZeroDivisionError("a fault of ours")


async def test_a_fault_ends_its_own_connection_only(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await service.open("s")
    async with raw(service.port) as healthy, raw(service.port) as client:
        await healthy.attach("s")
        await healthy.message()
        await client.attach("s")
        await client.message()
        with monkeypatch.context() as patched:
            patched.setattr(CatchUp, "widen", broken)
            await client.subscribe(data=True)
            assert (await client.until_closed())[1].code == 1011
        service.faults = 1
        await healthy.subscribe(data=True)
        await service.send("s", samples(1))
        await healthy.until_tag(1)


async def test_a_fault_is_counted_and_logged_with_its_traceback(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.open("s")
    with structlog.testing.capture_logs() as logs:
        async with raw(service.port) as client:
            await client.attach("s")
            await client.message()
            monkeypatch.setattr(CatchUp, "widen", broken)
            await client.subscribe(data=True)
            await client.until_closed()
        await service.until_metric(1, "rta_connection_faults_total")
    service.faults = 1
    (entry,) = [e for e in logs if e["log_level"] == "error"]
    assert entry["peer"] == "127.0.0.1"
    assert isinstance(entry["exc_info"], BaseException)


async def test_the_client_of_a_fault_leaves_nothing_behind(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        monkeypatch.setattr(CatchUp, "widen", broken)
        await client.subscribe(data=True)
        await client.until_closed()
    service.faults = 1
    await service.until_connections(0)
    assert service.metric("rta_clients") == service.metric("rta_views") == 0


async def test_a_fault_of_the_http_application_is_answered_500(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Health, "healthy", property(broken))
    async with raw(service.port) as client:
        assert (await client.request("/health")).status == 500
    async with raw(service.port) as client:
        assert (await client.request("/")).status == 200


async def test_a_client_that_comes_while_the_buffer_cannot_be_read_is_told_to_come_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find(log: object, identity: str) -> None:
        raise NotConnectedError("the log is away")

    await service.open("s")
    with monkeypatch.context() as patched:
        patched.setattr(type(service.log), "find", find)
        async with raw(service.port) as client:
            await client.attach("s")
            items, close = await client.until_closed()
            assert (items, close.code) == ([], 4001)
    async with raw(service.port) as client:
        await client.attach("s")
        await client.message()


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ECONNABORTED, errno.EPERM])
async def test_an_error_in_accepting_does_not_end_the_listener(
    service: Service, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    real, failures = socket.socket.accept, iter(range(2))

    def accept(sock: socket.socket) -> tuple[socket.socket, object]:
        if next(failures, None) is not None:
            raise OSError(code, "no more")
        return real(sock)

    monkeypatch.setattr(socket.socket, "accept", accept)
    async with raw(service.port) as client:
        assert (await client.request("/")).status == 200
    assert next(failures, None) is None


async def test_running_out_of_descriptors_is_counted(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = socket.socket.accept, iter(range(1))

    def accept(sock: socket.socket) -> tuple[socket.socket, object]:
        if next(failures, None) is not None:
            raise OSError(errno.EMFILE, "no more")
        return real(sock)

    monkeypatch.setattr(socket.socket, "accept", accept)
    async with raw(service.port) as client:
        await client.request("/")
    assert service.metric("rta_connections_refused_total", reason="resources") == 1
