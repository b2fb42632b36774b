"""The data of one slice of time, as chunks bring them. Plain code; each call may take some tenths of a second."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, Protocol

from attrs import define, field

from rta.errors import MalformedError
from rta.export.events import EventTexts, ToldEvent
from rta.wire.chunks import Chunk, read_chunk
from rta.wire.columns import ColumnReader

__all__ = ["SliceData", "SliceEvents", "SliceSamples", "TimeSlice"]

_FAULTS = 20  # that are remembered


@define
class TimeSlice:
    """A stretch of time, and what has been seen of it."""

    start: int | None
    """ns since the Unix epoch, inclusive, as `end`; None: without a bound."""
    end: int | None
    faults: dict[str, None] = field(factory=dict)
    """What could not be read, a sentence each."""
    lowest: int | None = None
    """Of the chunks that have come."""
    highest: int | None = None

    def items(self, chunk: Chunk) -> Sequence[Any]:
        """What is in a chunk; nothing, and a fault, where it cannot be read."""
        self.lowest = chunk.start if self.lowest is None else min(self.lowest, chunk.start)
        self.highest = chunk.end if self.highest is None else max(self.highest, chunk.end)
        try:
            return read_chunk(chunk)
        except MalformedError as e:
            self.note(e)
            return []

    def note(self, error: MalformedError) -> None:
        if len(self.faults) < _FAULTS:
            self.faults.setdefault(str(error))

    def holds(self, time: int) -> bool:
        return (self.start is None or self.start <= time) and (self.end is None or time <= self.end)


class SliceData(Protocol):
    """Gets chunks."""

    @property
    def count(self) -> int:
        """How many samples it holds, or what takes as much memory."""

    def add(self, chunks: Sequence[Chunk]) -> None: ...


class SliceSamples:
    """Decodes samples, and keeps of each channel what is within the slice."""

    def __init__(self, piece: TimeSlice, reader: ColumnReader, wanted: Container[int]) -> None:
        self.channels: dict[int, list[Any]] = {}
        """Of each channel, pairs of times and raw samples."""
        self._kept = 0
        self._slice = piece
        self._reader = reader
        self._wanted = wanted

    @property
    def count(self) -> int:
        return self._kept

    def add(self, chunks: Sequence[Chunk]) -> None:
        piece = self._slice
        for chunk in chunks:
            whole = piece.holds(chunk.start) and piece.holds(chunk.end)
            items = piece.items(chunk)
            for channel, times, samples in self._reader.read_items(chunk.kind, items, self._wanted, piece.note):
                if not whole:
                    inside = (times >= (times.min() if piece.start is None else piece.start)) & (
                        times <= (times.max() if piece.end is None else piece.end)
                    )
                    times, samples = times[inside], samples[inside]
                if len(times):
                    self.channels.setdefault(channel, []).append((times, samples))
                    self._kept += len(times)


class SliceEvents:
    """Reads events, and keeps those within the slice."""

    def __init__(self, piece: TimeSlice, texts: EventTexts) -> None:
        self.events: list[ToldEvent] = []
        self._slice = piece
        self._texts = texts

    @property
    def count(self) -> int:
        return len(self.events) * 16  # as much memory as so many samples

    def add(self, chunks: Sequence[Chunk]) -> None:
        for chunk in chunks:
            for event in self._slice.items(chunk):
                if self._slice.holds(event.timestamp):
                    self.events.append(self._texts.tell(event))

    def in_order(self) -> list[ToldEvent]:
        """By their times."""
        return sorted(self.events, key=lambda event: event.timestamp)
