"""One client: its requests come in, and what it is owed goes out.

Owns the client's place in the session's feed. Receives the client's messages, and is woken by the feed when there is
something to do; sends frames. Two tasks: one reads requests, so that nothing keeps pings from being answered; one
writes what the client does not get from fan-out. Ends when the client goes or breaks the protocol, when the session is
over, when the client cannot be served any longer or its credentials have ended, or with the site. Who runs it then
closes the connection.
"""

from __future__ import annotations

from math import inf

import trio
from attrs import frozen

from rta.actors.hub import SessionHub
from rta.actors.shared_reads import SharedReads
from rta.errors import MalformedError, TransportError, leaves
from rta.ports import START, ClientGone, CloseCode, FrameConnection, Reporter
from rta.session.catch_up import MARK_INTERVAL
from rta.session.client import Client, ClientBeginning, Close, Ending, Idle, ReadLog, Write
from rta.session.feed import SessionFeed
from rta.session.subscription import NOTHING, read_request
from rta.wakeup import Wakeup

__all__ = ["CLOSES", "SIGNED_OUT", "UNREACHABLE", "ClosingHandshake", "ServedClient"]

_TURN = 256 << 10  # bytes written to one client before others get a turn
_FAULTS = (1002, 1007, 1009)  # close codes by which the WebSocket library says that the client broke the protocol


@frozen
class ClosingHandshake:
    """How to close a connection. `code`: see `CloseCode`."""

    code: int
    reason: str


CLOSES = {
    Ending.FELL_BEHIND: ClosingHandshake(CloseCode.FELL_BEHIND, "too slow: what comes next is not held any more"),
    Ending.POINT_LOST: ClosingHandshake(CloseCode.POINT_LOST, "what is behind this point cannot be told: read again"),
    Ending.RUN_OVER: ClosingHandshake(CloseCode.RUN_OVER, "the session goes on in another run: come back"),
    Ending.SESSION_CLOSED: ClosingHandshake(CloseCode.NORMAL, "the session is closed"),
    Ending.SHUTTING_DOWN: ClosingHandshake(CloseCode.GOING_AWAY, "the server is shutting down"),
}
SIGNED_OUT = ClosingHandshake(CloseCode.SIGNED_OUT, "the token or certificate has ended: come back with a new one")
UNREACHABLE = ClosingHandshake(CloseCode.UNREACHABLE, "the buffer cannot be read now")


class _Closing(Exception):
    """The connection is to be closed by us."""

    def __init__(self, handshake: ClosingHandshake) -> None:
        super().__init__(handshake.reason)
        self.handshake = handshake


