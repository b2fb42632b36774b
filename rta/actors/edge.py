"""The edge: one pump and one request reader per client, and one keeper for all of them.

Receives connections from the listening transport; owns nothing but them. A connection ends when its client goes,
when the session is over, when the client cannot be served any longer, or with the site.
"""

from __future__ import annotations

import structlog
import trio

from rta.actors.hub import SessionHub
from rta.backoff import Backoff
from rta.errors import MalformedError, TransportError, leaves
from rta.ports import Batch, ClientGone, CloseCode, FrameConnection, Reporter
from rta.session.client import Client, Close, Ending, Idle, ReadLog, Write
from rta.session.feed import SessionFeed
from rta.session.subscription import NOTHING, read_request
from rta.wakeup import Wakeup
from rta.wire.block import TARGET

__all__ = ["EdgeActor"]

log = structlog.get_logger("rta.edge")

_TURN = 256 << 10  # bytes written to one client before others get a turn
_LAST_WORDS = 1.0  # seconds for close frames to slow clients at the very end
_AT_A_STRETCH = 100  # connections looked after
_TICK = 0.5  # seconds between the keeper's rounds


class _Close(Exception):
    """The connection is to be closed by us."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class _Connection:
    """A client with its connection, and what wakes its pump."""

    def __init__(self, link: FrameConnection, feed: SessionFeed) -> None:
        self.link = link
        self.feed = feed
        self.woken = Wakeup()
        self.client: Client = feed.attach(link, self.woken.set)
        self.waiting = NOTHING
        """What the client has asked for beyond the back-fills it may have at once."""
        self.pinged = trio.current_time()
        self.ended = "left"
        """Why, if the connection is over without a close of ours."""
        link.watch(lambda: feed.blocked(self.client))

    def leave(self, ending: Ending) -> None:
        """Close once nothing is owed."""
        if self.client.leaving is None:
            self.client.leaving = ending
            self.woken.set()


class EdgeActor:
    """Serves clients from the hub's feeds."""

    def __init__(
        self,
        hub: SessionHub,
        report: Reporter,
        ping_interval: float,
        stall_timeout: float,
    ) -> None:
        self._hub = hub
        self._report = report
        self._ping_interval = ping_interval
        self._stall_timeout = stall_timeout
        self._connections: dict[_Connection, None] = {}
        self._reading: dict[tuple[object, ...], trio.Event] = {}
        self._serving = 0
        self._served = Wakeup()
        self._stopping = False

    @property
    def clients(self) -> int:
        """How many there are."""
        return len(self._connections)

    async def keep(self) -> None:
        """The keeper, until cancelled: pings the idle, drops the stalled, closes finished sessions."""
        while True:
            await trio.sleep(_TICK)
            now = trio.current_time()
            for i, connection in enumerate(list(self._connections), 1):
                self._look_after(connection, now)
                if i % _AT_A_STRETCH == 0:  # live data goes first
                    await trio.lowlevel.checkpoint()

    def _look_after(self, connection: _Connection, now: float) -> None:
        link, feed = connection.link, connection.feed
        if not link.free and now - max(link.heard, link.moved) > self._stall_timeout:
            connection.ended = "stalled"
            log.info("client dropped: it takes nothing", peer=link.peer, identity=link.identity)
            link.abort()
        elif now - max(link.heard, connection.pinged) > self._ping_interval:
            connection.pinged = now
            link.ping()
        if feed.finished(connection.client, link.opened, now, self._hub.settings.linger):
            connection.leave(Ending.SESSION_CLOSED)

    async def shut_down(self, grace: float) -> None:
        """Let every client have what it is owed, within `grace` seconds, and close it as going away."""
        self._stopping = True
        for connection in list(self._connections):
            connection.leave(Ending.SHUTTING_DOWN)
        with trio.move_on_after(grace):
            while self._serving:
                await self._served.wait()
        with trio.move_on_after(_LAST_WORDS):  # who has not taken it all is told at least
            async with trio.open_nursery() as nursery:
                for connection in self._connections:
                    nursery.start_soon(connection.link.close, *_CLOSES[Ending.SHUTTING_DOWN])

    async def serve(self, link: FrameConnection) -> None:
        """One connection, from handshake to end."""
        self._serving += 1
        try:
            await self._serve(link)
        finally:
            self._serving -= 1
            self._served.set()

    async def _serve(self, link: FrameConnection) -> None:
        try:
            feed = await self._hub.open(link.identity)
        except TransportError as e:
            log.warning("client turned away: the buffer cannot be read", identity=link.identity, error=str(e))
            await self._close(link, CloseCode.UNREACHABLE, "the buffer cannot be read now")
            return
        if feed is None:
            await self._close(link, CloseCode.NORMAL, "there is no such session to stream")
            return
        connection = _Connection(link, feed)
        self._connections[connection] = None
        if self._stopping:
            connection.leave(Ending.SHUTTING_DOWN)
        try:
            await self._converse(connection)
        finally:
            feed.detach(connection.client)
            del self._connections[connection]

    async def _close(self, link: FrameConnection, code: int, reason: str) -> None:
        self._report.count("rta_clients_closed_total", reason=_REASONS.get(code, "fault"))
        await link.close(code, reason)

    async def _converse(self, connection: _Connection) -> None:
        closing: _Close | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._requests, connection)
                nursery.start_soon(self._pump, connection)
        except* ClientGone as gone:
            code = next((e.code for e in leaves(gone) if isinstance(e, ClientGone) and e.code in _FAULTS), None)
            if code is not None:  # the library has found it, and has closed the connection
                connection.ended = "fault"
                self._report.malformed(connection.link.peer, "protocol", f"the client's frames: close code {code}")
            self._report.count("rta_clients_closed_total", reason=connection.ended)
        except* _Close as group:
            closing = _first(group)
        if closing is not None:
            connection.feed.detach(connection.client)  # nothing may be sent behind a close frame
            await self._close(connection.link, closing.code, closing.reason)

    async def _requests(self, connection: _Connection) -> None:
        """Client messages, one by one; never waits for anything else, so that pings are answered."""
        while True:
            message = await connection.link.receive()
            if isinstance(message, str):
                raise _Close(CloseCode.UNSUPPORTED, "requests are binary: a StreamRequest")
            try:
                more = read_request(message)
            except MalformedError as e:
                self._report.malformed(connection.link.peer, e.kind, str(e))
                raise _Close(CloseCode.INVALID, "the request is not a StreamRequest") from None
            if more is not None:
                connection.waiting = connection.waiting.widened(more)
                await self._widen(connection)

    async def _widen(self, connection: _Connection) -> None:
        """Apply what the client asked for as far as it may have more back-fills."""
        try:
            start = await self._hub.back_scan_start()
        except TransportError as e:
            raise _Close(CloseCode.UNREACHABLE, "the buffer cannot be read now") from e
        if connection.feed.catch_up.widen(connection.client, connection.waiting, start):
            connection.waiting = NOTHING
        if len(connection.client.subscription.channels) > self._hub.settings.max_channels:
            raise _Close(CloseCode.TOO_BIG, "too many channels: subscribe to all of them")

    async def _pump(self, connection: _Connection) -> None:
        """Writes what the client is owed, whenever it does not get it at once."""
        link, feed, client = connection.link, connection.feed, connection.client
        left = _TURN
        while True:
            await link.drain()
            if left <= 0:
                left = _TURN
                await trio.lowlevel.checkpoint()
            if not link.free:
                continue
            match feed.catch_up.step(client, trio.current_time()):
                case Write(frame):
                    left -= len(frame)
                    self._write(connection, frame)
                case ReadLog() as wanted:
                    ending = await self._read_for(connection, wanted)
                    if ending is not None:
                        raise _Close(*_CLOSES[ending])
                case Close(ending):
                    raise _Close(*_CLOSES[ending])
                case Idle() if connection.waiting is not NOTHING:
                    await self._widen(connection)
                case Idle():
                    await connection.woken.wait()
                    left = _TURN

    def _write(self, connection: _Connection, frame: bytes) -> None:
        link = connection.link
        try:
            taken = link.send(frame)
        except BlockingIOError:
            taken = 0
        except OSError:
            raise ClientGone from None
        if taken < len(frame):
            link.hold(memoryview(frame)[taken:])
            connection.feed.blocked(connection.client)

    async def _read_for(self, connection: _Connection, wanted: ReadLog) -> Ending | None:
        """Read for one client. Others that need the same wait for it, and find the chunk in the feed's cache."""
        key = (connection.feed, wanted.want, wanted.run.serial, wanted.after, wanted.upto)
        if (under_way := self._reading.get(key)) is not None:
            await under_way.wait()
            return None
        done = self._reading[key] = trio.Event()
        try:
            batch = await self._read(wanted)
            return connection.feed.catch_up.receive(connection.client, wanted, batch)
        finally:
            del self._reading[key]
            done.set()

    async def _read(self, wanted: ReadLog) -> Batch:
        backoff = Backoff()
        while True:
            try:
                return await self._hub.buffer.read(wanted.run.stream, wanted.after, wanted.upto, TARGET)
            except TransportError:
                await backoff.pause()


_CLOSES = {
    Ending.FELL_BEHIND: (CloseCode.FELL_BEHIND, "too slow: the buffer no longer holds what comes next"),
    Ending.SESSION_CLOSED: (CloseCode.NORMAL, "the session is closed"),
    Ending.SHUTTING_DOWN: (CloseCode.GOING_AWAY, "the server is shutting down"),
}

_FAULTS = (1002, 1007, 1009)


def _first(group: BaseExceptionGroup[_Close]) -> _Close:
    """The close that happened first, out of nested groups."""
    found = leaves(group)[0]
    assert isinstance(found, _Close)
    return found


_REASONS = {
    CloseCode.NORMAL: "finished",
    CloseCode.GOING_AWAY: "shutdown",
    CloseCode.FELL_BEHIND: "fell_behind",
    CloseCode.UNREACHABLE: "unreachable",
}
