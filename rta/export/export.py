"""One export: which columns it has, and its bytes as they are made.

Reads slice by slice, so that what is in memory does not grow with the session. What computes is done in a worker
thread, in pieces. A session that goes on is read up to one flush point, that of the first read.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import Protocol

import trio
from attrs import define, evolve, field, frozen

from rta.errors import FlushPointError, RtaError
from rta.export.columns import ExportColumn, ParameterColumns, sorted_series
from rta.export.events import EVENT_COLUMNS, EventTexts, ToldEvent, event_columns
from rta.export.forms import FORMATS, ExportFormat, table_form
from rta.export.slice_data import SliceData, SliceEvents, SliceSamples, TimeSlice
from rta.export.slices import TimeSlices
from rta.export.source import ExportReader, ExportSource
from rta.export.table import Series
from rta.export.table_writer import ExportPiece, RowPlace, TableWriter
from rta.formatting import shown
from rta.ports.archive import ALL_CHANNELS, ChannelRanges, DataRange, FlushPoint
from rta.wire.chunks import Chunk, DataKind
from rta.wire.session_json import SessionModel

__all__ = ["Export", "ExportRequest", "open_export"]

_SAMPLED = (DataKind.TIMESTAMPED, DataKind.PERIODIC, DataKind.ROW)
_AIM = 1 << 21  # samples in memory
_PART = 1 << 18  # bytes
_TOO_MANY = 4  # times as many: the slice is made shorter


@frozen
class ExportRequest:
    """What is to be exported."""

    identity: str
    format: ExportFormat = FORMATS["csv"]
    parameters: tuple[str, ...] = ()
    """As `rta.wire.parameter_index` reads them; empty: all that have samples."""
    start: int | None = None
    """ns since the Unix epoch, inclusive, as `end`."""
    end: int | None = None
    events: bool = False
    """The events instead of the samples. An MCAP file of all parameters has both in any case."""


class _Writer(Protocol):
    def begin(self) -> ExportPiece: ...

    def add(self, columns: list[Series | None], events: list[ToldEvent]) -> Iterator[ExportPiece]: ...

    def end(self) -> Iterator[ExportPiece]: ...


@define
class Export:
    """An export that can be written; made by `open_export`."""

    request: ExportRequest
    model: SessionModel
    _source: ExportSource
    _aim: int
    columns: list[ExportColumn] = field(init=False, factory=list)
    upto: FlushPoint | None = field(init=False, default=None)
    """All of the session up to here is in it, and nothing that was recorded behind; None: there is no such point."""
    samples: int = field(init=False, default=0)
    """How many have been written by now."""
    events: int = field(init=False, default=0)
    reached: int | None = field(init=False, default=None)
    """ns since the Unix epoch: what is before it has been written."""
    damaged: bool = field(init=False, default=False)
    """Chunks were not as they were written, and have been left out."""
    faults: dict[str, None] = field(init=False, factory=dict)
    """What else could not be read, a sentence each."""
    _parameters: ParameterColumns = field(init=False, factory=ParameterColumns)
    _texts: EventTexts = field(init=False, factory=EventTexts)

    @property
    def share(self) -> float:
        """How much of the time range has been written, from 0 to 1."""
        span = self.model.span
        start = self.request.start if self.request.start is not None or span is None else span.start
        end = self.request.end if self.request.end is not None or span is None else span.end
        if self.reached is None or start is None or end is None or start >= end:
            return 0.0
        return min(max((self.reached - start) / (end - start), 0.0), 1.0)

    async def pieces(self, after: RowPlace | None = None) -> AsyncGenerator[ExportPiece]:
        """All bytes in order. `after`: everything up to here has been written before.

        :raises ArchiveError: the archive cannot be read.
        :raises FlushPointError: the session has gone on, and what it was before is not held any more.
        """
        writer = await trio.to_thread.run_sync(self._writer, after)
        begin = await trio.to_thread.run_sync(writer.begin)
        if after is None:
            yield begin
        slices = TimeSlices(
            self.request.start if after is None else after.time, self.request.end, self.model.span, self._aim
        )
        while not slices.over:
            made = await self._slice(slices, writer)
            while (piece := await trio.to_thread.run_sync(next, made, None)) is not None:
                yield piece
            self.reached = slices.current[0]
        end = writer.end()
        while (piece := await trio.to_thread.run_sync(next, end, None)) is not None:
            yield piece

    async def body(self) -> AsyncGenerator[bytes]:
        """All bytes in order, as the body of an answer: none of them is very large."""
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                for begin in range(0, len(piece.data), _PART):
                    yield piece.data[begin : begin + _PART]

    # ---- before the first byte

    async def prepare(self, upto: FlushPoint | None) -> None:
        """Find out which columns there are. `upto`: all of the session up to here is wanted; None: up to now."""
        self.upto = upto
        for binding in self.model.config_bindings or ():
            configuration = await self._source.configuration(binding.identifier)
            if configuration is None:
                self.faults.setdefault(f"there is no configuration {binding.identifier}")
            else:
                await trio.to_thread.run_sync(self._parameters.add, configuration, binding)
                self._texts.add(configuration)
        if self.request.parameters and not self.request.events:
            self.columns = self._parameters.named(self.request.parameters)
        nothing = DataRange(DataKind.EVENTS, start=0, end=0)
        async with (
            self._source.read(self.request.identity, nothing) if upto is None else self._opened(nothing) as reader
        ):
            self.upto = reader.flush_point
        if self.request.events:
            self.columns = [] if self._both_kinds_fit else list(EVENT_COLUMNS)
        elif not self.request.parameters:
            self.columns = self._parameters.of_channels(await self._channels())

    async def _channels(self) -> set[int]:
        """Those that have samples. They are seen in what is before the samples, which are not decoded."""
        found: set[int] = set()
        for kind in _SAMPLED:
            wanted = DataRange(kind, start=self.request.start, end=self.request.end)
            await self._read(wanted, lambda chunks: found.update(*(chunk.channels for chunk in chunks)))
        return found

    @property
    def _both_kinds_fit(self) -> bool:
        return self.request.format.name == "mcap"

    def _writer(self, after: RowPlace | None) -> _Writer:
        about = {"session": self.model.identity, "identifier": self.model.identifier}
        if self._both_kinds_fit:
            from rta.export.mcap_file import McapFile

            return McapFile(self.columns, about)
        return TableWriter(table_form(self.request.format.name, self.columns, about), self.columns, after)

    # ---- slice by slice

    async def _slice(self, slices: TimeSlices, writer: _Writer) -> Iterator[ExportPiece]:
        """Read a slice: what makes its bytes. `slices` is at the next one then."""
        wanted = {source.channel for column in self.columns for source in column.sources}
        with_events = self.request.events or (self._both_kinds_fit and not self.request.parameters)
        while True:
            piece = TimeSlice(*slices.current, self.faults)
            samples = SliceSamples(piece, self._parameters.reader, wanted)
            events = SliceEvents(piece, self._texts)
            whole = True
            for kind in _SAMPLED if wanted else ():
                whole = whole and await self._read_slice(kind, _ranges(wanted), piece, slices, samples)
            if with_events:
                whole = whole and await self._read_slice(DataKind.EVENTS, ALL_CHANNELS, piece, slices, events)
            if whole:
                break
        slices.end(samples.count + events.count)
        self.samples += samples.count
        self.events += len(events.events)

        def make() -> Iterator[ExportPiece]:
            told = events.in_order()
            if self.request.events and not self._both_kinds_fit:
                columns = event_columns(told)
            else:
                columns = [sorted_series(column, samples.channels) for column in self.columns]
            yield from writer.add(columns, told)

        return make()

    async def _read_slice(
        self, kind: DataKind, channels: ChannelRanges, piece: TimeSlice, slices: TimeSlices, data: SliceData
    ) -> bool:
        """False: there was too much, and the slice has become shorter."""

        def fits() -> bool:
            few = data.count <= _TOO_MANY * self._aim or piece.lowest is None or piece.highest is None
            return few or not slices.split(piece.lowest, piece.highest)  # type: ignore[arg-type]

        return await self._read(DataRange(kind, channels, piece.start, piece.end), data.add, fits)

    async def _read(
        self,
        wanted: DataRange,
        add: Callable[[Sequence[Chunk]], object],
        fits: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Give all chunks to `add`, in a worker thread, for as long as it fits."""
        async with self._opened(wanted) as reader:
            while chunks := await reader.next():
                await trio.to_thread.run_sync(add, chunks)
                if not fits():
                    return False
            self.damaged |= reader.damaged > 0
        return True

    @asynccontextmanager
    async def _opened(self, wanted: DataRange) -> AsyncIterator[ExportReader]:
        """Always the same session. Where the flush point cannot be told any more, nothing may have come behind it."""
        async with AsyncExitStack() as stack:
            read = partial(self._source.read, self.request.identity)
            try:
                reader = await stack.enter_async_context(read(evolve(wanted, upto=self.upto)))
            except FlushPointError:
                reader = await stack.enter_async_context(read(wanted))
                if reader.flush_point != self.upto:
                    raise FlushPointError(
                        f"session {shown(self.request.identity)} has gone on, and what it was is not held any more"
                    ) from None
            yield reader


def _ranges(channels: Collection[int]) -> ChannelRanges:
    """Channel ids as ranges."""
    ranges: list[tuple[int, int]] = []
    for channel in sorted(channels):
        if ranges and channel == ranges[-1][1] + 1:
            ranges[-1] = ranges[-1][0], channel
        else:
            ranges.append((channel, channel))
    return tuple(ranges)


async def open_export(
    source: ExportSource, request: ExportRequest, upto: FlushPoint | None = None, aim: int = _AIM
) -> Export:
    """Find the session, and what is to be exported of it. `upto`: as it was then; None: as it is now. `aim`: about how
    many samples are in memory.

    :raises RtaError: there is no such session; a name is not that of one parameter; the format cannot be written here.
    :raises FlushPointError: what the session was at `upto` is not held any more.
    :raises ArchiveError: the archive cannot be read.
    """
    request.format.require()
    model = await source.session(request.identity)
    if model is None:
        raise RtaError(f"there is no session {shown(request.identity)}")
    export = Export(request, model, source, aim)
    await export.prepare(upto)
    return export
