"""What has come of one session and is not in chunks on disk yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rta.archive.item import Key, Timed, item_results, key_of, without_length
from rta.archive.list_decoding import read_series
from rta.archive.plan import BurstPlan
from rta.archive.result_encoding import encode_series, result_limits
from rta.archive.results import Results, chunks_of
from rta.archive.scan import scan_items
from rta.archive.series import ChannelTypes
from rta.archive.shape import ITEM_KINDS
from rta.wire import Burst, ChannelId, Chunk, Data, DataKind, Event, PeriodicData, RowData, TimestampedData
from rta.wire._pb.stream_pb2 import StreamData
from rta.wire.bit_pattern import PatternCache
from rta.wire.burst import split

__all__ = ["ChunkBuilder"]

_MESSAGES: dict[DataKind, Any] = {
    DataKind.TIMESTAMPED: TimestampedData,
    DataKind.PERIODIC: PeriodicData,
    DataKind.ROW: RowData,
    DataKind.EVENTS: Event,
}
_KINDS = {"timestamped_data", "periodic_data", "row_data", "event"}
_MANY = 16  # items: fewer are read one by one in less time
_SIZES = 64  # of bursts that are remembered
_EACH = 150  # bytes that the objects of a result take beside its own


class _Arrivals:
    """Results of one channel in order of arrival: lists in which the garbage collector has nothing to visit."""

    __slots__ = ("bursts", "ends", "pieces", "starts", "untold")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.bursts: list[int] = []
        """The number of the burst that each result has come with."""
        self.untold: list[Chunk] = []

    def add(self, start: int, end: int, piece: bytes, burst: int) -> None:
        self.pieces.append(piece)
        self.starts.append(start)
        self.ends.append(end)
        self.bursts.append(burst)

    def results(self) -> tuple[Results, npt.NDArray[np.int64]]:
        """With the numbers of the bursts."""
        starts, ends = np.array(self.starts, np.int64), np.array(self.ends, np.int64)
        return Results(list(self.pieces), starts, ends), np.array(self.bursts, np.int64)


class ChunkBuilder:
    """Makes chunks of bursts. Within what is cut at once chunks do not overlap; they may overlap earlier ones.

    A result goes into its chunk as it came if it may, and is decoded only where that is needed: its samples are not in
    order, it is too long, or it begins before others have ended.
    """

    def __init__(self, types: ChannelTypes) -> None:
        """`types` is looked at whenever it is needed, and may grow meanwhile."""
        self._types = types
        self._arrivals: dict[Key, _Arrivals] = {}
        self._by_number: dict[int, _Arrivals] = {}
        """The same of timestamped and periodic data: by channel and the first byte of the item, which is faster."""
        self._widths: dict[int, int] = {}
        """Bytes of a sample of channels whose type was known when it was asked for."""
        self._plans: PatternCache[BurstPlan] = PatternCache()
        self._sizes: dict[int, bytes] = {}
        """Of the items of the last burst of a size."""
        self._planned: dict[BurstPlan, tuple[list[int], list[bytes]]] = {}
        """Bursts that are held as they came, with their numbers."""
        self._bursts = 0
        self.held = 0
        """Bytes, about."""

    def feed(self, burst: Burst) -> None:
        """The next burst."""
        if not burst.has_data and not burst.has_events:
            return
        raw = burst.raw()
        size = len(raw)
        self._bursts += 1
        self.held += size
        plan = self._plans.get(size)
        if plan is not None and plan.fits(raw):
            numbers, raws = self._planned.setdefault(plan, ([], []))
            numbers.append(self._bursts)
            raws.append(raw)
            return
        parts = split(raw)
        self._read(raw, parts)
        if self._plans.admits(size, self._likeness(size, parts)):
            self._plans.add(size, BurstPlan.from_burst(raw))

    def _likeness(self, size: int, parts: list[bytes]) -> bytes:
        """The same object as for the last burst of this size if their items have the same sizes."""
        sizes = np.fromiter(map(len, parts), np.uint32, len(parts)).tobytes()
        last = self._sizes.get(size)
        if last == sizes:
            return last
        if len(self._sizes) >= _SIZES:
            self._sizes.clear()
        self._sizes[size] = sizes
        return sizes

    def _read(self, raw: bytes, parts: list[bytes]) -> None:
        scanned = scan_items(raw, parts, self._width) if len(parts) >= _MANY else None
        if scanned is None:
            for part in parts:
                self._read_item(part)
            return
        burst = self._bursts
        for part, plain, channel, start, end in zip(parts, *scanned, strict=True):
            if not plain:
                self._read_item(part)
                continue
            number = channel << 8 | part[0]
            arrivals = self._by_number.get(number)
            if arrivals is None:
                arrivals = self._arrivals_of((ITEM_KINDS[part[0]], (channel,)))
                self._by_number[number] = arrivals
            arrivals.add(start, end, part[1:], burst)
        self.held += _EACH * len(parts)

    def _width(self, channel: int) -> int:
        """Bytes of a sample; 0: unknown."""
        width = self._widths.get(channel)
        if width is None:
            known = self._types.get(ChannelId(channel))
            if known is None:
                return 0
            width = self._widths[channel] = known[0].dtype().itemsize
        return width

    def _read_item(self, part: bytes) -> None:
        item = StreamData.FromString(part)
        member = item.WhichOneof("data")
        if member in _KINDS:
            self._add(getattr(item, member))

    def _arrivals_of(self, key: Key) -> _Arrivals:
        arrivals = self._arrivals.get(key)
        if arrivals is None:
            arrivals = self._arrivals[key] = _Arrivals()
        return arrivals

    def _add(self, item: Data) -> None:
        arrivals = self._arrivals_of(key_of(item))
        results = item_results(item, self._types)
        if isinstance(results, Chunk):
            self.held += _EACH
            arrivals.untold.append(results)
        else:
            self.held += _EACH * len(results)
            for result in results:
                arrivals.add(*result, self._bursts)

    def cut(self) -> list[Chunk]:
        """All as chunks, by kind and channels; nothing is held then."""
        chunks = [chunk for key in sorted(self._keys(), key=_rank) for chunk in self._chunks(key)]
        self.clear()
        return chunks

    def clear(self) -> None:
        """Nothing is held then. What has been learned of bursts that come again is kept: a new builder is slower."""
        self._arrivals.clear()
        self._by_number.clear()
        self._planned.clear()
        self.held = 0

    def tail(
        self, kind: DataKind, channels: Sequence[tuple[int, int]], start: int | None, end: int | None
    ) -> list[Chunk]:
        """The chunks of these that have samples of the time from `start` to `end`, both inclusive. All stays here.

        `channels`: ranges, both ends inclusive; of events it means nothing.
        """
        keys = [
            (k, own)
            for k, own in self._keys()
            if k is kind and (k is DataKind.EVENTS or any(a <= c <= b for c in own for a, b in channels))
        ]
        return [
            chunk
            for key in sorted(keys, key=_rank)
            for chunk in self._chunks(key)
            if (start is None or chunk.end >= start) and (end is None or chunk.start <= end)
        ]

    def _keys(self) -> set[Key]:
        return set(self._arrivals).union(*[plan.keys for plan in self._planned])

    def _chunks(self, key: Key) -> list[Chunk]:
        kind, channels = key
        results, untold = self._results(key)
        if not results.is_sorted:
            if kind in (DataKind.ROW, DataKind.EVENTS):
                results = results.sorted()
            else:
                series = read_series(kind, channels[0], results.raw(), self._types).sorted()
                results = encode_series(channels[0], series, result_limits(series, 0 if results.is_spread else None))
        chunks = chunks_of(kind, channels, results)
        return sorted(chunks + untold, key=lambda chunk: chunk.start) if untold else chunks

    def _results(self, key: Key) -> tuple[Results, list[Chunk]]:
        """All of one channel, in order of arrival."""
        parts: list[Results] = []
        numbers: list[npt.NDArray[np.int64]] = []
        untold: list[Chunk] = []
        arrivals = self._arrivals.get(key)
        if arrivals is not None:
            untold += arrivals.untold
            results, which = arrivals.results()
            parts.append(results)
            numbers.append(which)
        for plan, (bursts, raws) in self._planned.items():
            if key in plan.keys:
                results, plain = plan.results(key, raws, self._types)
                which = np.repeat(np.array(bursts, np.int64), len(plain) // len(bursts))
                if not plain.all():
                    results, which = self._straightened(key, results, which, plain, untold)
                parts.append(results)
                numbers.append(which)
        results = Results.joined(parts)
        if len(parts) > 1:
            order = np.concatenate(numbers)
            if (order[1:] < order[:-1]).any():
                results = results.pick(np.argsort(order, kind="stable"))
        return results, untold

    def _straightened(
        self,
        key: Key,
        results: Results,
        numbers: npt.NDArray[np.int64],
        plain: npt.NDArray[np.bool_],
        untold: list[Chunk],
    ) -> tuple[Results, npt.NDArray[np.int64]]:
        """The same with each that is not plain made into results that are in order."""
        out = _Arrivals()
        times = zip(results.starts.tolist(), results.ends.tolist(), strict=True)
        for number, (start, end), piece, is_plain in zip(numbers.tolist(), times, results.pieces, plain, strict=True):
            timed: list[Timed] | Chunk = [(start, end, piece)]
            if not is_plain:
                timed = item_results(_MESSAGES[key[0]].FromString(without_length(piece)), self._types)
            if isinstance(timed, Chunk):
                untold.append(timed)
            else:
                for result in timed:
                    out.add(*result, number)
        return out.results()


def _rank(key: Key) -> tuple[str, tuple[int, ...]]:
    return key[0].value, key[1]
