"""A session as a file gives it, made into chunks as the archive keeps them. Blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from rta.archive import ChunkBuilder, ChunkEncoder, seal, series_of_columns
from rta.importing.spool import ChunkKey, ChunkSpool
from rta.ports import LoadedColumn, SessionColumns
from rta.wire import ByteOrder, Chunk, ConfigBinding, DataKind, SampleType, data_item, make_burst, read_configuration
from rta.wire.burst import Burst
from rta.wire.conversion import bind

__all__ = ["SessionChunks"]

_HELD = 4 << 20  # bytes of bursts


class SessionChunks:
    """Takes the data of one session in any order, and gives its chunks as of a sealed one."""

    def __init__(self, file: IO[bytes]) -> None:
        """`file`: for what has come, until it is asked for."""
        self.samples = 0
        """That have come; an event counts as one."""
        self.types: dict[int, tuple[SampleType, ByteOrder]] = {}
        """Of the channels that are known."""
        self._encoders: dict[ChunkKey, ChunkEncoder] = {}
        self._builder = ChunkBuilder(self.types)
        self._built: set[ChunkKey] = set()
        self._latest: dict[ChunkKey, int] = {}
        self._spool = ChunkSpool(file)

    def know(self, text: str) -> None:
        """Learn the types of the channels from a configuration document.

        :raises MalformedError: it is none.
        """
        for parameter in bind(read_configuration(text), ConfigBinding("")):
            for channel, kind in parameter.channels.items():
                self.types[channel] = kind, parameter.byte_order

    def add(self, data: SessionColumns) -> None:
        """The next columns and events."""
        for column in data.columns:
            self._add_column(column)
        if data.events:
            self.samples += len(data.events)
            self.feed(make_burst([data_item(event) for event in data.events]))

    def feed(self, burst: Burst) -> None:
        """The next burst."""
        self._builder.feed(burst)
        if self._builder.held >= _HELD:
            self._cut()

    def _add_column(self, column: LoadedColumn) -> None:
        kind = DataKind.TIMESTAMPED if column.interval is None else DataKind.PERIODIC
        key: ChunkKey = kind, (column.channel,)
        series = series_of_columns(column.times, column.values, column.kind, interval=column.interval)
        self.samples += len(column.times)
        encoder = self._encoders.get(key)
        if encoder is not None and int(series.times[0]) < self._latest[key]:  # an encoder takes samples in order only
            self._spool.add(encoder.end())
            encoder = None
        if encoder is None:
            encoder = self._encoders[key] = ChunkEncoder(kind, key[1])
        self._latest[key] = int(series.times[-1])
        self._spool.add(encoder.feed(series))

    def _cut(self) -> None:
        chunks = self._builder.cut()
        self._built.update((chunk.kind, chunk.channels) for chunk in chunks)
        self._spool.add(chunks)

    def end(self) -> Iterator[Chunk]:
        """All chunks, those of one kind and channel in a row."""
        self._cut()
        for encoder in self._encoders.values():
            self._spool.add(encoder.end())
        for key in self._spool.keys:
            if key not in self._built and self._spool.are_apart(key):
                yield from (chunk for _, chunk in self._spool.chunks(key))
            else:
                yield from seal(self._spool.chunks(key), self.types)
