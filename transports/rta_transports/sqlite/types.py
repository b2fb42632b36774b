"""The types of the channels of a configuration: found out once, by whoever publishes it, and kept beside it."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from rta.errors import MalformedError
from rta.wire import ByteOrder, ConfigBinding, SampleType, read_configuration
from rta.wire.conversion import bind

__all__ = ["channel_types", "read_types"]

_TYPES = tuple(SampleType)
_ORDERS: tuple[ByteOrder, ...] = ("le", "be")
_row = struct.Struct("<IBB")


def channel_types(text: str) -> bytes:
    """Of the channels of a configuration document, packed. One that cannot be read has none."""
    try:
        bound = bind(read_configuration(text), ConfigBinding(""))
    except MalformedError:
        return b""
    types = {int(channel): (kind, one.byte_order) for one in bound for channel, kind in one.channels.items()}
    return b"".join(
        _row.pack(channel, _TYPES.index(kind), _ORDERS.index(order))
        for channel, (kind, order) in types.items()
        if 0 <= channel < 1 << 32
    )


def read_types(packed: bytes, offset: int) -> Mapping[int, tuple[SampleType, ByteOrder]]:
    """The inverse. `offset`: of the channels on the wire."""
    return {channel + offset: (_TYPES[kind], _ORDERS[order]) for channel, kind, order in _row.iter_unpack(packed)}
