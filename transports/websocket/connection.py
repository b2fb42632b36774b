"""An accepted WebSocket connection: trio-websocket for the handshakes, control frames and reading; data frames past it."""

from __future__ import annotations

from collections.abc import Callable

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from rta.ports import ClientGone
from rta.wire.websocket import PING
from transports.websocket.stream import WireStream

__all__ = ["ControlStream", "WebSocketPeer"]

_CLOSE = 0x88


class ControlStream(trio.abc.Stream):
    """What trio-websocket is given: our stream, which learns from the close frame that no data may follow it."""

    def __init__(self, wire: WireStream, hang_up_timeout: float) -> None:
        self._wire = wire
        self._hang_up_timeout = hang_up_timeout
        self.closing = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if data and data[0] == _CLOSE:
            self.closing = True
            self._wire.blocked()
        await self._wire.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._wire.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return await self._wire.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._wire.hang_up(self._hang_up_timeout)


class WebSocketPeer:
    """See `rta.ports.FrameConnection`."""

    def __init__(
        self,
        identity: str,
        peer: str,
        wire: WireStream,
        control: ControlStream,
        websocket: WebSocketConnection,
        close_timeout: float,
    ) -> None:
        self.identity = identity
        self.peer = peer
        self.opened = trio.current_time()
        self.send: Callable[[bytes], int] = wire.socket.send
        self._wire = wire
        self._control = control
        self._websocket = websocket
        self._close_timeout = close_timeout

    @property
    def heard(self) -> float:
        return self._wire.heard

    @property
    def moved(self) -> float:
        return self._wire.moved

    @property
    def free(self) -> bool:
        return self._wire.free and not self._control.closing

    def watch(self, blocked: Callable[[], None]) -> None:
        self._wire.blocked = blocked

    def hold(self, rest: memoryview) -> None:
        self._wire.hold(rest)

    async def drain(self) -> None:
        try:
            while not self.free:
                if self._control.closing:
                    raise ClientGone
                await self._wire.flush()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ClientGone from None

    async def receive(self) -> bytes | str:
        try:
            return await self._websocket.get_message()
        except ConnectionClosed:
            raise ClientGone from None

    async def close(self, code: int, reason: str) -> None:
        with trio.move_on_after(self._close_timeout) as scope:
            await self._websocket.aclose(code, reason)
        if scope.cancelled_caught:
            self._wire.abort()

    def ping(self) -> None:
        if self.free and self.send(PING) == 1:
            self.hold(memoryview(PING)[1:])

    def abort(self) -> None:
        self._wire.abort()
