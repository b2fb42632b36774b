"""A held port is for those who share it knowingly, before anybody listens and while everybody is away."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress

import pytest

from rta.errors import RtaError
from rta.workers import hold_port

HOST = "127.0.0.1"


def listening(port: int, *, shared: bool) -> socket.socket:
    """As the edge does it."""
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((HOST, port))
        sock.listen()
    except OSError:
        sock.close()
        raise
    return sock


@pytest.fixture
def port():
    with hold_port(HOST, 0) as held:
        yield held


def refused_to_others(port: int) -> None:
    with pytest.raises(OSError, match="in use"):
        listening(port, shared=False)
    with (
        pytest.raises(RtaError, match=rf"cannot listen on {HOST}:{port}: Address already in use; is another rta"),
        hold_port(HOST, port),
    ):
        pass


def test_nobody_else_gets_it_though_nobody_listens_yet(port):
    refused_to_others(port)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port))


def test_nobody_else_gets_it_while_ours_listen_nor_when_they_have_gone(port):
    with listening(port, shared=True), listening(port, shared=True):
        refused_to_others(port)
    refused_to_others(port)
    listening(port, shared=True).close()


def test_connections_go_to_those_that_listen_only(port):
    with ExitStack() as stack:
        ours = [stack.enter_context(listening(port, shared=True)) for _ in range(2)]
        for _ in range(50):
            stack.enter_context(socket.create_connection((HOST, port)))
        came = 0
        for sock in ours:
            sock.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    stack.enter_context(sock.accept()[0])
                    came += 1
        assert came == 50


def test_one_that_others_listen_on_is_refused_be_they_willing_to_share():
    with (
        listening(0, shared=True) as taken,
        pytest.raises(RtaError, match="in use"),
        hold_port(HOST, taken.getsockname()[1]),
    ):
        pass


def test_connections_of_an_earlier_run_are_no_obstacle():
    with listening(0, shared=False) as earlier:
        port = earlier.getsockname()[1]
        with socket.create_connection((HOST, port)) as client:
            earlier.accept()[0].close()  # who closes first is left waiting
            assert client.recv(1) == b""
    with hold_port(HOST, port) as held:
        assert held == port


def test_it_is_given_back():
    with hold_port(HOST, 0) as port:
        pass
    listening(port, shared=False).close()


def test_all_addresses_of_a_name_have_one_port():
    with hold_port("localhost", 0) as port:
        refused_to_others(port)


def test_a_host_that_is_none_is_said():
    said = r"^edge\.host: 'no such host' is no address to listen on"
    with pytest.raises(RtaError, match=said), hold_port("no such host", 0):
        pass
