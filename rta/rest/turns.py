"""How many answers that stream data there are at once, so that neither floods of requests nor slow readers take more
than their share of memory, disk and time."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import trio
from attrs import define, field
from starlette.types import Message, Send

from rta.rest.problem import RequestProblem

__all__ = ["AnswerTurn", "AnswerTurns"]

_SITE = 64  # bits of an IPv6 address that one site is given at least: the others are its own choice
_PATIENCE = 5.0  # seconds that a request waits for its turn
_STALLED = 1.0  # seconds in which a client has taken nothing of what is sent
_LOOK = 0.25  # seconds between looks for such a client


@define(eq=False)
class AnswerTurn:
    """A request that has its turn, or waits for it."""

    site: str
    begun: trio.Event = field(factory=trio.Event)
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    sending_since: float = inf
    """Since when its client takes nothing of what is sent, Trio time."""

    def watched(self, send: Send) -> Send:
        """`send`, for an answer that may have to make way while its client takes nothing."""

        async def watched(message: Message) -> None:
            self.sending_since = trio.current_time()
            try:
                await send(message)
            finally:
                self.sending_since = inf

        return watched


class AnswerTurns:
    """Turns of requests: so many in all, and so many of one address.

    The next turn is that of the address that has the fewest. One that has none does not wait for clients that take
    nothing: an answer that nothing has been taken of for a second makes way for it.
    """

    def __init__(self, in_all: int = 128, of_one: int = 32, waiting: int = 256) -> None:
        """`waiting`: requests that may wait for their turn, of one address as many as it may have turns."""
        self._in_all = in_all
        self._of_one = of_one
        self._most_waiting = waiting
        self._turns: list[AnswerTurn] = []
        self._open: Counter[str] = Counter()
        self._waiting: list[AnswerTurn] = []

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[AnswerTurn]:
        """Have a turn while the block lasts; it is left early, like a scope that is cancelled, if it makes way.

        :raises RequestProblem: 429; there is none within 5 s, or too many wait already.
        """
        turn = AnswerTurn(_site(address))
        if self._is_free(turn.site):
            self._begin(turn)
        else:
            await self._wait(turn)
        try:
            with turn.scope:
                yield turn
        finally:
            self._end(turn)

    async def _wait(self, turn: AnswerTurn) -> None:
        of_one = sum(other.site == turn.site for other in self._waiting)
        if of_one >= self._of_one or len(self._waiting) >= self._most_waiting:
            raise self._refusal(turn.site)
        self._waiting.append(turn)
        try:
            with trio.move_on_after(_PATIENCE):
                while not turn.begun.is_set():
                    self._make_way(turn.site)
                    with trio.move_on_after(_LOOK):
                        await turn.begun.wait()
        except BaseException:
            if turn.begun.is_set():
                self._end(turn)
            raise
        finally:
            if not turn.begun.is_set():
                self._waiting.remove(turn)
        if not turn.begun.is_set():
            raise self._refusal(turn.site)

    def _make_way(self, site: str) -> None:
        """End an answer that its client takes nothing of, if a site has none."""
        if self._open[site] or any(turn.scope.cancel_called for turn in self._turns):
            return
        latest = trio.current_time() - _STALLED
        stalled = [turn for turn in self._turns if turn.sending_since <= latest]
        if stalled:
            max(stalled, key=lambda turn: (self._open[turn.site], -turn.sending_since)).scope.cancel()

    def _begin(self, turn: AnswerTurn) -> None:
        self._turns.append(turn)
        self._open[turn.site] += 1
        turn.begun.set()

    def _end(self, turn: AnswerTurn) -> None:
        self._turns.remove(turn)
        self._open[turn.site] -= 1
        if not self._open[turn.site]:
            del self._open[turn.site]
        free = [waiting for waiting in self._waiting if self._is_free(waiting.site)]
        if free:
            following = min(free, key=lambda waiting: self._open[waiting.site])
            self._waiting.remove(following)
            self._begin(following)

    def _is_free(self, site: str) -> bool:
        return self._open[site] < self._of_one and self._open.total() < self._in_all

    def _refusal(self, site: str) -> RequestProblem:
        whose = "of your address" if self._open[site] >= self._of_one else "of all clients"
        detail = f"too many answers with data {whose} at once: at most {self._of_one} and {self._in_all}"
        return RequestProblem(429, detail, headers={"retry-after": "5"})


def _site(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((int(ip), _SITE), strict=False))
    return str(ip)
