"""The TLS handshake with a broker, driven by Trio."""

from __future__ import annotations

import socket
import ssl

import trio

__all__ = ["encrypted"]


async def encrypted(sock: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """Over a connected, non-blocking socket, which is used up.

    :raises OSError: the handshake failed.
    """
    wrapped = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    try:
        while True:
            try:
                wrapped.do_handshake()
            except ssl.SSLWantReadError:
                await trio.lowlevel.wait_readable(wrapped)
            except ssl.SSLWantWriteError:
                await trio.lowlevel.wait_writable(wrapped)
            else:
                return wrapped
    except BaseException:
        wrapped.close()
        raise
