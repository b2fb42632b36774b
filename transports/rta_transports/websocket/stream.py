"""One accepted TCP connection, as a Trio stream that several parties can share.

HTTP and WebSocket libraries read and write it as an ordinary stream; bytes that were read to find out which of
them is wanted are given back first. Data frames go past the libraries straight to the socket, which works because
everybody keeps to whole frames: a writer that was cut short leaves the rest here, and the next one sends it first.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import trio

from rta_transports.websocket.readiness import Readiness
from rta_transports.websocket.tls_socket import TlsClient

__all__ = ["WireStream"]

_CHUNK = 64 << 10
_DISCARD = 32 << 20  # bytes read and thrown away at most while waiting for the peer to hang up


class WireStream(trio.abc.HalfCloseableStream):
    """A non-blocking stream socket. Sending may be interleaved by frames; receiving is for one task."""

    def __init__(self, sock: socket.socket, readiness: Readiness) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.tls: TlsClient | None = None
        """What is known by the handshake; None: the connection is not encrypted, or not yet."""
        self._readiness = readiness
        self.blocked: Callable[[], None] = lambda: None
        """Called when a `send_all` has to wait: nobody may write to the socket past us then."""
        self.closed = trio.Event()
        self.heard = self.moved = trio.current_time()
        self._unread = b""
        self._unsent = 0
        self._rest: memoryview | None = None
        self._lock = trio.Lock()
        self._receiving = False
        self._quiet = trio.Event()
        self._hanging_up = False
        self._sent_eof = False

    @cached_property
    def client(self) -> tuple[str, int] | None:
        """Address and port at the other end; None: it has gone."""
        return _address(self.socket.getpeername)

    @cached_property
    def server(self) -> tuple[str, int] | None:
        """Our own."""
        return _address(self.socket.getsockname)

    # ---- sending

    @property
    def free(self) -> bool:
        """Nothing is waiting to be written, and nobody is writing."""
        return self._rest is None and not self._lock.locked() and not self.closed.is_set()

    def hold(self, rest: memoryview) -> None:
        """What the socket did not take of a frame that was written past us."""
        self._rest = rest
        self.moved = trio.current_time()

    async def flush(self) -> None:
        """Wait until the connection is free."""
        async with self._lock:
            self._check_open()
            await self._write([])

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.send_parts([data])

    async def send_parts(self, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        """As `send_all`, one behind the other, without copying them into one."""
        async with self._lock:
            await self._write([memoryview(part) for part in parts if part])

    def send_now(self, parts: list[memoryview]) -> list[memoryview]:
        """Send what the socket takes at once; what is left. Not a checkpoint.

        :raises BrokenResourceError: the peer has gone.
        """
        if not self.free or self._sent_eof:
            return parts
        try:
            taken = self.socket.sendmsg(parts)
        except BlockingIOError:
            return parts
        except OSError as e:
            raise trio.BrokenResourceError(f"sending: {e}") from e
        self.moved = trio.current_time()
        return _behind(parts, taken)

    async def wait_send_all_might_not_block(self) -> None:
        async with self._lock:
            self._check_sendable()
            await trio.lowlevel.wait_writable(self.socket)

    async def _write(self, parts: list[memoryview]) -> None:
        """The rest first, then the parts. Between the last look at the rest and the first byte of those is no
        checkpoint, so that no frame can get in between."""
        self._check_sendable()
        began = False
        while self._rest is not None or parts:
            self._check_open()
            try:
                taken = self.socket.sendmsg(parts) if self._rest is None else self.socket.send(self._rest)
            except BlockingIOError:
                if not began:
                    began = True
                    self.moved = max(self.moved, trio.current_time()) if self._rest is None else self.moved
                    self.blocked()
                await trio.lowlevel.wait_writable(self.socket)
                continue
            except OSError as e:
                raise trio.BrokenResourceError(f"sending: {e}") from e
            self.moved = trio.current_time()
            if self._rest is None:
                parts = _behind(parts, taken)
                if parts and not began:
                    began = True
                    self.blocked()
            else:
                self._rest = self._rest[taken:] or None

    def bound_unsent(self, size: int) -> None:
        """Have the kernel hold few bytes that it has not sent yet, so that a client is seen to take them; 0: many."""
        if size != self._unsent and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            self._unsent = size
            try:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, size)
            except OSError:
                pass  # the peer has gone already

    # ---- receiving

    def unread(self, data: bytes) -> None:
        """Give bytes back, to be received again first."""
        self._unread = data + self._unread

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if max_bytes is not None and max_bytes < 1:
            raise ValueError("max_bytes must be at least 1")
        if self._hanging_up:
            raise trio.ClosedResourceError("the connection is being closed")
        return await self._receive(max_bytes)

    async def until_readable(self) -> None:
        """Until the socket has something to read, or its end. For one task, as receiving is.

        :raises ClosedResourceError: it was closed.
        """
        await self._readiness.wait(self.socket)
        self._check_open()

    async def _receive(self, max_bytes: int | None, *, last: bool = False) -> bytes:
        """`last`: nobody else is to receive any more."""
        if self._receiving:
            raise trio.BusyResourceError("another task is receiving")
        self._receiving = True
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
            self._check_open()
            if self._unread:
                n = max_bytes or len(self._unread)
                data, self._unread = self._unread[:n], self._unread[n:]
                await trio.lowlevel.cancel_shielded_checkpoint()
                return data
            waited = False
            while True:
                try:
                    data = self.socket.recv(max_bytes or _CHUNK)
                except BlockingIOError:
                    await self.until_readable()
                    waited = True
                    if self._hanging_up and not last:
                        raise trio.ClosedResourceError("the connection is being closed") from None
                    continue
                except OSError as e:
                    raise trio.BrokenResourceError(f"receiving: {e}") from e
                self.heard = trio.current_time()
                if not waited:
                    await trio.lowlevel.cancel_shielded_checkpoint()
                return data
        finally:
            self._receiving = False
            if self._hanging_up:
                self._quiet.set()

    # ---- ending

    def _check_open(self) -> None:
        if self.closed.is_set():
            raise trio.ClosedResourceError("the connection was closed")

    def _check_sendable(self) -> None:
        self._check_open()
        if self._sent_eof:
            raise trio.ClosedResourceError("nothing can be sent after the end")

    async def send_eof(self) -> None:
        async with self._lock:
            self._check_open()
            self._shut_down()

    def _shut_down(self) -> None:
        self._sent_eof = True
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as e:
            if e.errno != errno.ENOTCONN:
                raise trio.BrokenResourceError(f"shutting down: {e}") from e

    async def hang_up(self, timeout: float) -> None:
        """Say that we are done, then wait for the peer to hang up, so that the last bytes are not lost to a reset.

        Whoever comes second waits with the first.
        """
        if self._hanging_up:
            await self.closed.wait()
            return
        self._hanging_up = True
        discarded = 0
        try:
            with trio.move_on_after(timeout):
                await self.send_eof()
                self._readiness.release(self.socket)  # whoever is receiving is not to wait any longer
                if self._receiving:
                    await self._quiet.wait()
                while discarded < _DISCARD:
                    data = await self._receive(_CHUNK, last=True)
                    if not data:
                        break
                    discarded += len(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self.close()

    def abort(self) -> None:
        """Close at once and let the peer's kernel know, throwing away what was not sent."""
        if not self.closed.is_set():
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass  # the peer has gone already
            self.close()

    def close(self) -> None:
        """Close without waiting; idempotent."""
        if not self.closed.is_set():
            self.closed.set()
            self._rest = None
            self._readiness.release(self.socket)
            self.socket.close()

    async def aclose(self) -> None:
        self.close()
        await trio.lowlevel.checkpoint()


def _address(ask: Callable[[], Any]) -> tuple[str, int] | None:
    try:
        host, port = ask()[:2]
    except OSError:
        return None
    return host, port


def _behind(parts: list[memoryview], taken: int) -> list[memoryview]:
    """What is left of parts when so many bytes are gone."""
    for i, part in enumerate(parts):
        if taken < len(part):
            return [part[taken:], *parts[i + 1 :]]
        taken -= len(part)
    return []
