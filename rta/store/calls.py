"""What we and the process of a store say to each other: pickled, each with its length before it.

The two are one program on one machine, over a pair of sockets that nobody else can reach. Bytes of some size are not
copied on their way into the socket, and once on their way out of it.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

__all__ = ["IncomingReplies", "StoreCall", "StoreReply", "read", "write"]

_LENGTH = struct.Struct("<I")
_ROOM = 1 << 18  # bytes that are received at once
_KEPT = 8 << 20  # of room that is kept for the next large reply


class StoreCall(NamedTuple):
    """Something to be done."""

    number: int
    """Rises."""
    writes: bool
    """Calls that write are done one by one, in order; others beside them."""
    cursor: int | None
    """Calls of one cursor that do not write are done one by one, in order."""
    work: Callable[..., Any]
    """A function that both sides can import. The store is its first argument."""
    arguments: tuple[Any, ...]


class StoreReply(NamedTuple):
    """What has become of it."""

    number: int
    value: Any
    error: Exception | None
    damage: list[str]
    """What has been found damaged since the answer before."""


class _Pieces(list[bytes]):
    """A file for `pickle`, which gives large bytes to it as they are."""

    write = list.append


def write(said: StoreCall | StoreReply) -> list[bytes]:
    """As it goes over the line, in pieces."""
    pieces = _Pieces()
    pickle.dump(tuple(said), pieces, pickle.HIGHEST_PROTOCOL)
    pieces[0] = _LENGTH.pack(sum(map(len, pieces))) + pieces[0]
    return pieces


def read(line: BinaryIO) -> StoreCall | None:
    """The next call, when it is there; None: there are no more."""
    head = line.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = line.read(length)
    return StoreCall(*pickle.loads(data)) if len(data) == length else None  # noqa: S301 - our own other end


class IncomingReplies:
    """Replies, from the bytes that come."""

    def __init__(self) -> None:
        self._data = bytearray(_ROOM)
        self._end = 0

    def room(self) -> memoryview:
        """Where the next bytes go; released before `feed`."""
        return memoryview(self._data)[self._end :]

    def feed(self, count: int) -> Iterator[StoreReply]:
        """So many have come: those that are complete now."""
        self._end += count
        start, needed = 0, _ROOM
        while self._end - start >= _LENGTH.size:
            stop = start + _LENGTH.size + _LENGTH.unpack_from(self._data, start)[0]
            if stop > self._end:
                needed = max(needed, stop - start)
                break
            with memoryview(self._data) as view:
                reply = StoreReply(*pickle.loads(view[start + _LENGTH.size : stop]))  # noqa: S301 - our own process
            start = stop
            yield reply
        if start or needed > len(self._data):  # else the rest of a large reply would be moved with each part of it
            rest = self._data[start : self._end]
            if len(self._data) < needed or len(self._data) > _KEPT:
                self._data = bytearray(needed)
            self._data[: len(rest)] = rest
            self._end = len(rest)
