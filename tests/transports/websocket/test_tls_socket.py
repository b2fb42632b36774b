"""A socket with TLS behaves as one without: whatever it takes in parts comes out whole, and in order."""

from __future__ import annotations

import random
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import trio
from certificate_files import authority, client_side
from hypothesis import given, settings
from hypothesis import strategies as st
from rta_transports.websocket.readiness import Readiness
from rta_transports.websocket.stream import WireStream
from rta_transports.websocket.tls_socket import TlsSocket

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
RECORD = 16384


def server_side() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    authority().issue_cert("localhost").configure_cert(context)
    context.sslsocket_class = TlsSocket
    return context


SERVER = server_side()


@contextmanager
def connected(version: ssl.TLSVersion, buffer: int = 4096) -> Iterator[tuple[TlsSocket, TlsSocket]]:
    """Two ends whose kernel takes little."""
    ours, theirs = socket.socketpair()
    for sock in (ours, theirs):
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    visitor = client_side(version=version)
    visitor.sslsocket_class = TlsSocket
    a = SERVER.wrap_socket(ours, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False)
    b = visitor.wrap_socket(theirs, server_hostname="localhost", do_handshake_on_connect=False)
    waiting = [b, a]
    while waiting:
        try:
            waiting[0].do_handshake()
            waiting.pop(0)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            waiting.reverse()
    with a, b:
        assert isinstance(a, TlsSocket)
        assert isinstance(b, TlsSocket)
        yield a, b


def receive(sock: TlsSocket, size: int) -> bytes:
    try:
        return sock.recv(size)
    except BlockingIOError:
        return b""


class Sender:
    """Keeps to the rule of the port: a frame of which some has been taken is sent to its end before another one."""

    def __init__(self, send: Callable[[bytes], int]) -> None:
        self._send = send
        self.rest = b""
        self.begun = b""
        """All frames that were begun."""

    def send(self, frame: bytes) -> None:
        data = self.rest or frame
        try:
            taken = self._send(data)
        except BlockingIOError:
            return  # a new frame has not been begun: another one may be sent in its place
        assert 0 < taken <= len(data)
        if not self.rest:
            self.begun += frame
        self.rest = data[taken:]


STEPS = st.lists(
    st.tuples(st.integers(1, 40_000), st.one_of(st.just(0), st.integers(1, 60_000))), min_size=1, max_size=12
)


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=20, deadline=None)
@given(STEPS, st.integers(0, 1 << 32))
def test_any_interleaving_of_partial_sends_keeps_the_stream(version, steps, seed):
    draw = random.Random(seed)
    with connected(version, 16384) as (a, b):
        sender, received = Sender(a.send), bytearray()
        for size, read in steps:
            sender.send(draw.randbytes(size))
            while read > 0 and (got := receive(b, read)):
                received += got
                read -= len(got)
        while sender.rest or len(received) < len(sender.begun):
            if sender.rest:
                sender.send(b"")
            received += receive(b, 65536)
        assert received == sender.begun


@pytest.mark.parametrize("version", VERSIONS)
def test_a_record_that_was_begun_counts_as_taken_but_for_its_last_byte(version):
    with connected(version) as (a, b):
        taken = a.send(bytes(10 * RECORD))
        assert taken % RECORD == RECORD - 1
        with pytest.raises(BlockingIOError):
            a.send(b"\0")
        received = b""
        out = 0
        while not out:
            received += receive(b, 65536)
            with suppress(BlockingIOError):
                out = a.send(b"\0")
        while len(received) <= taken:
            received += receive(b, 65536)
        assert (out, received) == (1, bytes(taken + 1))


def test_what_lies_decrypted_in_the_socket_is_received_without_the_kernel_having_more():
    with connected(VERSIONS[1], 65536) as (a, b):
        a.send(bytes(range(256)))
        assert [receive(b, 100) for _ in range(4)] == [
            bytes(range(100)), bytes(range(100, 200)), bytes(range(200, 256)), b""
        ]  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_a_goodbye_is_one_of_tls_and_what_comes_then_does_not_break_the_connection(version):
    with connected(version, 65536) as (a, b):
        b.send(b"late")
        a.send(b"the last")
        a.shutdown(socket.SHUT_WR)
        assert (b.recv(10), b.recv(10)) == (b"the last", b"")
        b.plain().close()
        while a.recv(10):
            pass
        with pytest.raises(OSError, match=r"."):
            a.send(b"x")


def test_an_end_without_a_goodbye_is_an_error():
    with connected(VERSIONS[1], 65536) as (a, b):
        b.plain().close()
        with pytest.raises(OSError, match=r"EOF|reset"):
            a.recv(10)


@pytest.mark.parametrize("version", VERSIONS)
async def test_frames_past_the_stream_and_through_it_come_whole_to_a_slow_reader(version):
    frames = [random.Random(n).randbytes(400_000) for n in range(6)]
    expected = b"".join(frame + b"pong" for frame in frames)
    with connected(version) as (a, b):
        readiness = Readiness()
        wire = WireStream(a, readiness)
        received = b""

        async def write() -> None:
            for frame in frames:
                await wire.flush()
                try:
                    taken = wire.socket.send(frame)
                except BlockingIOError:
                    taken = 0
                if taken < len(frame):
                    wire.hold(memoryview(frame)[taken:])
                await wire.send_all(b"pong")

        with trio.fail_after(50):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(write)
                while len(received) < len(expected):
                    received += receive(b, 7001)
                    await trio.lowlevel.checkpoint()
        assert received == expected
