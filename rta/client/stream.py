"""The live stream of one session."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from urllib.parse import quote, urlsplit

import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream

from rta.client.base_url import check_base_url
from rta.client.credentials import Credentials, ask_signed_in, why_refused
from rta.client.heard_stream import HeardStream
from rta.errors import NotConnectedError, UndeliverableError
from rta.network_errors import network_reason
from rta.wire import SizeLimits, read_burst
from rta.wire._pb import stream_pb2
from rta.wire.burst import Burst
from rta.wire.websocket import SUBPROTOCOL

__all__ = ["SILENCE", "LiveStream", "ServiceSilent", "StreamClosed", "open_live_stream"]

SILENCE = 30.0
"""Seconds without a byte from the service after which a stream counts as lost. It is asked for one after half of them:
any WebSocket server has to answer a ping, so nothing has to be known of how often it speaks by itself."""

_MESSAGE = 32 << 20  # bytes of a message
_OPEN = 10.0  # seconds for the server to accept
_CLOSE = 5.0  # seconds for the server to answer a close frame

_Connection = trio.SocketStream | trio.SSLStream[trio.SocketStream]


POINT_LOST, RUN_OVER, SIGNED_OUT = 4002, 4003, 4004
"""Close codes; the first two are of connections that began behind a flush point.

Source: docs/protocol.md, "Close codes".
"""


class StreamClosed(NotConnectedError):
    """The server has closed the stream, with this close code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the stream was closed: {reason or code}")
        self.code = code
        self.reason = reason


class ServiceSilent(NotConnectedError):
    """Nothing has come over the stream for too long: the connection counts as lost."""

    def __init__(self, base: str, silence: float) -> None:
        super().__init__(f"nothing has been heard from {base} for {silence:g} s")


class LiveStream:
    """The open stream of one session."""

    def __init__(self, base: str, socket: WebSocketConnection, heard: HeardStream, limits: SizeLimits) -> None:
        self._base = base
        self._socket = socket
        self._heard = heard
        self._limits = limits
        self.marked: Callable[[str], None] | None = None
        """Called with each mark that comes on a connection that began behind a flush point: all messages before it are
        of what is up to there."""
        self.signed_out: Callable[[], None] = lambda: None
        """Called when the service closes the stream because the token has ended."""

    async def subscribe(self, *, events: bool = False, all_data: bool = False, channels: Iterable[int] = ()) -> None:
        """Ask for more of the session, beside what was asked for before. Raises what `receive` raises."""
        subscription = stream_pb2.StreamSubscription(
            all_events=events, all_data_channels=all_data, data_channel_ids=list(channels)
        )
        try:
            await self._socket.send_message(stream_pb2.StreamRequest(subscribe=subscription).SerializeToString())
        except ConnectionClosed as e:
            raise self._ended(e) from None

    async def receive(self) -> Burst:
        """The next message.

        :raises StreamClosed: the stream is over.
        :raises ServiceSilent: nothing has come for too long, neither data nor the answer to a ping.
        :raises MalformedError: it is not a burst.
        """
        while True:
            try:
                message = await self._socket.get_message()
            except ConnectionClosed as e:
                raise self._ended(e) from None
            if isinstance(message, bytes) or self.marked is None:
                return read_burst(message if isinstance(message, bytes) else message.encode(), self._limits)
            self.marked(message)

    def _ended(self, e: ConnectionClosed) -> NotConnectedError:
        if self._heard.given_up:
            return ServiceSilent(self._base, self._heard.silence)
        code = e.reason.code if e.reason else 1006
        if code == SIGNED_OUT:
            self.signed_out()
        return StreamClosed(code, (e.reason.reason if e.reason else None) or "")


