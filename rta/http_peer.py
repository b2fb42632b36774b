"""Another HTTP server, over TCP, TLS or a local socket: requests to it, whose answers stream. One request a connection.

Knows nothing of what is asked for.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import h11
import trio
from attrs import frozen

from rta.client.base_url import check_base_url
from rta.errors import NotConnectedError
from rta.network_errors import network_reason

__all__ = ["HttpPeer", "PeerAnswer", "PeerLate", "PeerPatience", "end_to_end"]

Headers = list[tuple[bytes, bytes]]

_OF_A_CONNECTION = frozenset(
    (b"connection", b"expect", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade")
)  # fmt: skip
_LONGEST_HEAD = 256 << 10  # bytes
_PIECE = 256 << 10  # bytes that are received at once


class PeerLate(NotConnectedError):
    """It does not answer in time."""


@frozen
class PeerPatience:
    """Seconds."""

    connect: float = 5.0
    head: float = 30.0
    """From the request to the head of its answer."""
    piece: float = 60.0
    """For the next bytes of a body."""


class PeerAnswer:
    """An answer, whose head has come."""

    def __init__(self, exchange: _Exchange, head: h11.Response) -> None:
        self.status = head.status_code
        self.headers: Headers = end_to_end(head.headers)
        self.trailers: Headers = []
        """What came behind the body, once it has ended."""
        self._exchange = exchange

    async def next(self) -> bytes:
        """The next bytes of the body; none: it has ended.

        :raises NotConnectedError: it breaks off.
        """
        event = await self._exchange.event()
        if isinstance(event, h11.EndOfMessage):
            self.trailers = end_to_end(event.headers)
            return b""
        return bytes(event.data)

    async def body(self, most: int) -> bytes:
        """All of the rest.

        :raises NotConnectedError: it breaks off, or is longer than `most` bytes.
        """
        whole = bytearray()
        while piece := await self.next():
            whole += piece
            if len(whole) > most:
                raise NotConnectedError(f"{self._exchange.name} answers with more than {most} bytes")
        return bytes(whole)


class HttpPeer:
    """Where to ask."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], Awaitable[trio.abc.Stream]],
        host: str | None = None,
        base: str = "",
        patience: PeerPatience | None = None,
    ) -> None:
        """`name`: for errors. `host`: what it is called in requests; None: as the request says. `base`: what its paths
        begin with."""
        self.name = name
        self._connect = connect
        self._host = host
        self._base = base.encode()
        self._patience = patience or PeerPatience()

    @classmethod
    def at_url(cls, url: str, patience: PeerPatience | None = None) -> Self:
        """:raises RtaError: it is no base URL."""
        check_base_url(url)
        parts = urlsplit(url)
        return cls(url.rstrip("/"), partial(_open_tcp, url), parts.netloc, parts.path.rstrip("/"), patience)

    @classmethod
    def at_socket(cls, path: Path, name: str, patience: PeerPatience | None = None) -> Self:
        """The server that listens at a path of this machine."""
        return cls(name, partial(trio.open_unix_socket, path), None, "", patience)

    @asynccontextmanager
    async def request(
        self, method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b""
    ) -> AsyncIterator[PeerAnswer]:
        """Ask, and have the answer while the block lasts: behind it, what has not come is not sent any more.

        :raises PeerLate: there is no connection, or no head of an answer, in time.
        :raises NotConnectedError: there is none at all. What was asked may have been done.
        """
        stream = await self._open()
        try:
            exchange = _Exchange(self.name, stream, self._patience.piece)
            with _patient(f"{self.name} does not answer", self._patience.head):
                head = await exchange.ask(method, self._base + target, self._of_request(headers, body), body)
            yield PeerAnswer(exchange, head)
        finally:
            await trio.aclose_forcefully(stream)

    async def _open(self) -> trio.abc.Stream:
        try:
            with _patient(f"{self.name} cannot be reached", self._patience.connect):
                return await self._connect()
        except OSError as e:
            raise NotConnectedError(f"{self.name} cannot be reached: {network_reason(e)}") from None

    def _of_request(self, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Headers:
        kept = [(name, value) for name, value in end_to_end(headers) if name != b"content-length"]
        if self._host is not None:
            kept = [(name, value) for name, value in kept if name != b"host"]
        if not any(name == b"host" for name, _ in kept):
            kept.append((b"host", (self._host or "").encode()))
        return [*kept, (b"content-length", b"%d" % len(body)), (b"connection", b"close")]


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers that are not of one connection alone. RFC 9110, 7.6.1."""
    given = [(name.lower(), value) for name, value in headers]
    named = {token.strip().lower() for name, value in given if name == b"connection" for token in value.split(b",")}
    return [(name, value) for name, value in given if name not in _OF_A_CONNECTION and name not in named]


class _Exchange:
    """A request and its answer."""

    def __init__(self, name: str, stream: trio.abc.Stream, patience: float) -> None:
        self.name = name
        self._stream = stream
        self._patience = patience
        self._http = h11.Connection(h11.CLIENT, _LONGEST_HEAD)

    async def ask(self, method: str, target: bytes, headers: Headers, body: bytes) -> h11.Response:
        data = self._http.send(h11.Request(method=method, target=target, headers=headers)) or b""
        data += self._http.send(h11.Data(data=body)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        with suppress(trio.BrokenResourceError):  # it may have answered already
            await self._stream.send_all(data)
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event

    async def event(self) -> h11.Data | h11.EndOfMessage:
        with _patient(f"{self.name} does not go on with its answer", self._patience):
            while True:
                event = await self._next()
                if isinstance(event, h11.Data | h11.EndOfMessage):
                    return event

    async def _next(self) -> h11.Event:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(bytes(await self._stream.receive_some(_PIECE)))
        except (trio.BrokenResourceError, h11.RemoteProtocolError) as e:
            raise NotConnectedError(f"{self.name} does not answer to the end: {e}") from None
        if not isinstance(event, h11.Event):  # it has hung up
            raise NotConnectedError(f"{self.name} does not answer")
        return event


@contextmanager
def _patient(what: str, seconds: float) -> Iterator[None]:
    try:
        with trio.fail_after(seconds):
            yield
    except trio.TooSlowError:
        raise PeerLate(f"{what} within {seconds:g} s") from None


async def _open_tcp(url: str) -> trio.abc.Stream:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return await trio.open_tcp_stream(host, parts.port or 80)
    context = ssl.create_default_context()
    return await trio.open_ssl_over_tcp_stream(host, parts.port or 443, ssl_context=context, https_compatible=True)
