"""From a burst to columns: the raw samples of each channel, as arrays. What they mean is `rta.wire.conversion`."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rta.errors import MalformedError
from rta.wire.burst import Burst, RowData
from rta.wire.chunks import DataKind
from rta.wire.conversion import BoundParameter
from rta.wire.samples import ByteOrder, SampleType, decode_periodic, decode_timestamped
from rta.wire.values import ChannelId

__all__ = ["Column", "ColumnReader"]

_BY_WIDTH = {8: SampleType.F64, 4: SampleType.F32, 2: SampleType.U16, 1: SampleType.U8}
_KINDS = {
    "timestamped_data": DataKind.TIMESTAMPED,
    "periodic_data": DataKind.PERIODIC,
    "row_data": DataKind.ROW,
}
_ROWS = 64  # layouts of rows that are remembered


class Column(NamedTuple):
    """Samples of one channel: two arrays of the same shape (n,), n at least 1."""

    channel: ChannelId
    timestamps: npt.NDArray[np.int64]
    """ns since the Unix epoch."""
    samples: npt.NDArray[Any]
    """Of the channel's type, byte order applied."""


class ColumnReader:
    """Knows the types of a session's channels."""

    def __init__(self) -> None:
        self._types: dict[ChannelId, tuple[SampleType, ByteOrder]] = {}
        self._rows: dict[tuple[int, ...], np.dtype[Any] | MalformedError] = {}

    def know(self, parameters: Iterable[BoundParameter]) -> None:
        """Learn the types of their channels."""
        for parameter in parameters:
            for channel, kind in parameter.channels.items():
                self._types[channel] = kind, parameter.byte_order
        self._rows.clear()

    def know_types(self, types: Mapping[int, tuple[SampleType, ByteOrder]], offset: int) -> None:
        """The same for channels of which nothing but the type is known. `offset`: of their ids on the wire."""
        self._types.update((ChannelId(channel + offset), how) for channel, how in types.items())
        self._rows.clear()

    def knows(self, channel: ChannelId) -> bool:
        """Whether a type has been given for it."""
        return channel in self._types

    def read(
        self,
        burst: Burst,
        wanted: Container[int] | None = None,
        malformed: Callable[[MalformedError], None] = lambda error: None,
    ) -> Iterator[Column]:
        """Item by item; rows of the same channels that follow each other are one item.

        `wanted`: only these channels. The type of an unknown channel is told by the width of its samples, so rows
        with one cannot be read: these are left out and go to `malformed`.
        """
        for field, items in groupby(burst.message().data, lambda item: item.WhichOneof("data")):
            kind = _KINDS.get(field)
            if kind is not None:
                yield from self.read_items(kind, (getattr(item, field) for item in items), wanted, malformed)

    def read_items(
        self,
        kind: DataKind,
        items: Iterable[Any],
        wanted: Container[int] | None = None,
        malformed: Callable[[MalformedError], None] = lambda error: None,
    ) -> Iterator[Column]:
        """The same of items of one kind, such as those of a chunk. Events have no columns."""
        match kind:
            case DataKind.TIMESTAMPED:
                for t in items:
                    if wanted is None or t.channel_id in wanted:
                        how = self._how(t.channel_id, len(t.buffer), len(t.timestamp_deltas))
                        yield from _column(t.channel_id, *decode_timestamped(t, *how))
            case DataKind.PERIODIC:
                for p in items:
                    if wanted is None or p.channel_id in wanted:
                        how = self._how(p.channel_id, len(p.buffer), p.samples)
                        yield from _column(p.channel_id, *decode_periodic(p, *how))
            case DataKind.ROW:
                for channels, rows in groupby(items, lambda row: tuple(row.channel_ids)):
                    if wanted is None or any(c in wanted for c in channels):
                        yield from self._table(channels, rows, wanted, malformed)

    def _how(self, channel: int, size: int, count: int) -> tuple[SampleType, ByteOrder]:
        known = self._types.get(ChannelId(channel))
        if known is not None:
            return known
        return _BY_WIDTH.get(size // count if count > 0 else 8, SampleType.F64), "le"

    def _table(
        self,
        channels: tuple[int, ...],
        rows: Iterable[RowData],
        wanted: Container[int] | None,
        malformed: Callable[[MalformedError], None],
    ) -> Iterator[Column]:
        layout = self._layout(channels)
        times: list[int] = []
        parts: list[bytes] = []
        for row in rows:
            if isinstance(layout, MalformedError):
                malformed(layout)
            elif len(row.buffer) < layout.itemsize:
                malformed(
                    MalformedError("row", f"row data of {len(row.buffer)} bytes; its channels need {layout.itemsize}")
                )
            else:
                times.append(row.timestamp)
                parts.append(row.buffer[: layout.itemsize])
        if parts and not isinstance(layout, MalformedError):
            table = np.frombuffer(b"".join(parts), layout)
            timestamps = np.asarray(times, np.int64)
            for i, channel in enumerate(channels):
                if wanted is None or channel in wanted:
                    yield Column(ChannelId(channel), timestamps, table[str(i)])

    def _layout(self, channels: tuple[int, ...]) -> np.dtype[Any] | MalformedError:
        found = self._rows.get(channels)
        if found is None:
            if len(self._rows) >= _ROWS:
                self._rows.clear()
            found = self._rows[channels] = self._new_layout(channels)
        return found

    def _new_layout(self, channels: tuple[int, ...]) -> np.dtype[Any] | MalformedError:
        """The packed samples of a row; only the configuration tells the widths."""
        unknown = [c for c in channels if ChannelId(c) not in self._types]
        if unknown:
            return MalformedError("row", f"row data of channel {unknown[0]}, whose type is not known")
        kinds = [self._types[ChannelId(c)] for c in channels]
        return np.dtype([(str(i), kind.dtype(order)) for i, (kind, order) in enumerate(kinds)])


def _column(channel: int, timestamps: npt.NDArray[np.int64], samples: npt.NDArray[Any]) -> Iterator[Column]:
    if len(samples):
        yield Column(ChannelId(channel), timestamps, samples)
