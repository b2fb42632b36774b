"""`rta run` comes to an orderly end at a signal, and to a sudden one at the second."""

from __future__ import annotations

import json
import signal
import socket
from contextlib import contextmanager

import pytest
import trio
from conftest import SITE
from program import PATIENCE

from rta.client import open_live_stream
from rta.client.stream import StreamClosed

LONG_GRACE = '[site]\ngrace = "10min"\n'
SHORT_GRACE = '[site]\ngrace = "100ms"\n'
STUBBORN = SITE.replace("port = 0", 'port = 0\nclose_timeout = "10min"')

LAP_OVER = """
edge.port = 0
fanout.linger = "10min"

[[source]]
name = "lap"
transport = "csv"
path = "lap.csv"
speed = 1000
identity = "lap-1"
"""


async def everything_up_to_the_close(stream):
    """The session JSONs, and the close."""
    sessions = []
    with trio.fail_after(PATIENCE):
        try:
            while True:
                burst = await stream.receive()
                sessions += map(json.loads, burst.session_json)
        except StreamClosed as e:
            return sessions, e


@contextmanager
def client_that_never_reads(service):
    """It is being served, and answers nothing, not even the close."""
    service.until_streams("drive-1")
    with socket.create_connection(service.address, PATIENCE) as sock:
        sock.sendall(
            b"GET /rta/v2/sessions/drive-1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: mat.ocs.rta.stream-lz4\r\n\r\n"
        )
        service.until(lambda: "\nrta_clients 1.0\n" in service.get("/metrics"), "the client being served")
        yield


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_clients_hear_of_the_truncated_session_and_of_the_end(start, site, number):
    service = start("run", "--config", site())
    service.until_streams("drive-1")
    async with open_live_stream(service.url, "drive-1") as stream:
        first = await stream.receive()
        assert json.loads(first.session_json[0])["state"] == "open"
        await stream.subscribe(events=True, all_data=True)
        with trio.fail_after(PATIENCE):
            while (span := (await stream.receive()).time_range) is None or span.end == span.start:
                pass
        service.signal(number)
        sessions, closed = await everything_up_to_the_close(stream)
    assert (closed.code, closed.reason) == (1001, "the server is shutting down")
    assert sessions[-1]["state"] == "truncated"
    assert sessions[-1]["timeRange"]["endTime"] > sessions[-1]["timeRange"]["startTime"]
    assert service.ends() == 0
    assert [line["event"] for line in service.log][-1] == "stopped"


async def test_a_session_that_was_closed_stays_closed(start, site):
    service = start("run", "--config", site(LAP_OVER))
    service.logged("source ended")
    async with open_live_stream(service.url, "lap-1") as stream:
        first = await stream.receive()
        assert json.loads(first.session_json[-1])["state"] == "closed"
        await stream.subscribe(all_data=True)
        with trio.fail_after(PATIENCE):
            while not (await stream.receive()).has_data:
                pass
        service.signal(signal.SIGTERM)
        sessions, closed = await everything_up_to_the_close(stream)
    assert (sessions, closed.code) == ([], 1001)
    assert service.ends() == 0
    assert "truncated" not in service.err


def test_a_client_that_never_reads_is_not_waited_for_beyond_the_grace(start, site):
    service = start("run", "--config", site(SHORT_GRACE + STUBBORN))
    with client_that_never_reads(service):
        service.signal(signal.SIGTERM)
        assert service.ends() == 0
    assert service.log[-1]["event"] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once(start, site, number):
    service = start("run", "--config", site(LONG_GRACE + STUBBORN))
    with client_that_never_reads(service):
        service.signal(number)
        service.logged("session ended early")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(service.address, PATIENCE)
        service.signal(number)
        assert service.ends() == 128 + number
    assert "stopped" not in service.err
    assert "Traceback" not in service.err
