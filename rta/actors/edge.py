"""The edge: has a client served for each connection.

Owns the connections, which `ConnectionKeeper` looks after. Receives them from the listening transport, each in a task
of its own. Ends with the site, which shuts it down first.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
import trio

from rta.actors.connection_keeper import ConnectionKeeper
from rta.actors.hub import SessionHub
from rta.actors.point_join import Joined, PointLost, join_behind
from rta.actors.served_client import CLOSES, UNREACHABLE, ClosingHandshake, ServedClient
from rta.actors.shared_reads import SharedReads
from rta.errors import ArchiveError, TransportError
from rta.ports import CloseCode, FrameConnection, Reporter, Revocations
from rta.session.client import Ending
from rta.wakeup import Wakeup

__all__ = ["EdgeActor"]

log = structlog.get_logger("rta.edge")

_FAREWELL = 1.0  # seconds for close frames to slow clients at the very end


class EdgeActor:
    """Serves clients from the hub's feeds."""

    def __init__(
        self,
        hub: SessionHub,
        report: Reporter,
        ping_interval: float,
        stall_timeout: float,
        clock: Callable[[], int] = time.time_ns,
        revocations: Revocations | None = None,
    ) -> None:
        """`ping_interval`, `stall_timeout`: see `rta.ports.Edge`. `clock`: wall time, ns since the Unix epoch.
        `revocations`: None: no credentials are ever taken back."""
        self._hub = hub
        self._report = report
        self.keeper = ConnectionKeeper(hub, ping_interval, stall_timeout, clock, revocations)
        self._reads = SharedReads(hub.buffer, hub.archive)
        self._serving = 0
        self._served = Wakeup()
        self._stopping = False

    @property
    def clients(self) -> int:
        """How many there are."""
        return len(self.keeper)

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
            joined = await self._join(link)
        except TransportError as e:
            log.warning("client turned away: the buffer cannot be read", identity=link.identity, error=str(e))
            await self._close(link, UNREACHABLE)
            return
        except ArchiveError as e:
            log.warning("client turned away", identity=link.identity, error=str(e))
            await self._close(link, ClosingHandshake(CloseCode.UNREACHABLE, "the archive cannot be read now"))
            return
        if joined is None:
            await self._close(link, ClosingHandshake(CloseCode.NORMAL, "there is no such session to stream"))
            return
        if isinstance(joined, PointLost):
            await self._close(link, CLOSES[Ending.POINT_LOST])
            return
        # No checkpoint up to here: the beginning holds at this moment.
        client = ServedClient(link, joined.feed, self._hub, self._reads, self._report, joined.beginning)
        with self.keeper.keeping(client):
            if self._stopping:
                client.leave(Ending.SHUTTING_DOWN)
            closing = await client.run()
            if closing is None:
                self._report.count("rta_clients_closed_total", reason=client.ended)
            else:
                await self._close(link, closing)

    async def _join(self, link: FrameConnection) -> Joined | PointLost | None:
        if link.after is not None:
            return await join_behind(self._hub, link.identity, link.after)
        feed = await self._hub.open(link.identity)
        return None if feed is None else Joined(feed, None)

    async def _close(self, link: FrameConnection, closing: ClosingHandshake) -> None:
        self._report.count("rta_clients_closed_total", reason=_REASONS.get(closing.code, "fault"))
        await link.close(closing.code, closing.reason)

    # ---- the end

    async def shut_down(self, grace: float) -> None:
        """Let every client have what it is owed, within `grace` seconds, and close it as going away."""
        self._stopping = True
        for client in self.keeper:
            client.leave(Ending.SHUTTING_DOWN)
        with trio.move_on_after(grace):
            while self._serving:
                await self._served.wait()
        goodbye = CLOSES[Ending.SHUTTING_DOWN]
        with trio.move_on_after(_FAREWELL):  # who has not taken it all is told at least
            async with trio.open_nursery() as nursery:
                for client in self.keeper:
                    nursery.start_soon(client.link.close, goodbye.code, goodbye.reason)


_REASONS = {
    CloseCode.NORMAL: "finished",
    CloseCode.GOING_AWAY: "shutdown",
    CloseCode.FELL_BEHIND: "fell_behind",
    CloseCode.UNREACHABLE: "unreachable",
    CloseCode.POINT_LOST: "point_lost",
    CloseCode.RUN_OVER: "run_over",
    CloseCode.SIGNED_OUT: "signed_out",
}
