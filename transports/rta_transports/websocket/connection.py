"""An accepted connection: trio-websocket for handshakes, control frames and reading; data frames go past it."""

from __future__ import annotations

from collections.abc import Callable

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from rta.ports import ClientGone, CloseCode, FlushPoint, Subject
from rta.wire.websocket import PING
from rta_transports.websocket.frames import FrameMeter
from rta_transports.websocket.stream import WireStream

__all__ = ["ControlStream", "WebSocketPeer"]

_CLOSE = 0x88
_NO_CLOSE_FRAME = 1006


def _close_frame(code: int, reason: str) -> bytes:
    payload = code.to_bytes(2, "big") + reason.encode()[:100].decode(errors="ignore").encode()
    return bytes([_CLOSE, len(payload)]) + payload


class ControlStream(trio.abc.Stream):
    """What trio-websocket is given: our stream, which learns from the close frame that no data may follow it.

    It gives out the request's head, and nothing more before `open`: what comes with the head would lie unseen in
    the library until the client sends again.
    """

    def __init__(self, wire: WireStream, head: bytes, max_request: int, hang_up_timeout: float) -> None:
        """`max_request`: bytes of a client's message, see `FrameMeter`."""
        self._wire = wire
        self._head = head
        self._frames = FrameMeter(max_request)
        self._hang_up_timeout = hang_up_timeout
        self._websocket: WebSocketConnection | None = None
        self._opened = trio.Event()
        self.closing = False

    def open(self, websocket: WebSocketConnection) -> None:
        """The handshake is done."""
        self._websocket = websocket
        self._opened.set()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if data and data[0] == _CLOSE:
            if self.closing:  # both sides closed at once: the answer has been sent, and is the last frame
                await trio.lowlevel.checkpoint()
                return
            self.closing = True
            self._wire.blocked()
        await self._wire.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._wire.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self._head:
            await trio.lowlevel.checkpoint()
            head, self._head = self._head, b""  # in one piece: in parts, h11 finds it too long much earlier
            return head
        await self._opened.wait()
        data = await self._wire.receive_some(max_bytes)
        taken = self._frames.feed(data)
        if self._frames.exceeded:
            with trio.move_on_after(self._hang_up_timeout):
                await self.send_all(_close_frame(CloseCode.TOO_BIG, "a message has too many frames"))
            await self._wire.hang_up(self._hang_up_timeout)
            return b""
        if taken < len(data):
            self._wire.unread(data[taken:])
        return data[:taken]

    async def aclose(self) -> None:
        try:
            reason = self._websocket.closed if self._websocket is not None else None
            if reason is not None and reason.code != _NO_CLOSE_FRAME and not self.closing:
                # A fault of the client: the library takes what wsproto says of it for the client's own close frame.
                await self.send_all(_close_frame(reason.code, reason.reason or ""))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await self._wire.hang_up(self._hang_up_timeout)


class WebSocketPeer:
    """See `rta.ports.FrameConnection`."""

    def __init__(
        self,
        identity: str,
        after: FlushPoint | None,
        peer: str,
        subject: Subject,
        wire: WireStream,
        control: ControlStream,
        websocket: WebSocketConnection,
        close_timeout: float,
    ) -> None:
        self.identity = identity
        self.after = after
        self.peer = peer
        self.subject = subject
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
        except ConnectionClosed as e:
            raise ClientGone(e.reason.code if e.reason is not None else 1006) from None

    async def close(self, code: int, reason: str) -> None:
        with trio.move_on_after(self._close_timeout):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._until_closed, nursery.cancel_scope)
                await self._websocket.aclose(code, reason)
                # Where the library has sent the close frame of its own accord, it leaves the rest to us.
                await self._control.aclose()
        self._wire.close()

    async def _until_closed(self, scope: trio.CancelScope) -> None:
        await self._wire.closed.wait()
        scope.cancel()

    def ping(self) -> None:
        if not self.free:
            return
        try:
            taken = self.send(PING)
        except BlockingIOError:
            return  # the socket is full: the client is about to be heard, or to stall
        except OSError:
            self.abort()
            return
        if taken < len(PING):
            self.hold(memoryview(PING)[taken:])
            self._wire.blocked()

    def abort(self) -> None:
        self._wire.abort()
