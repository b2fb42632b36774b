"""The TLS handshake with a client. It is work for the processor, so that few of them have a turn at the same time."""

from __future__ import annotations

import socket
import ssl

import trio

from rta.network_errors import network_reason
from rta_transports.websocket.stream import WireStream
from rta_transports.websocket.tls_socket import TlsClient, TlsSocket

__all__ = ["HandshakeFailed", "encrypted", "shake_hands"]


class HandshakeFailed(Exception):
    """The connection is without TLS from now on, so that the client can be told why, and be waited for."""

    def __init__(self, why: str, is_http: bool) -> None:
        """`is_http`: the client speaks HTTP instead."""
        super().__init__(why)
        self.is_http = is_http


def encrypted(sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Over an accepted socket, which is used up; the handshake is still to come.

    :raises OSError: the client has gone.
    """
    sock.setblocking(False)
    try:
        return context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False)
    except OSError:
        sock.close()
        raise


async def shake_hands(wire: WireStream, turns: trio.Semaphore) -> None:
    """As the server, over a `TlsSocket`. Each step waits for a turn.

    :raises HandshakeFailed: the client does not speak TLS, or not as we want it.
    :raises ClosedResourceError: the connection was closed.
    """
    sock = wire.socket
    assert isinstance(sock, TlsSocket)
    await wire.until_readable()  # the client speaks first
    try:
        while (wait := await _step(sock, wire, turns)) is not None:
            if wait == "read":
                await wire.until_readable()
            else:
                await trio.lowlevel.wait_writable(sock)
        wire.tls = TlsClient.of(sock)
    except ValueError as e:
        why, is_http = f"the client's certificate cannot be read: {e}", False
    except OSError as e:
        is_http = isinstance(e, ssl.SSLError) and e.reason == "HTTP_REQUEST"
        why = "this port speaks TLS: use https:// or wss://" if is_http else network_reason(e)
    else:
        return
    wire.socket = sock.plain()
    raise HandshakeFailed(why, is_http)


async def _step(sock: TlsSocket, wire: WireStream, turns: trio.Semaphore) -> str | None:
    """What to wait for; None: for nothing any more."""
    async with turns:
        await trio.lowlevel.checkpoint()
        if wire.closed.is_set():
            raise trio.ClosedResourceError("the connection was closed")
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            return "read"
        except ssl.SSLWantWriteError:
            return "write"
    return None
