"""One connection to a Redis server, read and written by Trio.

The redis package connects: name look-up, TLS, authentication, database, Sentinel. That blocks, so it does so in a
thread. From then on the socket is ours: commands and replies need no thread, a blocking read is cancelled like
anything else in Trio, and a connection whose conversation was broken off is closed, never used again.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import hiredis
import redis
import trio
from redis.connection import AbstractConnection

from rta.errors import NotConnectedError, UnreadableError

__all__ = ["RedisConnection", "Reply", "ServerError", "answer_within", "connect"]

Reply = Any
"""Bytes, integers, None, lists of replies; or a `ServerError` where the server refused."""

_received = bytearray(1 << 18)
"""What a connection has just received, until its reader has it: no checkpoint comes between. A new object for as much
would take as long as two sends, each time."""
_HEADS = re.compile(rb"(?:[*~>%][0-9]+\r?\n?)+")  # lists within lists
_NUMBER = re.compile(rb"[0-9]+")
_DIGITS = 7


class ServerError(Exception):
    """An error reply. `code` is its first word, as in `MOVED 3999 127.0.0.1:6381`."""

    @property
    def code(self) -> str:
        return str(self).split(" ", 1)[0]


class RedisConnection:
    """Commands out, replies in, in order. `where` names the server in messages."""

    def __init__(self, connected: AbstractConnection, where: str) -> None:
        sock = connected._get_socket()  # there is no public way to it
        assert sock is not None, "not connected"
        sock.setblocking(False)
        self._connected = connected
        self._sock = sock
        self._reader = hiredis.Reader(replyError=ServerError)
        self.where = where
        self.broken = False

    def close(self) -> None:
        """Idempotent."""
        if not self.broken:
            self.broken = True
            trio.lowlevel.notify_closing(self._sock)
            with suppress(redis.RedisError, OSError):
                self._connected.disconnect()

    def fileno(self) -> int:
        return self._sock.fileno()

    async def ask(self, *commands: tuple[Any, ...]) -> list[Reply]:
        """Send commands together, await all their replies."""
        await self.send(*commands)
        return [await self.reply() for _ in commands]

    async def send(self, *commands: tuple[Any, ...]) -> None:
        """Commands whose replies are to be fetched with `reply`.

        :raises NotConnectedError: the connection is gone.
        """
        data = b"".join([hiredis.pack_command(c) for c in commands])
        try:
            rest = memoryview(data)
            while rest:
                try:
                    rest = rest[self._sock.send(rest) :]
                except (BlockingIOError, ssl.SSLWantWriteError):
                    await trio.lowlevel.wait_writable(self._sock)
                except ssl.SSLWantReadError:
                    await trio.lowlevel.wait_readable(self._sock)
        except (OSError, trio.ClosedResourceError) as e:
            raise self._gone(e) from None

    async def reply(self) -> Reply:
        """The next reply.

        :raises NotConnectedError: the connection is gone.
        """
        try:
            while (reply := self._reader.gets()) is False:
                await self._receive()
        except (OSError, trio.ClosedResourceError, hiredis.ProtocolError) as e:
            raise self._gone(e) from None
        return reply

    async def _receive(self) -> None:
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            await trio.lowlevel.checkpoint()
        else:  # what has just been asked is never there at once
            await trio.lowlevel.wait_readable(self._sock)
        while True:
            try:
                size = self._sock.recv_into(_received)
            except (BlockingIOError, ssl.SSLWantReadError):
                await trio.lowlevel.wait_readable(self._sock)
            except ssl.SSLWantWriteError:
                await trio.lowlevel.wait_writable(self._sock)
            else:
                break
        if not size:
            raise ConnectionResetError("the server closed the connection")
        if not self._reader.has_data():
            _check_size(memoryview(_received)[:size])
        self._reader.feed(_received, 0, size)  # type: ignore[arg-type]  # its stub knows only bytes

    def _gone(self, error: Exception) -> NotConnectedError:
        return NotConnectedError(f"{self.where}: {error or type(error).__name__}")


def _check_size(data: memoryview) -> None:
    """Of a reply that begins: hiredis makes room for as many items as it announces.

    :raises ProtocolError: no reply to what we ask has so many.
    """
    heads = _HEADS.match(data)
    if heads is not None and any(len(number) > _DIGITS for number in _NUMBER.findall(heads[0])):
        raise hiredis.ProtocolError("it announces more items than there can be")


@contextmanager
def answer_within(seconds: float, where: str) -> Iterator[None]:
    """:raises NotConnectedError: the block has taken longer."""
    try:
        with trio.fail_after(seconds):
            yield
    except trio.TooSlowError:
        raise NotConnectedError(f"{where}: no answer within {seconds:g} s") from None


async def connect(make: Callable[[], AbstractConnection], timeout: float, where: str) -> RedisConnection:
    """A connection that is ready for commands; `timeout` in seconds.

    :raises NotConnectedError: the server cannot be reached, or refuses us.
    """

    def blocking() -> AbstractConnection:
        connection = make()
        try:
            connection.connect()
        except BaseException:
            connection.disconnect()
            raise
        if abandoned:
            connection.disconnect()
        return connection

    abandoned = False
    try:
        with answer_within(timeout, where):
            # Ends on its own: each of its steps has a timeout of the same order.
            connected = await trio.to_thread.run_sync(blocking, abandon_on_cancel=True, limiter=_threads())
    except (redis.RedisError, OSError, UnreadableError) as e:
        said = str(e).rstrip(".")  # others go on behind it
        raise NotConnectedError(f"{where}: {said}") from None
    finally:
        abandoned = True
    return RedisConnection(connected, where)


_LIMITER: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("rta_redis_threads")


def _threads() -> trio.CapacityLimiter:
    """Threads of our own, so that a server that does not answer leaves Trio's default ones to others."""
    try:
        return _LIMITER.get()
    except LookupError:
        limiter = trio.CapacityLimiter(8)
        _LIMITER.set(limiter)
        return limiter
