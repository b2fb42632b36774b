"""The data of sessions over REST: chunks as they come, read no faster than they are used."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, parse_headers
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

import trio

from rta.client.base_url import check_base_url
from rta.client.credentials import Credentials, ask_signed_in, why_refused
from rta.errors import FlushPointError, MalformedError, NotConnectedError, RtaError, UnreadableError
from rta.network_errors import network_reason
from rta.wire.chunks import Chunk, ChunkParser, DataKind
from rta.wire.json_text import SESSION_LIMITS, parse_json

__all__ = ["DataAnswer", "open_data"]

T = TypeVar("T")

_PIECE = 1 << 20  # bytes that are read at once
_ERROR = 64 << 10  # bytes of a problem document
_TRIES = 10  # while there are too many answers at once
_PAUSE = 5.0  # seconds between them, unless the service says how long; at most twice as long


class DataAnswer:
    """One answer with data."""

    def __init__(self, line: _Line, response: _Response, kind: DataKind) -> None:
        self.flush_point = response.headers.get("rta-flush-point")
        """The text of the point up to which it holds all that is wanted; None: the service does not say it."""
        self._line = line
        self._response = response
        self._parser = ChunkParser(kind)

    @property
    def damaged(self) -> int:
        """How many chunks the service has left out, as far as it has said: it says all when the answer has ended."""
        return _number(self._response.trailers, "rta-damaged-chunks") or _number(
            self._response.headers, "rta-damaged-chunks"
        )

    async def next(self) -> Sequence[Chunk]:
        """The next chunks; empty: there are no more.

        :raises NotConnectedError: the answer breaks off.
        :raises MalformedError: it is none.
        """
        while True:
            data = await self._line.call(lambda: self._response.read1(_PIECE))
            if not data:
                if self._response.length:  # the library leaves it to us, unless the transfer is chunked
                    raise NotConnectedError(f"{self._line.base} cannot be reached: the answer breaks off")
                self._parser.end()
                return []
            chunks = self._parser.feed(data)
            if chunks:
                return chunks


@asynccontextmanager
async def open_data(
    base: str,
    identity: str,
    kind: DataKind,
    channels: str = "-",
    *,
    start: int | None = None,
    end: int | None = None,
    upto: str | None = None,
    silence: float = 30.0,
    credentials: Credentials | None = None,
) -> AsyncIterator[DataAnswer]:
    """Ask a service at a base URL for data of a session.

    `channels`: as in docs/rest.md, "Data"; means nothing for events. `start`, `end`: ns since the Unix epoch,
    inclusive. `upto`: the text of a flush point. `silence`: seconds without a byte after which it counts as gone.

    :raises NotConnectedError: there is no answer.
    :raises FlushPointError: `upto` is not held any more.
    :raises NotSignedIn: the service wants to know who asks.
    :raises RtaError: the service refuses it; the error has its reason.
    """
    check_base_url(base)
    what = "events" if kind is DataKind.EVENTS else f"{kind.value}/{channels}"
    fields = {"start": start, "end": end, "upto": upto}
    query = urlencode({name: value for name, value in fields.items() if value is not None})
    path = f"/rta/v2/sessions/{quote(identity, safe='')}/data/{what}" + (f"?{query}" if query else "")
    tls = None if credentials is None else credentials.tls
    async with AsyncExitStack() as stack:
        yield await ask_signed_in(
            credentials,
            base,
            lambda headers: stack.enter_async_context(_answered(base, silence, tls, path, headers, kind)),
        )


@asynccontextmanager
async def _answered(
    base: str, silence: float, tls: ssl.SSLContext | None, path: str, headers: dict[str, str], kind: DataKind
) -> AsyncIterator[DataAnswer]:
    for number in range(_TRIES):
        line = _Line(base, silence, tls)
        try:
            response = await line.call(lambda: line.ask(path, headers))  # noqa: B023
            if response.status == 200:
                yield DataAnswer(line, response, kind)
                return
            body = await line.call(lambda: response.read(_ERROR))  # noqa: B023
        finally:
            line.close()
        if response.status != 429 or number + 1 == _TRIES:
            raise _refusal(base, response.status, body)
        after = response.headers.get("retry-after", "")
        await trio.sleep(min(int(after), 2 * _PAUSE) if after.isdecimal() else _PAUSE)


class _Response(HTTPResponse):
    """Keeps what comes behind the body, which `http.client` reads and throws away."""

    trailers = Message()

    def _read_and_discard_trailer(self) -> None:
        self.trailers = parse_headers(self.fp)


def _number(headers: Message, name: str) -> int:
    text = str(headers.get(name, ""))
    return int(text) if text.isdecimal() and len(text) < 20 else 0


class _Line:
    """One connection, for one request."""

    def __init__(self, base: str, silence: float, tls: ssl.SSLContext | None) -> None:
        self.base = base
        self._silence = silence
        parts = urlsplit(base)
        assert parts.hostname is not None
        self._connection: HTTPConnection
        if parts.scheme == "https":
            context = tls or ssl.create_default_context()
            self._connection = HTTPSConnection(parts.hostname, parts.port, timeout=silence, context=context)
        else:
            self._connection = HTTPConnection(parts.hostname, parts.port, timeout=silence)
        self._connection.response_class = _Response
        self._prefix = parts.path.rstrip("/")
        self._socket: socket.socket | None = None
        self._response: _Response | None = None

    def ask(self, path: str, headers: dict[str, str]) -> _Response:
        self._connection.connect()
        self._socket = self._connection.sock
        self._connection.request("GET", self._prefix + path, headers=headers)
        response = self._connection.getresponse()
        assert isinstance(response, _Response)
        self._response = response
        return response

    def close(self) -> None:
        """Also under a thread that waits for what comes, which ends at once."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        if self._response is not None:
            self._response.close()
        self._connection.close()

    async def call(self, work: Callable[[], T]) -> T:
        """Call something that waits for the service, in a thread.

        :raises NotConnectedError: it has gone, or says nothing.
        """
        try:
            return await trio.to_thread.run_sync(work, abandon_on_cancel=True)
        except (OSError, HTTPException, ValueError) as e:
            if isinstance(e, TimeoutError):
                raise NotConnectedError(f"nothing has come from {self.base} for {self._silence:g} s") from None
            why = network_reason(e) if isinstance(e, OSError) else "the answer breaks off"
            raise NotConnectedError(f"{self.base} cannot be reached: {why}") from None


def _refusal(base: str, status: int, body: bytes) -> RtaError:
    if error := why_refused(status, base, body):
        return error
    try:
        document = parse_json(body.decode(), "a problem", SESSION_LIMITS)
    except (MalformedError, UnicodeDecodeError):
        document = None
    said = document.get("detail") if isinstance(document, Mapping) else None
    reason = said if isinstance(said, str) else f"{base} answers {status}"
    if status == 409:
        return FlushPointError(reason)
    if status >= 500:
        return UnreadableError(reason)
    return RtaError(reason)
