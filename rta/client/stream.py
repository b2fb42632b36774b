"""The live stream of one session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, open_websocket_url

from rta.errors import TransportError
from rta.wire import Limits, read_burst
from rta.wire._pb import stream_pb2
from rta.wire.burst import Burst
from rta.wire.websocket import SUBPROTOCOL

__all__ = ["LiveStream", "StreamClosed", "open_live_stream"]

_MESSAGE = 32 << 20


class StreamClosed(TransportError):
    """The server has closed the stream: `code` and `reason` as it gave them."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the stream was closed: {reason or code}")
        self.code = code
        self.reason = reason


class LiveStream:
    """An open connection."""

    def __init__(self, socket: WebSocketConnection, limits: Limits) -> None:
        self._socket = socket
        self._limits = limits

    async def subscribe(self, *, events: bool = False, all_data: bool = False, channels: Iterable[int] = ()) -> None:
        """Widen what we get."""
        subscription = stream_pb2.StreamSubscription(
            all_events=events, all_data_channels=all_data, data_channel_ids=list(channels)
        )
        try:
            await self._socket.send_message(stream_pb2.StreamRequest(subscribe=subscription).SerializeToString())
        except ConnectionClosed as e:
            raise _closed(e) from None

    async def receive(self) -> Burst:
        """The next message.

        :raises StreamClosed: there is none.
        :raises MalformedError: it is not a burst.
        """
        try:
            message = await self._socket.get_message()
        except ConnectionClosed as e:
            raise _closed(e) from None
        return read_burst(message if isinstance(message, bytes) else message.encode(), self._limits)


def _closed(e: ConnectionClosed) -> StreamClosed:
    return StreamClosed(e.reason.code if e.reason else 1006, (e.reason.reason if e.reason else None) or "")


@asynccontextmanager
async def open_live_stream(base: str, identity: str) -> AsyncIterator[LiveStream]:
    """Connect to a session's stream. `base`: the service, `http://host:port` or `ws://…`.

    :raises TransportError: it cannot be reached or refuses.
    """
    root = base.removeprefix("http").removeprefix("ws").rstrip("/")
    url = f"ws{root}/rta/v2/sessions/{quote(identity, safe='')}/stream"
    async with AsyncExitStack() as stack:
        try:
            opening = open_websocket_url(url, subprotocols=[SUBPROTOCOL], max_message_size=_MESSAGE)
            socket = await stack.enter_async_context(opening)
        except (HandshakeError, OSError) as e:
            raise TransportError(f"{base} cannot be reached: {e or type(e).__name__}") from None
        # Chunks may hold a single burst of up to the limit, and merged ones somewhat more.
        yield LiveStream(socket, Limits(burst=_MESSAGE, session_json=_MESSAGE))
