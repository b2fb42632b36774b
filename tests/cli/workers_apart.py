"""Tells the workers behind one port apart: which process has the other end of a connection, by what Linux shows."""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path
from typing import Any

from asking import Answer, Stream, ask_over, connect, upgraded

__all__ = ["Line", "lines_to_each"]

_MOST = 200  # connections that are made until there is one to each worker


class Line:
    """A connection to one worker, which stays."""

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._connection = connect(address, tls)
        self.ask("/health")  # it has been accepted now
        assert self._socket is not None
        self.worker = _process_behind(self._socket)

    @property
    def _socket(self) -> socket.socket | None:
        return self._connection.sock

    def ask(self, path: str, token: str | None = None, **more: Any) -> Answer:
        """One more request."""
        return ask_over(self._connection, path, token, **more)

    def stream(self, identity: str, *protocols: str, **more: Any) -> Stream:
        """It becomes a WebSocket, and is none of ours any more."""
        sock, self._connection.sock = self._connection.sock, None
        assert sock is not None, "the service has closed it"
        return upgraded(sock, self._address, identity, *protocols, **more)

    def certificate(self) -> bytes:
        """What the worker has shown, in DER."""
        assert isinstance(self._socket, ssl.SSLSocket)
        return self._socket.getpeercert(True) or b""

    def close(self) -> None:
        self._connection.close()


def lines_to_each(address: tuple[str, int], count: int, tls: ssl.SSLContext | None = None) -> list[Line]:
    """A new line to each of so many workers, in the order of their process ids. The kernel spreads connections, so that
    it takes some."""
    found: dict[int, Line] = {}
    for _ in range(_MOST):
        line = Line(address, tls)
        if found.setdefault(line.worker, line) is not line:
            line.close()
        if len(found) == count:
            return [found[worker] for worker in sorted(found)]
    raise AssertionError(f"{_MOST} connections have come to the workers {sorted(found)} alone")


def _process_behind(sock: socket.socket) -> int:
    """The process id of whoever has accepted this connection of 127.0.0.1."""
    local, remote = sock.getsockname()[1], sock.getpeername()[1]
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inode = next(row[9] for row in rows if (_port(row[1]), _port(row[2])) == (remote, local))
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(os.readlink(entry) == f"socket:[{inode}]" for entry in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:
            continue  # it has ended, or is none of ours
    raise AssertionError(f"nobody has the other end of port {local}")


def _port(text: str) -> int:
    return int(text.rpartition(":")[2], 16)
