"""All sessions and streams there are in Redis, found without holding it up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from rta_transports.redis.connection import Reply
from rta_transports.redis.keys import STREAMS, Keys, text
from rta_transports.redis.server import Server, good
from rta_transports.redis.topology import ServerAddress

__all__ = ["Directory", "in_batches"]

T = TypeVar("T")

_PAGE = 1000  # keys looked at by one SCAN
_BATCH = 100  # commands sent together


def in_batches(items: Iterable[T], size: int = _BATCH) -> Iterable[list[T]]:
    """Lists of at most `size`."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class Directory:
    """`SCAN`, never `KEYS`; of a Cluster, every primary."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server = server
        self.keys = keys

    async def streams(self) -> list[str]:
        """The names in the set of streams."""
        names: dict[str, None] = {}
        cursor = b"0"
        while True:
            cursor, page = good(await self._server.ask_one(STREAMS, "SSCAN", STREAMS, cursor, "COUNT", _PAGE))
            names.update((text(n), None) for n in page)
            if cursor == b"0":
                return list(names)

    async def ask_each(self, command: str, *rest: Any) -> list[tuple[str, Reply]]:
        """What every session's hash answers to a command, by identity."""
        answers: list[tuple[str, Reply]] = []
        for address in await self._server.primaries():
            for batch in in_batches(await self._session_keys(address)):
                replies = await self._server.ask_at(address, *[(command, key, *rest) for key in batch])
                answers += [(self.keys.identity(key), reply) for key, reply in zip(batch, replies, strict=True)]
        return answers

    async def _session_keys(self, address: ServerAddress) -> list[bytes]:
        keys: dict[bytes, None] = {}
        cursor = b"0"
        while True:
            (reply,) = await self._server.ask_at(
                address, ("SCAN", cursor, "MATCH", self.keys.all_sessions, "COUNT", _PAGE)
            )
            cursor, page = good(reply)
            keys |= dict.fromkeys(page)
            if cursor == b"0":
                return list(keys)

    async def ask_streams(self, names: Iterable[str], *command: Any) -> list[tuple[str, Reply]]:
        """What every stream answers to a command; a function in it is called with the stream's name: `Keys.stream`."""
        answers: list[tuple[str, Reply]] = []
        for part in in_batches(names, _PAGE):  # there may be very many, and others are to have their turns
            by_address: dict[ServerAddress, list[str]] = {}
            for name in part:
                by_address.setdefault(self._server.topology.locate(Keys.stream(name)), []).append(name)
            for address, there in by_address.items():
                for batch in in_batches(there):
                    asked = [tuple(word(n) if callable(word) else word for word in command) for n in batch]
                    answers += zip(batch, await self._server.ask_at(address, *asked), strict=True)
        return answers
