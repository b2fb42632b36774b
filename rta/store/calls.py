"""What we and the process of a store say to each other: pickled, with bytes behind it, and the lengths of both before.

The two are one program on one machine, over a pair of sockets that nobody else can reach. Bytes that a reply has behind
its pickle are received where they stay.
"""

from __future__ import annotations

import pickle
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["IncomingReplies", "StoreCall", "StoreReply", "WithBytes", "read", "send_pieces", "write"]

_LENGTHS = struct.Struct("<II")
_ROOM = 1 << 16  # bytes that are received at once, unless more are known to come
_ROOMS = 4
_STEP = 256 << 10
_UNUSED = 2  # references: that of the deque, and that of who counts
_VECTOR = 256  # pieces that the kernel is given at once
_KEPT = 8 << 20  # of room that is kept for the next large reply

T = TypeVar("T")


class WithBytes(NamedTuple, Generic[T]):
    """What a function of a store gives if large bytes belong to it."""

    value: T
    data: Sequence[bytes | memoryview]
    """Any number of pieces. Whoever has asked gets one, unless they are empty."""


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


class _Pieces(list[bytes | memoryview]):
    """A file for `pickle`, which gives large bytes to it as they are."""

    write = list.append


def write(said: StoreCall | StoreReply) -> list[bytes | memoryview]:
    """As it goes over the line, in pieces."""
    behind: Sequence[bytes | memoryview] = ()
    if isinstance(said, StoreReply) and isinstance(said.value, WithBytes):
        behind = said.value.data
        said = said._replace(value=said.value._replace(data=()))
    pieces = _Pieces()
    pickle.dump(tuple(said), pieces, pickle.HIGHEST_PROTOCOL)
    pieces[0] = b"".join((_LENGTHS.pack(sum(map(len, pieces)), sum(map(len, behind))), pieces[0]))
    return [*pieces, *behind]


def send_pieces(link: socket.socket, pieces: Sequence[bytes | memoryview]) -> None:
    """All of what is said, over a socket that blocks.

    :raises OSError: the other end is gone.
    """
    left = [memoryview(piece) for piece in pieces if piece]
    while left:
        sent = link.sendmsg(left[:_VECTOR])
        while left and sent >= len(left[0]):
            sent -= len(left.pop(0))
        if sent:
            left[0] = left[0][sent:]


def read(line: BinaryIO) -> StoreCall | None:
    """The next call, when it is there; None: there are no more."""
    head = line.read(_LENGTHS.size)
    if len(head) < _LENGTHS.size:
        return None
    length, _ = _LENGTHS.unpack(head)  # calls have no bytes behind them
    data = line.read(length)
    return StoreCall(*pickle.loads(data)) if len(data) == length else None  # noqa: S301 - our own other end


class _Rooms:
    """Where large bytes are received: used again once nobody has a view of them, for the kernel takes its time to give
    and to clear memory that is new."""

    def __init__(self) -> None:
        self._rooms: deque[npt.NDArray[np.uint8]] = deque(maxlen=_ROOMS)

    def of(self, size: int) -> memoryview:
        """So many bytes, with anything in them."""
        for i in range(len(self._rooms)):
            if len(self._rooms[i]) >= size and sys.getrefcount(self._rooms[i]) == _UNUSED:
                return self._rooms[i].data[:size]
        room = np.empty(-(-size // _STEP) * _STEP, np.uint8)
        if len(room) <= _KEPT:
            self._rooms.append(room)
        return room.data[:size]


class IncomingReplies:
    """Replies, from the bytes that come."""

    def __init__(self) -> None:
        self._data = bytearray(_ROOM)
        self._end = 0
        self._reply: StoreReply | None = None
        """One that is there but for the bytes behind it."""
        self._behind = memoryview(b"")
        self._filled = 0
        self._rooms = _Rooms()

    def room(self) -> memoryview:
        """Where the next bytes go; released before `feed`."""
        if self._reply is not None:
            return self._behind[self._filled :]
        return memoryview(self._data)[self._end :]

    def feed(self, count: int) -> Iterator[StoreReply]:
        """So many have come: those that are complete now."""
        if self._reply is not None:
            yield from self._fill(count)
            return
        self._end += count
        start, needed = 0, _ROOM
        while self._reply is None and self._end - start >= _LENGTHS.size:
            length, behind = _LENGTHS.unpack_from(self._data, start)
            stop = start + _LENGTHS.size + length
            if stop > self._end:
                needed = max(needed, stop - start)
                break
            with memoryview(self._data) as view:
                reply = StoreReply(*pickle.loads(view[start + _LENGTHS.size : stop]))  # noqa: S301 - our own process
                there = min(behind, self._end - stop)
                self._begin(reply, behind, view[stop : stop + there])
            start = stop + there
            yield from self._fill(0)
        if start or needed > len(self._data):  # else the rest of a large reply would be moved with each part of it
            rest = self._data[start : self._end]
            if len(self._data) < needed or len(self._data) > _KEPT:
                self._data = bytearray(needed)
            self._data[: len(rest)] = rest
            self._end = len(rest)

    def _begin(self, reply: StoreReply, behind: int, there: memoryview) -> None:
        """`there`: what has come of the bytes behind a reply."""
        self._reply = reply
        self._behind = self._rooms.of(behind)
        self._filled = len(there)
        self._behind[: self._filled] = there

    def _fill(self, count: int) -> Iterator[StoreReply]:
        self._filled += count
        if self._reply is not None and self._filled == len(self._behind):
            reply, self._reply = self._reply, None
            data, self._behind = self._behind.toreadonly(), memoryview(b"")
            yield reply._replace(value=reply.value._replace(data=(data,))) if data else reply
