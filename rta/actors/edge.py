"""The edge: has a client served for each connection, and looks after all of them.

Owns the connections. Receives them from the listening transport, each in a task of its own. One more task looks after
all of them: it pings the idle, drops the stalled, and has those leave whose session is over. Ends with the site, which
shuts it down first.
"""

from __future__ import annotations

import structlog
import trio

from rta.actors.hub import SessionHub
from rta.actors.served_client import CLOSES, UNREACHABLE, ClosingHandshake, ServedClient, SharedReads
from rta.errors import TransportError
from rta.ports import CloseCode, FrameConnection, Reporter
from rta.session.client import Ending
from rta.wakeup import Wakeup

__all__ = ["EdgeActor"]

log = structlog.get_logger("rta.edge")

_FAREWELL = 1.0  # seconds for close frames to slow clients at the very end
_AT_ONCE = 100  # connections looked after without a checkpoint
_TICK = 0.5  # seconds between rounds of looking after connections


class EdgeActor:
    """Serves clients from the hub's feeds."""

    def __init__(
        self,
        hub: SessionHub,
        report: Reporter,
        ping_interval: float,
        stall_timeout: float,
    ) -> None:
        """`ping_interval`, `stall_timeout`: see `rta.ports.Edge`."""
        self._hub = hub
        self._report = report
        self._ping_interval = ping_interval
        self._stall_timeout = stall_timeout
        self._reads = SharedReads(hub.buffer)
        self._clients: dict[ServedClient, None] = {}
        self._serving = 0
        self._served = Wakeup()
        self._stopping = False

    @property
    def clients(self) -> int:
        """How many there are."""
        return len(self._clients)

    # ---- looking after connections

    async def keep(self) -> None:
        """Look after all connections, until cancelled."""
        while True:
            await trio.sleep(_TICK)
            now = trio.current_time()
            for i, client in enumerate(list(self._clients), 1):
                self._check(client, now)
                if i % _AT_ONCE == 0:  # live data goes first
                    await trio.lowlevel.checkpoint()

    def _check(self, client: ServedClient, now: float) -> None:
        link = client.link
        if not link.free and now - max(link.heard, link.moved) > self._stall_timeout:
            client.ended = "stalled"
            log.info("client dropped: it takes nothing", peer=link.peer, identity=link.identity)
            link.abort()
        elif now - max(link.heard, client.pinged) > self._ping_interval:
            client.pinged = now
            link.ping()
        if client.finished(now, self._hub.settings.linger):
            client.leave(Ending.SESSION_CLOSED)

    # ---- connections

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
            await self._close(link, UNREACHABLE)
            return
        if feed is None:
            await self._close(link, ClosingHandshake(CloseCode.NORMAL, "there is no such session to stream"))
            return
        client = ServedClient(link, feed, self._hub, self._reads, self._report)
        self._clients[client] = None
        if self._stopping:
            client.leave(Ending.SHUTTING_DOWN)
        try:
            closing = await client.run()
            if closing is None:
                self._report.count("rta_clients_closed_total", reason=client.ended)
            else:
                await self._close(link, closing)
        finally:
            del self._clients[client]

    async def _close(self, link: FrameConnection, closing: ClosingHandshake) -> None:
        self._report.count("rta_clients_closed_total", reason=_REASONS.get(closing.code, "fault"))
        await link.close(closing.code, closing.reason)

    # ---- the end

    async def shut_down(self, grace: float) -> None:
        """Let every client have what it is owed, within `grace` seconds, and close it as going away."""
        self._stopping = True
        for client in list(self._clients):
            client.leave(Ending.SHUTTING_DOWN)
        with trio.move_on_after(grace):
            while self._serving:
                await self._served.wait()
        goodbye = CLOSES[Ending.SHUTTING_DOWN]
        with trio.move_on_after(_FAREWELL):  # who has not taken it all is told at least
            async with trio.open_nursery() as nursery:
                for client in self._clients:
                    nursery.start_soon(client.link.close, goodbye.code, goodbye.reason)


_REASONS = {
    CloseCode.NORMAL: "finished",
    CloseCode.GOING_AWAY: "shutdown",
    CloseCode.FELL_BEHIND: "fell_behind",
    CloseCode.UNREACHABLE: "unreachable",
}
