"""How many answers that stream data there are at once, so that neither floods of requests nor slow readers take more
than their share of memory, disk and time."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from rta.rest.problem import RequestProblem

__all__ = ["AnswerTurns"]

_SITE = 64  # bits of an IPv6 address that one site is given at least: the others are its own choice
_PATIENCE = 5.0  # seconds that a request waits for its turn


class AnswerTurns:
    """Turns of requests: so many in all, and so many of one address."""

    def __init__(self, in_all: int = 128, of_one: int = 32, waiting: int = 256) -> None:
        """`waiting`: requests that may wait for their turn, of one address as many as it may have turns."""
        self._in_all = in_all
        self._of_one = of_one
        self._most_waiting = waiting
        self._open: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._ended = trio.Condition()

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Have a turn while the block lasts.

        :raises RequestProblem: 429; there is none within 5 s, or too many wait already.
        """
        site = _site(address)
        if not self._is_free(site):
            await self._wait(site)
        self._open[site] += 1
        try:
            yield
        finally:
            _leave(self._open, site)
            with trio.CancelScope(shield=True):
                async with self._ended:
                    self._ended.notify_all()

    async def _wait(self, site: str) -> None:
        if self._waiting[site] >= self._of_one or self._waiting.total() >= self._most_waiting:
            raise self._refusal(site)
        self._waiting[site] += 1
        try:
            with trio.move_on_after(_PATIENCE) as scope:
                async with self._ended:
                    while not self._is_free(site):
                        await self._ended.wait()
        finally:
            _leave(self._waiting, site)
        if scope.cancelled_caught:
            raise self._refusal(site)

    def _is_free(self, site: str) -> bool:
        return self._open[site] < self._of_one and self._open.total() < self._in_all

    def _refusal(self, site: str) -> RequestProblem:
        whose = "of your address" if self._open[site] >= self._of_one else "of all clients"
        detail = f"too many answers with data {whose} at once: at most {self._of_one} and {self._in_all}"
        return RequestProblem(429, detail, headers={"retry-after": "5"})


def _leave(counter: Counter[str], site: str) -> None:
    counter[site] -= 1
    if not counter[site]:
        del counter[site]


def _site(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((int(ip), _SITE), strict=False))
    return str(ip)