@asynccontextmanager
async def open_live_stream(
    base: str,
    identity: str,
    silence: float = SILENCE,
    after: str | None = None,
    credentials: Credentials | None = None,
) -> AsyncIterator[LiveStream]:
    """Connect to the stream of a session. `base`: the service, `http://host:port` or `ws://…`. `silence`: seconds
    without a byte from it after which the stream counts as lost. `after`: the text of a flush point, behind which it
    begins, rather than with what the buffer holds. A stream that the service closes with 4004 wants to be opened again;
    the credentials have another token then.

    :raises RtaError: `base` is no base URL.
    :raises NotConnectedError: it cannot be reached.
    :raises NotSignedIn: the service wants to know who asks.
    :raises NotAllowed: we may not have it.
    :raises UndeliverableError: it refuses the stream.
    """
    check_base_url(base, ("http", "https", "ws", "wss"))
    parts = urlsplit(base)
    path = f"{parts.path.rstrip('/')}/rta/v2/sessions/{quote(identity, safe='')}/stream"
    if after is not None:
        path += f"?after={quote(after, safe='')}"
    async with AsyncExitStack() as stack:

        async def opened(headers: dict[str, str]) -> LiveStream:
            tls = None if credentials is None else credentials.tls
            live = await stack.enter_async_context(_opened(base, path, silence, headers, tls))
            if credentials is not None:
                live.signed_out = lambda: credentials.refuse(headers)
            return live

        yield await ask_signed_in(credentials, base, opened)


@asynccontextmanager
async def _opened(
    base: str, path: str, silence: float, headers: dict[str, str], tls: ssl.SSLContext | None
) -> AsyncIterator[LiveStream]:
    stream = HeardStream(await _connect(base, tls), silence)
    try:
        async with trio.open_nursery() as nursery:
            socket = await _accepted(nursery, stream, base, path, headers)
            nursery.start_soon(stream.give_up_when_silent, partial(_ping, socket))
            try:
                # Chunks may hold a single burst of up to the limit, and merged ones somewhat more.
                yield LiveStream(base, socket, stream, SizeLimits(burst=_MESSAGE, session_json=_MESSAGE))
            finally:
                with trio.move_on_after(_CLOSE):
                    await socket.aclose()
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:  # of the nursery, which is no concern of the caller
        if len(group.exceptions) > 1:
            raise
        raise _in_our_words(base, group.exceptions[0]) from None
    finally:
        # The library closes it neither when it was refused nor when the server has closed first.
        await trio.aclose_forcefully(stream)


async def _connect(base: str, tls: ssl.SSLContext | None) -> _Connection:
    try:
        parts = urlsplit(base)
        with trio.fail_after(_OPEN):
            if parts.scheme in ("http", "ws"):
                return await trio.open_tcp_stream(parts.hostname or "", parts.port or 80)
            context = tls or ssl.create_default_context()
            return await trio.open_ssl_over_tcp_stream(
                parts.hostname or "", parts.port or 443, ssl_context=context, https_compatible=True
            )
    except (OSError, ValueError) as e:
        raise NotConnectedError(f"{base} cannot be reached: {network_reason(e)}") from None
    except trio.TooSlowError:
        raise NotConnectedError(f"{base} cannot be reached: no connection within {_OPEN:g} s") from None


async def _ping(socket: WebSocketConnection) -> None:
    with suppress(ConnectionClosed):  # whoever receives is told
        await socket.ping()


async def _accepted(
    nursery: trio.Nursery, stream: HeardStream, base: str, path: str, headers: dict[str, str]
) -> WebSocketConnection:
    try:
        with trio.fail_after(_OPEN):
            return await wrap_client_stream(
                nursery,
                stream,  # type: ignore[arg-type]  # any stream does
                urlsplit(base).netloc,
                path,
                subprotocols=[SUBPROTOCOL],
                extra_headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                max_message_size=_MESSAGE,
            )
    except trio.TooSlowError:
        raise NotConnectedError(f"{base} has not accepted the stream within {_OPEN:g} s") from None


def _in_our_words(base: str, e: BaseException) -> BaseException:
    """A refusal, raised in a task of the library, as an error of ours; other errors as they are."""
    if not isinstance(e, ConnectionRejected):
        return e
    if error := why_refused(e.status_code, base, e.body or b""):
        return error
    reason = (e.body or b"").decode(errors="replace").strip()
    return UndeliverableError(f"{base} refuses the stream: {e.status_code} {reason}")
