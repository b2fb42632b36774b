"""Holding a port for our processes alone, from before they listen until they have ended."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rta.errors import RtaError

__all__ = ["hold_port"]


@contextmanager
def hold_port(host: str, port: int) -> Iterator[int]:
    """Hold a port for processes that share it by `SO_REUSEPORT`, and give its number; port 0 holds a free one.

    :raises RtaError: another program has the port, listening or not, or the host is not an address of this machine.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as e:
        raise RtaError(f"edge.host: {host!r} is no address to listen on: {e.strerror}") from None
    with ExitStack() as held:
        for family, _, _, _, address in found:
            try:
                sock = held.enter_context(_held(socket.AddressFamily(family), (address[0], port, *address[2:])))
            except OSError as e:
                hint = (
                    "; is another rta running? RTA_EDGE__PORT sets another one" if e.errno == errno.EADDRINUSE else ""
                )
                raise RtaError(f"cannot listen on {host}:{port}: {e.strerror}{hint}") from None
            port = sock.getsockname()[1]
        yield port


def _held(family: socket.AddressFamily, address: tuple[object, ...]) -> socket.socket:
    """A socket that is bound and does not listen, so that it gets no connections."""
    with _socket(family) as claim:
        # Two processes can listen at the same time only if both want to share the port. So listening decides between
        # two that start together. SO_REUSEADDR is for connections of an earlier run that are not quite gone.
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claim.bind(address)
        claim.listen()
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held = _socket(family)
        try:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind(claim.getsockname())
            # From here on, only sockets that ask to share the port get it; the claim of another rta does not ask.
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        except OSError:
            held.close()
            raise
    return held


def _socket(family: socket.AddressFamily) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock
