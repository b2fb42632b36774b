"""Between paho and the network: what paho takes for its socket.

paho sends every packet by itself and receives it in pieces of a byte or two. Here what it sends is collected, with
the packets that pass it by, and leaves in one go; and it is given whole packets to receive.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress

import trio

__all__ = ["Wire"]

_CHUNK = 1 << 18


class Wire:
    """A socket to paho, a source and a drain of bytes to us."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._parts: list[bytes] = []
        self._rest = memoryview(b"")
        self._queued = 0
        self._packet = b""
        self._at = 0
        self.written = 0
        """Bytes handed to the network so far."""
        self.closed = False

    # ---- what paho uses

    def recv(self, size: int) -> bytes:
        if self._at >= len(self._packet):
            raise BlockingIOError
        data = self._packet[self._at : self._at + size]
        self._at += len(data)
        return data

    def send(self, data: bytes | bytearray) -> int:
        self.leave(bytes(data))
        return len(data)

    def close(self) -> None:
        """paho closes as soon as it has said goodbye, which has not left by then; see `shut`."""

    def fileno(self) -> int:
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    # ---- what we use

    def offer(self, packet: bytes) -> None:
        """What paho is to receive next."""
        self._packet, self._at = packet, 0

    @property
    def offered(self) -> bool:
        """Whether some of it has not been received yet."""
        return self._at < len(self._packet)

    def leave(self, packet: bytes) -> int:
        """Put it in the way of the network; how many bytes have ever been put there."""
        self._parts.append(packet)
        self._queued += len(packet)
        return self._queued

    @property
    def waiting(self) -> bool:
        """Whether there is something to write."""
        return self.written < self._queued

    def write(self) -> bool:
        """Hand over what the network takes; whether that was everything.

        :raises OSError: the connection is gone.
        """
        while self.waiting:
            if not self._rest:
                self._rest = memoryview(b"".join(self._parts))
                self._parts.clear()
            try:
                n = self._sock.send(self._rest)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return False
            self._rest = self._rest[n:]
            self.written += n
        return True

    async def read(self) -> bytes:
        """What has come; nothing: it is over.

        :raises OSError: the connection is gone.
        """
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            await trio.lowlevel.checkpoint()
        else:
            await trio.lowlevel.wait_readable(self._sock)
        while True:
            try:
                return self._sock.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                await trio.lowlevel.wait_readable(self._sock)
            except ssl.SSLWantWriteError:  # keys are changed while we are sending, which waits already
                await trio.sleep(0.01)

    async def writable(self) -> None:
        await trio.lowlevel.wait_writable(self._sock)

    def shut(self) -> None:
        """Close it for good. Idempotent."""
        if not self.closed:
            self.closed = True
            trio.lowlevel.notify_closing(self._sock)
            with suppress(OSError):
                self._sock.close()
