"""A connected socket, by Trio: no thread that cannot be stopped, no socket left behind when it is cancelled."""

from __future__ import annotations

import socket

import trio

from rta.errors import NotConnectedError
from rta.network_errors import network_reason

__all__ = ["dial"]


async def dial(host: str, port: int) -> socket.socket:
    """Non-blocking, without delay for small packets.

    :raises NotConnectedError: nobody answers there.
    """
    try:
        stream = await trio.open_tcp_stream(host, port)
    except OSError as e:
        raise NotConnectedError(f"{host}:{port}: {network_reason(e)}") from None
    sock = socket.socket(fileno=stream.socket.detach())
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
