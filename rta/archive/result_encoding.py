"""From arrays of samples to results: which samples are in one, and its bytes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rta.archive.results import LATEST, LENGTHS, LIST_SPAN, RESULT_LIMIT, RESULT_SAMPLES, Results, spans
from rta.archive.series import Series
from rta.wire.varints import pack_varints, varint

__all__ = ["encode_series", "result_limits"]

Int64 = npt.NDArray[np.int64]

_ZERO = bytes(8)


def result_limits(series: Series, short: int | None = None) -> Int64:
    """Where results begin, and where the last ends.

    :param series: sorted.
    :param short: how many results there may be because samples are far apart, which make a chunk each; None: any
        number. Where there were more, results have as many samples as they may have, whatever time they cover.
    """
    limits, runs = _limits(series, RESULT_SAMPLES)
    times = series.times
    if not len(times) or not (spans(times[limits[:-1]], times[limits[1:] - 1]) > LIST_SPAN).any():
        return limits
    found = _short_results(times, runs, None if short is None else len(limits) + short)
    return _limits(series, RESULT_LIMIT)[0] if found is None else found


def _limits(series: Series, most: int) -> tuple[Int64, Int64]:
    """Where results of so many samples at the most begin, and where the last ends; and the same of what can be in one
    result."""
    times, n = series.times, len(series.times)
    breaks = np.zeros(n, np.bool_)
    if not isinstance(series.widths, int):
        breaks[1:] |= series.widths[1:] != series.widths[:-1]
    if series.intervals is not None:
        breaks[1:] |= series.intervals[1:] != series.intervals[:-1]
        breaks[1:] |= times[1:] - times[:-1] != series.intervals[:-1]
    if breaks.any():
        breaks[0] = True
        runs = np.flatnonzero(breaks)
        index = np.arange(n) - np.repeat(runs, np.diff(runs, append=n))
        limits = np.flatnonzero(index % most == 0)
    else:
        runs = np.zeros(1, np.int64)
        limits = np.arange(0, n, most)
    return np.append(limits, n), np.append(runs, n)


def _short_results(times: Int64, runs: Int64, most: int | None) -> Int64 | None:
    """The same where samples are so rare that results end for that. None: there are more than `most`."""
    out = [0]
    for run_end in runs[1:].tolist():
        while out[-1] < run_end:
            if most is not None and len(out) > most:
                return None
            at = out[-1]
            latest = min(int(times[at]) + LIST_SPAN, LATEST)
            window = times[at : min(at + RESULT_SAMPLES, run_end)]
            out.append(at + int(np.searchsorted(window, latest, "right")))
    return np.array(out, np.int64)


def encode_series(channel: int, series: Series, limits: Int64) -> Results:
    """Timestamped or periodic results, as the series is."""
    begins, ends = limits[:-1], limits[1:]
    starts = series.times[begins]
    if series.intervals is None:
        middles = _timestamped_middles(series.times, limits)
    else:
        middles = [
            (b"\x18" + varint(interval) if interval else b"") + b"\x20" + varint(count) + b"\x2a"
            for interval, count in zip(series.intervals[begins].tolist(), (ends - begins).tolist(), strict=True)
        ]
    head = b"\x08" + varint(channel) if channel else b""
    moments = [b"\x11" + start if start != _ZERO else b"" for start in _each(starts.astype("<i8"))]
    pieces = []
    for moment, middle, buffer in zip(moments, middles, _buffers(series, limits), strict=True):
        message = b"".join((head, moment, middle, LENGTHS[len(buffer)], buffer))
        pieces.append(LENGTHS[len(message)] + message)
    return Results(pieces, starts, series.times[ends - 1])


def _each(array: npt.NDArray[np.generic]) -> list[bytes]:
    """The bytes of each element."""
    raw, width = array.tobytes(), array.dtype.itemsize
    return [raw[i : i + width] for i in range(0, len(raw), width)]


def _buffers(series: Series, limits: Int64) -> list[bytes]:
    bounds = limits.tolist()
    if isinstance(series.widths, int):
        width, raw = series.widths, series.samples.tobytes()
        return [raw[begin * width : end * width] for begin, end in pairwise(bounds)]
    widths = series.widths[limits[:-1]].tolist()
    return [series.samples[b:e, :w].tobytes() for (b, e), w in zip(pairwise(bounds), widths, strict=True)]


def _timestamped_middles(times: Int64, limits: Int64) -> list[bytes]:
    """Scale and deltas of each result, up to the tag of the buffer."""
    begins, counts = limits[:-1], np.diff(limits)
    deltas = np.diff(times, prepend=times[:1])
    deltas[begins] = 0
    scales = np.gcd.reduceat(deltas, begins)
    divisors = np.maximum(scales, 1)
    if len(divisors) and (divisors == divisors[0]).all():
        units = deltas // divisors[0]
    else:
        units = deltas // np.repeat(divisors, counts)
    packed, at = pack_varints(units)
    return [
        (b"\x18" + varint(scale) if scale else b"") + b"\x22" + LENGTHS[end - begin] + packed[begin:end] + b"\x2a"
        for scale, (begin, end) in zip(scales.tolist(), pairwise(at[limits].tolist()), strict=True)
    ]
