"""The connection keeper: pings idle clients, drops stalled ones, signs out those whose credentials have ended, and has
those leave whose session is over.

Owns the set of connections and when each is due to be looked at: a connection costs nothing until then, and what is due
is spread over time, so that live data never waits behind a round over all of them. Receives connections from the edge.
Ends with the site.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count

import structlog
import trio

from rta.actors.credential_ends import CredentialEnds
from rta.actors.hub import SessionHub
from rta.actors.served_client import ServedClient
from rta.ports import Revocations

__all__ = ["ConnectionKeeper"]

log = structlog.get_logger("rta.edge")

_ROUND = 0.5  # seconds between rounds over sessions that may be over, and over credentials that may have ended
_PAUSE = 0.01  # seconds at least between looks at connections that are due
_AT_ONCE = 20  # connections looked at without a checkpoint
_SPREAD = 0.25  # of the ping interval: by up to so much a ping comes earlier, for each client differently
_GOLDEN = 0.6180339887  # multiples of it, modulo 1, are spread evenly however many there are


class ConnectionKeeper:
    """Looks after connections while they are served."""

    def __init__(
        self,
        hub: SessionHub,
        ping_interval: float,
        stall_timeout: float,
        clock: Callable[[], int] = time.time_ns,
        revocations: Revocations | None = None,
    ) -> None:
        """See `rta.actors.edge.EdgeActor`."""
        self._hub = hub
        self._ping_interval = ping_interval
        self._stall_timeout = stall_timeout
        self._numbers = count()
        self._clients: dict[int, ServedClient] = {}
        self._due: list[tuple[float, int]] = []
        """A heap of times and numbers. By number, so that it keeps no client that is gone."""
        self._ends = CredentialEnds()
        self._clock = clock
        self._revocations = revocations
        self._some_revoked = False

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[ServedClient]:
        return iter(list(self._clients.values()))

    @contextmanager
    def keeping(self, client: ServedClient) -> Iterator[None]:
        """Look after a client during the block."""
        number = next(self._numbers)
        client.ping_after = self._ping_interval * (1 - _SPREAD * (number * _GOLDEN % 1))
        self._clients[number] = client
        heappush(self._due, (trio.current_time() + min(client.ping_after, self._stall_timeout), number))
        subject = client.link.subject
        if subject.ends is not None:
            self._ends.add(number, subject.ends)
        if self._is_revoked(client):  # since it was let in
            client.sign_out()
        try:
            yield
        finally:
            del self._clients[number]

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._hear_of_revocations)
            await self._look_after_all()

    async def _hear_of_revocations(self) -> None:
        while self._revocations is not None:
            await self._revocations.changed()
            self._some_revoked = True

    async def _look_after_all(self) -> None:
        next_round = trio.current_time() + _ROUND
        while True:
            first = self._due[0][0] if self._due else next_round
            await trio.sleep_until(min(next_round, max(first, trio.current_time() + _PAUSE)))
            now = trio.current_time()
            for i, number in enumerate(self._drain_due(now), 1):
                if (client := self._clients.get(number)) is not None:
                    heappush(self._due, (self._look_after(client, now), number))
                if i % _AT_ONCE == 0:  # live data goes first
                    await trio.lowlevel.checkpoint()
            if now >= next_round:
                next_round = now + _ROUND
                await self._sign_out(now)
                for feed in self._hub.feeds:
                    feed.release_finished(now, self._hub.settings.linger)

    async def _sign_out(self, now: float) -> None:
        """Everybody whose credentials have ended, or have been taken back."""
        for i, number in enumerate(self._ends.due(self._clock(), now), 1):
            if (client := self._clients.get(number)) is not None:
                client.sign_out()
            if i % _AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        if not self._some_revoked:
            return
        self._some_revoked = False
        for i, client in enumerate(self, 1):
            if self._is_revoked(client):
                client.sign_out()
            if i % _AT_ONCE == 0:
                await trio.lowlevel.checkpoint()

    def _is_revoked(self, client: ServedClient) -> bool:
        return self._revocations is not None and self._revocations.is_revoked(client.link.subject)

    def _drain_due(self, now: float) -> list[int]:
        numbers = []
        while self._due and self._due[0][0] <= now:
            numbers.append(heappop(self._due)[1])
        return numbers

    def _look_after(self, client: ServedClient, now: float) -> float:
        """What is due; when to look again."""
        link = client.link
        ping_due = max(link.heard, client.pinged) + client.ping_after
        if now >= ping_due:
            client.pinged = now
            link.ping()
            ping_due = now + client.ping_after
        if link.free:
            return min(ping_due, now + self._stall_timeout)
        stalled = max(link.heard, link.moved) + self._stall_timeout
        if now >= stalled:
            client.ended = "stalled"
            log.info("client dropped: it takes nothing", peer=link.peer, identity=link.identity)
            link.abort()
            return now + self._stall_timeout
        return min(ping_due, stalled)
