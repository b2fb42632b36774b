"""How many connections each address has, those of trusted proxies aside."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rta.ports.client_address import read_address, site_of
from rta_transports.websocket.head import RequestHead

__all__ = ["Addresses"]


class Addresses:
    """Counts connections by where they come from."""

    def __init__(self, trusted: Sequence[str], limit: int) -> None:
        """`trusted`: the addresses and networks of proxies; `limit`: connections from one address."""
        self._trusted = [ipaddress.ip_network(a, strict=False) for a in trusted]
        self._limit = limit
        self._open: Counter[str] = Counter()

    def trusts(self, peer: str) -> bool:
        """Whether it is a proxy that speaks for others."""
        ip = read_address(peer) if self._trusted else None
        return ip is not None and any(ip in network for network in self._trusted)

    def behind(self, peer: str, head: RequestHead) -> str:
        """The client's own address: the last one in X-Forwarded-For that a trusted proxy vouches for."""
        hops = [*head.tokens("x-forwarded-for"), peer]
        while len(hops) > 1 and self.trusts(hops[-1]):
            hops.pop()
        return hops[-1]

    @contextmanager
    def counted(self, peer: str) -> Iterator[bool]:
        """Count one while the block lasts; whether it is within the limit."""
        key = site_of(peer) or peer[:64]
        self._open[key] += 1
        try:
            yield self._open[key] <= self._limit
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
