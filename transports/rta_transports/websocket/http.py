"""One HTTP/1.1 request and its answer, by h11 and an ASGI application, within bounds of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import h11
import structlog
import trio

from rta.ports import AsgiApp, Reporter
from rta_transports.websocket.admission import AskedFor, unquoted
from rta_transports.websocket.head import RequestHead
from rta_transports.websocket.options import EdgeOptions
from rta_transports.websocket.patience import Patience
from rta_transports.websocket.stream import WireStream
from rta_transports.websocket.turns import Turns
from rta_transports.websocket.whole_answer import head_of_whole

__all__ = ["HttpServer", "raw_response"]

log = structlog.get_logger("rta.http")

_PIECE = 32 << 10  # bytes that are received, or are to be taken, within one wait
_LARGEST = 2 << 20  # bytes that are to be taken within one wait by a client that has taken all before at once
_SOON = 0.1  # seconds: so long "at once" is
_SHORT = 16 << 10  # bytes of a body that is copied behind its head: over TLS, both have one record
_AT_ONCE = 64  # parts of a body that are read without a checkpoint: each may be a chunk of one byte

_OF_BODIES = (b"content-length", b"transfer-encoding")

Message = dict[str, Any]


def raw_response(status: str, text: str) -> bytes:
    """An answer for connections that no library gets."""
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


class _ClientGone(OSError):
    """What an application is told when it sends to a client that is gone, as ASGI wants it."""


class HttpServer:
    """Runs an ASGI application on connections, one request at a time."""

    def __init__(self, app: AsgiApp, options: EdgeOptions, report: Reporter, turns: Turns) -> None:
        """`turns`: each request waits for one, and each refusal."""
        self._app = app
        self._options = options
        self._report = report
        self._turns = turns
        self.stopping = False
        """From now on each answer is the last one of its connection."""

    async def answer(
        self, wire: WireStream, head: RequestHead, asked: AskedFor | None = None, *, last: bool = False
    ) -> bool:
        """Answer a request. Whether another one may follow on this connection; otherwise it is still to be hung up.

        `asked`: what the client has asked for, where that is known. `last`: none may.
        """
        exchange = _Exchange(wire, head, self._options, lambda: last or self.stopping)
        await self._turns.next()
        try:
            scope = exchange.begin()
        except h11.RemoteProtocolError as e:
            exchange.refuse(e.error_status_hint, unquoted(e), "head")
        else:
            if asked is not None:
                asked.put_into(scope)
            await self._run(exchange, scope)
        if exchange.given_up:
            self._report.count("rta_connections_refused_total", reason=exchange.given_up)
        if exchange.refused:
            await self._turns.next()
        return await exchange.end()

    async def _run(self, exchange: _Exchange, scope: Message) -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as e:
            if not exchange.gone:
                log.error("the application failed", path=scope["path"], exc_info=e)
        if not exchange.answered and not exchange.gone:
            exchange.refuse(500, "the server failed", "broken_off" if exchange.begun else "fault")


class _Exchange:
    """What the application is given to receive and to send."""

    def __init__(self, wire: WireStream, head: RequestHead, options: EdgeOptions, is_last: Callable[[], bool]) -> None:
        self._wire = wire
        self._head = head
        self._is_last = is_last
        self._http = h11.Connection(h11.SERVER, options.max_head)
        self._taking = Patience(
            grace=options.handshake_timeout,
            rate=options.least_rate,
            once=options.stall_timeout,
            in_all=options.body_timeout,
        )
        self._piece = _PIECE
        self._giving = Patience(grace=options.stall_timeout, rate=options.least_rate, once=options.stall_timeout)
        self._most_ahead = options.max_head
        self._ahead = bytearray()
        self._read = self._told = False
        self._start: Message | None = None
        self._begun = self._bodiless = self._trailing = False
        self._goes_on = False
        self._kept: bool | None = None
        self._refusal: bytes | None = None
        self.given_up = ""
        """Why the client is not served to the end."""
        self.answered = False
        """The whole answer was sent."""
        self.gone = False
        """The application can receive and send no more."""

    # ---- the request

    def begin(self) -> Message:
        """Read the head; the ASGI scope.

        :raises h11.RemoteProtocolError: it is malformed.
        """
        self._http.receive_data(self._head.raw)
        request = self._http.next_event()
        assert isinstance(request, h11.Request)  # since the head is whole
        headers = list(request.headers)
        self._read = not any(name in _OF_BODIES for name, _ in headers)
        self._goes_on = request.http_version == b"1.1" and "close" not in map(
            str.lower, self._head.tokens("connection")
        )
        path, _, query = request.target.partition(b"?")
        extensions: Message = {"http.response.trailers": {}} if request.http_version == b"1.1" else {}
        if self._wire.tls is not None:
            extensions["tls"] = self._wire.tls.extension
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": request.http_version.decode(),
            "method": request.method.decode(),
            "scheme": "http" if self._wire.tls is None else "https",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": headers,
            "client": self._wire.client,
            "server": self._wire.server,
            "extensions": extensions,
        }

    async def receive(self) -> Message:
        """The next part of the body; behind it, that the client is gone, once it is."""
        if self._told:
            await self._until_gone()
        while not self.gone:
            body = await self._parse()
            self._told = self._read
            if body or self._read:
                return {"type": "http.request", "body": body, "more_body": not self._read}
            await self._feed()
        return {"type": "http.disconnect"}

    async def _parse(self) -> bytes:
        """What of the body has been received and not been read."""
        parts: list[bytes] = []
        while not self._read:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as e:
                self.refuse(e.error_status_hint, unquoted(e), "body")
                break
            if event is h11.NEED_DATA:
                break
            if isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            self._read = isinstance(event, h11.EndOfMessage)
            if len(parts) % _AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        return b"".join(parts)

    async def _feed(self) -> None:
        """Receive more of the body, unless it is malformed."""
        if self._refusal is not None:
            return
        if self._http.they_are_waiting_for_100_continue:
            await self._write([self._http.send(h11.InformationalResponse(status_code=100, headers=[]))])
        data = b""
        try:
            with self._taking.limit() as scope:
                data = await self._wire.receive_some(_PIECE)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        self._taking.add(len(data))
        if data:
            self._http.receive_data(data)
        elif scope.cancelled_caught:
            self.refuse(408, "the body of the request does not come", "body")
        else:
            self.gone = True

    async def _until_gone(self) -> None:
        """What comes meanwhile belongs to the next request."""
        try:
            while not self.gone and len(self._ahead) < self._most_ahead:
                data = await self._wire.receive_some(_PIECE)
                self._ahead += data
                self.gone = not data
            if len(self._ahead) >= self._most_ahead:
                await self._wire.closed.wait()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        self.gone = True

    # ---- the answer

    async def send(self, message: Message) -> None:
        """A part of the answer; waits for a client that is slow.

        :raises OSError: the client is gone, or takes nothing for too long.
        """
        if message["type"] == "http.response.start":
            self._start = message
            self._trailing = message.get("trailers", False)
        elif message["type"] in ("http.response.body", "http.response.trailers"):
            more = message.get("more_body", False) or (self._trailing and message["type"] == "http.response.body")
            parts = [] if more else self._whole_answer(message.get("body", b""))
            if not parts:
                parts = self._head_of_answer()
                if (body := message.get("body", b"")) and not self._bodiless:
                    parts += self._http.send_with_data_passthrough(h11.Data(data=body)) or ()
                if not more:
                    trailers = [] if self._bodiless else message.get("headers", ())
                    parts += self._http.send_with_data_passthrough(h11.EndOfMessage(headers=trailers)) or ()
            self._begun = True
            await self._write(parts, last=not more)
            self.answered = not more

    def _whole_answer(self, body: bytes) -> list[bytes]:
        """Head and body of an answer that is sent in one piece; nothing if h11 is to write it."""
        if self._start is None or self._has_no_body(self._start["status"]):
            return []
        kept = self._read and self._goes_on and not self._is_last()
        head = head_of_whole(self._start["status"], _headers_of(self._start), len(body), kept)
        if head is None:
            return []
        self._start, self._kept = None, kept
        return [head + body] if len(body) <= _SHORT else [head, body]

    def _head_of_answer(self) -> list[bytes]:
        if self._start is None:
            return []
        status, headers = self._start["status"], _headers_of(self._start)
        self._start = None
        if self._is_last() or not self._read:
            headers.append((b"connection", b"close"))
        self._bodiless = self._has_no_body(status)
        return [self._http.send(h11.Response(status_code=status, headers=headers))]

    def _has_no_body(self, status: int) -> bool:
        return self._head.method == "HEAD" or status in (204, 304)

    async def _write(self, parts: Iterable[bytes | memoryview], last: bool = False) -> None:
        """`last`: nothing follows. What the kernel takes of its beginning at once goes without a checkpoint, since
        there was one since the last answer."""
        left = [memoryview(part) for part in parts if part]
        while left:
            if self.gone:
                raise _ClientGone("the client is gone")
            piece, left = _split(left, self._piece)
            self._wire.bound_unsent(self._piece)
            size = sum(map(len, piece))
            try:
                piece, last = self._wire.send_now(piece) if last else piece, False
                if piece:
                    await self._give(piece)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as e:
                self.gone = True
                raise _ClientGone(str(e)) from None
            self._giving.add(size)

    async def _give(self, piece: list[memoryview]) -> None:
        began = trio.current_time()
        with self._giving.limit() as scope:
            await self._wire.send_parts(piece)
        fast = trio.current_time() - began < _SOON
        self._piece = min(2 * self._piece, _LARGEST) if fast else _PIECE
        if scope.cancelled_caught:
            self._wire.abort()
            self.given_up = "stalled"
            self.gone = True
            raise _ClientGone("the client takes nothing")

    # ---- the end

    def refuse(self, status: int, text: str, reason: str) -> None:
        """Answer this, unless an answer has begun; the application can do no more. `reason`: for the metric."""
        if self._refusal is None:
            self.given_up = reason
            self._refusal = raw_response(f"{status} {HTTPStatus(status).phrase}", text)
        self.gone = True

    @property
    def begun(self) -> bool:
        """Whether some of the answer has been sent."""
        return self._begun

    @property
    def refused(self) -> bool:
        """Whether the answer is a refusal, which is still to be sent."""
        return self._refusal is not None and not self._begun

    async def end(self) -> bool:
        """Whether another request may follow."""
        if self._refusal is not None and not self._begun:
            with self._giving.limit():
                await self._wire.send_all(self._refusal)
            return False
        if not self.answered:
            self._wire.abort()
            return False
        if self._kept is None:
            if self._read and self._http.their_state is h11.SEND_BODY:
                self._http.next_event()  # the end of a request without a body
            self._kept = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if not self._kept:
            return False
        self._wire.unread(self._http.trailing_data[0] + self._ahead)
        return True


def _split(parts: list[memoryview], size: int) -> tuple[list[memoryview], list[memoryview]]:
    """So many bytes, and those behind them."""
    for i, part in enumerate(parts):
        if size < len(part):
            return [*parts[:i], part[:size]], [part[size:], *parts[i + 1 :]]
        size -= len(part)
    return parts, []


def _headers_of(start: Message) -> list[tuple[bytes, bytes]]:
    headers = [(bytes(name), bytes(value)) for name, value in start.get("headers", ())]
    headers.append((b"date", _date(int(time.time()))))
    return headers


@lru_cache(maxsize=1)
def _date(seconds: int) -> bytes:
    return formatdate(seconds, usegmt=True).encode()
