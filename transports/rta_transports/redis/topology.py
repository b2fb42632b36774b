"""Which server has a key: the only one, the primary that the Sentinels name, or a Cluster's."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, Self

import trio
from redis.connection import AbstractConnection
from redis.crc import key_slot

from rta.errors import NotConnectedError, TransportError, UnreadableError
from rta_transports.redis.connection import RedisConnection, Reply, ServerError, answer_within, connect

__all__ = ["ServerAddress", "Cluster", "Fixed", "Sentinels", "Topology"]


class ServerAddress(NamedTuple):
    """A server."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, port: int = 6379) -> Self:
        """`host`, `host:port` or `[host]:port`.

        :raises ValueError: the port is no number.
        """
        if text.startswith("["):
            host, _, rest = text[1:].partition("]")
            return cls(host, int(rest[1:]) if rest.startswith(":") else port)
        if text.count(":") > 1:
            return cls(text, port)  # a bare IPv6 address
        host, colon, number = text.rpartition(":")
        return cls(host, int(number)) if colon else cls(text, port)


class Topology(Protocol):
    """Where keys are."""

    def locate(self, key: bytes | None) -> ServerAddress:
        """The server that has a key; None: any that has keys.

        :raises NotConnectedError: nobody has it for now.
        """
        ...

    def primaries(self) -> list[ServerAddress]:
        """Every server that has keys of its own."""
        ...

    async def refresh(self, timeout: float) -> bool:
        """Find out anew; whether something has changed.

        :raises NotConnectedError: nobody can be asked.
        """
        ...


class Fixed:
    """The one server there is."""

    def __init__(self, address: ServerAddress) -> None:
        self._address = address

    def locate(self, key: bytes | None) -> ServerAddress:
        return self._address

    def primaries(self) -> list[ServerAddress]:
        return [self._address]

    async def refresh(self, timeout: float) -> bool:
        await trio.lowlevel.checkpoint()
        return False


Make = Callable[[ServerAddress], AbstractConnection]


class Sentinels:
    """The primary of a service."""

    def __init__(self, sentinels: Sequence[ServerAddress], service: str, make: Make) -> None:
        self._sentinels = list(sentinels)
        self._service = service
        self._make = make
        self._primary: ServerAddress | None = None

    def locate(self, key: bytes | None) -> ServerAddress:
        if self._primary is None:
            raise NotConnectedError(f"no Sentinel has named the primary of {self._service!r} yet")
        return self._primary

    def primaries(self) -> list[ServerAddress]:
        return [self.locate(None)]

    async def refresh(self, timeout: float) -> bool:
        failures = []
        for sentinel in list(self._sentinels):
            try:
                (reply,) = await _ask(
                    sentinel, self._make, timeout, ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
                )
            except TransportError as e:
                failures.append(str(e))
                continue
            if not reply:
                failures.append(f"the Sentinel at {sentinel} does not know {self._service!r}")
                continue
            # The one that answered is asked first next time.
            self._sentinels.remove(sentinel)
            self._sentinels.insert(0, sentinel)
            primary = ServerAddress(reply[0].decode(), int(reply[1]))
            changed, self._primary = primary != self._primary, primary
            return changed
        raise NotConnectedError("; ".join(failures))


class Cluster:
    """Slots and who has them."""

    def __init__(self, start: ServerAddress, make: Make) -> None:
        self._make = make
        self._start = start
        self._first_slots: list[int] = []
        self._ranges: list[tuple[int, int, ServerAddress]] = []

    def locate(self, key: bytes | None) -> ServerAddress:
        if not self._ranges:
            raise NotConnectedError("the Cluster has not told its slots yet")
        slot = self._ranges[0][0] if key is None else key_slot(key)
        at = bisect_right(self._first_slots, slot) - 1
        if at < 0 or slot > self._ranges[at][1]:
            raise NotConnectedError(f"slot {slot} of the Cluster is served by nobody")
        return self._ranges[at][2]

    def primaries(self) -> list[ServerAddress]:
        return sorted({address for _, _, address in self._ranges})

    async def refresh(self, timeout: float) -> bool:
        failures = []
        for node in [*dict.fromkeys([*self.primaries(), self._start])]:
            try:
                (reply,) = await _ask(node, self._make, timeout, ("CLUSTER", "SLOTS"))
            except TransportError as e:
                failures.append(str(e))
                continue
            ranges = sorted((first, last, _node(primary, node)) for first, last, primary, *_ in reply)
            changed, self._ranges = ranges != self._ranges, ranges
            self._first_slots = [first for first, _, _ in ranges]
            return changed
        raise NotConnectedError("; ".join(failures))


def _node(primary: Sequence[Any], asked: ServerAddress) -> ServerAddress:
    host = (primary[0] or b"").decode()
    return ServerAddress(host or asked.host, primary[1])


async def _ask(address: ServerAddress, make: Make, timeout: float, command: tuple[Any, ...]) -> list[Reply]:
    where = f"Redis at {address}"
    connection: RedisConnection | None = None
    try:
        with answer_within(timeout, where):
            connection = await connect(lambda: make(address), timeout, where)
            replies = await connection.ask(command)
    finally:
        if connection is not None:
            connection.close()
    for reply in replies:
        if isinstance(reply, ServerError):
            raise UnreadableError(f"{where} refuses: {reply}")
    return replies
