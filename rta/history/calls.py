"""What a node and the process of its history say to each other: pickled, each with its length before it.

The two are one program on one machine, over a pair of sockets that nobody else can reach.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

from rta.history.entry import Bounds, Key

__all__ = ["StoreReply", "Beginning", "StoreCall", "Incoming", "read", "write"]

_LENGTH = struct.Struct("<I")


class StoreCall(NamedTuple):
    """Something to be done."""

    number: int
    """Rises."""
    writes: bool
    """Calls that write are done one by one, in order; others beside them."""
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


class Beginning(NamedTuple):
    """The history as it was opened: the value of the first answer, which nobody has asked for."""

    last: int
    """The greatest position ever used."""
    mark: bytes
    kept: dict[Key, Bounds]
    """Of all streams that have entries."""


def write(said: StoreCall | StoreReply) -> bytes:
    """As it goes over the line."""
    data = pickle.dumps(tuple(said), pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


def read(line: BinaryIO) -> StoreCall | None:
    """The next call, when it is there; None: there are no more."""
    head = line.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = line.read(length)
    return StoreCall(*pickle.loads(data)) if len(data) == length else None  # noqa: S301 - our own node


class Incoming:
    """Answers, from the bytes that come."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[StoreReply]:
        """Those that are complete now."""
        self._data += data
        while len(self._data) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._data)[0]
            if len(self._data) < end:
                return
            with memoryview(self._data) as view:
                answer = StoreReply(*pickle.loads(view[_LENGTH.size : end]))  # noqa: S301 - our own process
            del self._data[:end]
            yield answer