class ServedClient:
    """A client of a feed, with its connection."""

    def __init__(
        self,
        link: FrameConnection,
        feed: SessionFeed,
        hub: SessionHub,
        reads: SharedReads,
        report: Reporter,
        beginning: ClientBeginning | None = None,
    ) -> None:
        """`beginning`: instead of the back scan; as of this moment."""
        self.link = link
        self.feed = feed
        self.pinged = trio.current_time()
        """When it was last pinged."""
        self.ping_after = inf
        """Seconds of silence after which it is pinged."""
        self.ended = "left"
        """Why, if the connection is over without a close of ours: `left`, `stalled` or `fault`."""
        self._hub = hub
        self._reads = reads
        self._report = report
        self._woken = Wakeup()
        self._signed_in = trio.CancelScope()
        self._waiting = NOTHING
        """What the client has asked for beyond the back-fills it may have at once."""
        self._client: Client = feed.attach(link, self._woken.set, beginning)
        link.watch(lambda: feed.blocked(self._client))

    def leave(self, ending: Ending) -> None:
        """Close once nothing is owed."""
        self._client.leave(ending)

    def sign_out(self) -> None:
        """Close at once, whatever is owed: its credentials are not right any more."""
        self._signed_in.cancel()

    async def run(self) -> ClosingHandshake | None:
        """Until it ends: how to close the connection; None when the client is gone. Nothing is sent afterwards."""
        closing: ClosingHandshake | None = None
        with self._signed_in:
            closing = await self._serve()
        return SIGNED_OUT if self._signed_in.cancelled_caught else closing

    async def _serve(self) -> ClosingHandshake | None:
        closing: ClosingHandshake | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._receive_requests)
                nursery.start_soon(self._write_what_is_owed)
        except* ClientGone as gone:
            code = next((e.code for e in leaves(gone) if isinstance(e, ClientGone) and e.code in _FAULTS), None)
            if code is not None:  # the library has found it, and has closed the connection
                self.ended = "fault"
                self._report.malformed(self.link.peer, "protocol", f"the client's frames: close code {code}")
        except* _Closing as group:
            closing = _first(group).handshake
        finally:
            self.feed.detach(self._client)
        return closing

    # ---- requests

    async def _receive_requests(self) -> None:
        while True:
            message = await self.link.receive()
            if isinstance(message, str):
                raise _Closing(ClosingHandshake(CloseCode.UNSUPPORTED, "requests are binary: a StreamRequest"))
            try:
                more = read_request(message)
            except MalformedError as e:
                self._report.malformed(self.link.peer, e.kind, str(e))
                raise _Closing(ClosingHandshake(CloseCode.INVALID, "the request is not a StreamRequest")) from None
            if more is not None:
                self._waiting = self._waiting.widened(more)
                await self._widen()

    async def _widen(self) -> None:
        """Apply what the client asked for as far as it may have more back-fills."""
        start = START
        try:
            if self._client.beginning is None:
                start = await self._hub.back_scan_start(self.feed, self._client)
            else:
                await trio.lowlevel.checkpoint()
        except TransportError as e:
            raise _Closing(UNREACHABLE) from e
        if self.feed.catch_up.widen(self._client, self._waiting, start):
            self._waiting = NOTHING
        if len(self._client.subscription.channels) > self._hub.settings.max_channels:
            raise _Closing(ClosingHandshake(CloseCode.TOO_BIG, "too many channels: subscribe to all of them"))

    # ---- frames

    async def _write_what_is_owed(self) -> None:
        link, catch_up = self.link, self.feed.catch_up
        left = _TURN
        while True:
            await link.drain()
            if left <= 0:
                left = _TURN
                await trio.lowlevel.checkpoint()
            if not link.free:
                continue
            match catch_up.step(self._client, trio.current_time()):
                case Write(frame):
                    left -= len(frame)
                    self._write(frame)
                case ReadLog() as wanted:
                    await self._read(wanted)
                case Close(ending):
                    raise _Closing(CLOSES[ending])
                case Idle() if self._waiting is not NOTHING:
                    await self._widen()
                case Idle():
                    await self._wait()
                    left = _TURN

    async def _wait(self) -> None:
        """Until there is something to do; marks are due although nobody wakes us."""
        if self._client.beginning is None:
            await self._woken.wait()
            return
        with trio.move_on_after(MARK_INTERVAL):
            await self._woken.wait()

    def _write(self, frame: bytes) -> None:
        link = self.link
        try:
            taken = link.send(frame)
        except BlockingIOError:
            taken = 0
        except OSError:
            raise ClientGone from None
        if taken < len(frame):
            link.hold(memoryview(frame)[taken:])
            self.feed.blocked(self._client)

    async def _read(self, wanted: ReadLog) -> None:
        batch = await self._reads.read(self.feed, wanted)
        if batch is None:
            return
        # No checkpoint up to here: those who wait for the same read are to find it in the feed's cache.
        ending = self.feed.catch_up.receive(self._client, wanted, batch)
        if ending is not None:
            raise _Closing(CLOSES[ending])


def _first(group: BaseExceptionGroup[_Closing]) -> _Closing:
    """The one that happened first, out of nested groups."""
    found = leaves(group)[0]
    assert isinstance(found, _Closing)
    return found
