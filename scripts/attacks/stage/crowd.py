"""Many connections to a service, by non-blocking sockets, from many addresses of this machine."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable

__all__ = ["UPGRADE", "UPGRADE_SLEEPING", "Crowd"]

_ADDRESSES = 100
_AT_ONCE = 200

UPGRADE = (
    b"GET /rta/v2/sessions/bench-1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: mat.ocs.rta.stream-lz4\r\n\r\n"
)
"""A request to stream the session of the honest client."""
UPGRADE_SLEEPING = UPGRADE.replace(b"bench-1", b"bench-2")
"""A request to stream a session in which nothing comes."""


class Crowd:
    """Connections that are open until the peer closes them, or we do."""

    def __init__(self, port: int, *, reads: bool = True) -> None:
        """Without `reads` it only notices who has been hung up on."""
        self._port = port
        self._wanted = select.EPOLLIN if reads else 0
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self.received = 0
        """Bytes, thrown away."""
        self.ended = 0
        """How many the service has ended."""
        self.first = b""
        """The beginning of what was received first."""

    def __len__(self) -> int:
        return len(self._sockets)

    def join(self, count: int, first: bytes = b"") -> None:
        """So many more, each of which sends this at once."""
        for i in range(count):
            sock = socket.socket()
            sock.bind((f"127.0.1.{i % _ADDRESSES + 1}", 0))
            sock.settimeout(10)
            try:
                sock.connect(("127.0.0.1", self._port))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setblocking(False)
                if first:
                    sock.send(first)
            except OSError:
                self.ended += 1
                sock.close()
                continue
            self._sockets[sock.fileno()] = sock
            self._poll.register(sock.fileno(), self._wanted)
            if i % _AT_ONCE == _AT_ONCE - 1:
                self.listen(0.02)

    def send(self, data: bytes) -> None:
        """The same to all; what does not fit is left out."""
        for sock in list(self._sockets.values()):
            try:
                sock.send(data)
            except BlockingIOError:
                continue
            except OSError:
                self._lose(sock)

    def listen(self, seconds: float) -> None:
        """Take what comes for so long, and notice who has been hung up on."""
        until = time.monotonic() + seconds
        while True:
            ready = self._poll.poll(max(0.0, until - time.monotonic()))
            for number, _ in ready:
                if self._wanted:
                    self._receive(self._sockets[number])
                else:
                    self._lose(self._sockets[number])
            if time.monotonic() >= until:
                return

    def _receive(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose(sock)
        elif not self.received:
            self.first = data[:200]
        self.received += len(data)

    def _lose(self, sock: socket.socket) -> None:
        self.ended += 1
        self._leave([sock])

    def leave(self) -> None:
        """All at once."""
        self._leave(list(self._sockets.values()))

    def _leave(self, sockets: Iterable[socket.socket]) -> None:
        for sock in sockets:
            del self._sockets[sock.fileno()]
            sock.close()
