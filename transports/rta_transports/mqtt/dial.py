"""A connected socket, by Trio: no thread that cannot be stopped, no socket left behind when it is cancelled."""

from __future__ import annotations

import os
import socket
import ssl

import trio

from rta.errors import NotConnectedError

__all__ = ["dial", "reason"]


async def dial(host: str, port: int) -> socket.socket:
    """Non-blocking, without delay for small packets.

    :raises NotConnectedError: nobody answers there.
    """
    try:
        stream = await trio.open_tcp_stream(host, port)
    except OSError as e:
        raise NotConnectedError(f"{host}:{port}: {reason(e)}") from None
    sock = socket.socket(fileno=stream.socket.detach())
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def reason(error: BaseException) -> str:
    """What is behind an error of the network, in words."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif isinstance(error, OSError) and error.errno is None and error.__cause__ is not None:
            error = error.__cause__
        else:
            break
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, OSError) and (error.errno or 0) > 0:
        return os.strerror(error.errno or 0)
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
