"""The aggregates of one window, computed sample by sample in little memory."""

from __future__ import annotations

from array import array
from math import fsum, isfinite, sqrt

import numpy as np

from rta.rsmp.message import Value
from rta.stream.definition import Aggregate

__all__ = ["MEDIAN_LIMIT", "Accumulator"]

MEDIAN_LIMIT = 1 << 20
"""The most numbers in a window that has a median."""

_RECENT = 256  # samples that are added up together: that is exact, and cheap


class Accumulator:
    """Aggregates the samples of a window. Numbers are finite; other values are only counted."""

    __slots__ = (
        "_all",
        "_count",
        "_max",
        "_mean",
        "_min",
        "_numbers",
        "_recent",
        "_squares",
        "_sum",
        "_wants",
        "overflowed",
    )

    def __init__(self, wants: tuple[Aggregate, ...]) -> None:
        self._wants = frozenset(wants)
        self._count = 0
        self._recent: list[int | float] = []
        self._numbers = 0
        self._sum: int | float = 0
        self._mean = 0.0
        self._squares = 0.0  # of the distances from the mean
        self._min: int | float | None = None
        self._max: int | float | None = None
        self._all: array[float] | None = array("d") if Aggregate.MEDIAN in self._wants else None
        self.overflowed = False
        """There were too many numbers for a median."""

    def add(self, value: Value) -> None:
        """Add a sample, in any order."""
        self._count += 1
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._recent.append(value)
            if len(self._recent) == _RECENT:
                self._fold()

    def result(self, aggregate: Aggregate) -> Value:
        """The value of an aggregate: null where there is no number, and where it would not be finite."""
        self._fold()
        if aggregate is Aggregate.COUNT:
            return self._count
        if not self._numbers:
            return None
        match aggregate:
            case Aggregate.SUM:
                return _finite(self._sum)
            case Aggregate.AVG:
                return _finite(self._sum / self._numbers)
            case Aggregate.MIN:
                return self._min
            case Aggregate.MAX:
                return self._max
            case Aggregate.STD:
                return _finite(sqrt(self._squares / self._numbers))
            case Aggregate.MEDIAN:
                return self._median()

    def _fold(self) -> None:
        recent = self._recent
        if not recent:
            return
        self._recent = []
        added = sum(recent)
        if isinstance(added, int) and isinstance(self._sum, int):
            self._sum += added
        else:
            self._sum = _exact_sum([self._sum, *recent])
        if Aggregate.STD in self._wants:
            self._spread(recent)
        low, high = min(recent), max(recent)
        self._min = low if self._min is None else min(self._min, low)
        self._max = high if self._max is None else max(self._max, high)
        self._numbers += len(recent)
        if self._all is not None:
            if self._numbers > MEDIAN_LIMIT:
                self._all, self.overflowed = None, True
            else:
                self._all.extend(recent)

    def _spread(self, recent: list[int | float]) -> None:
        """Join two variances by Chan's method."""
        count = len(recent)
        mean = _exact_sum(recent) / count
        squares = _exact_sum([(value - mean) * (value - mean) for value in recent])
        distance = mean - self._mean
        total = self._numbers + count
        self._squares += squares + distance * distance * self._numbers * count / total
        self._mean += distance * count / total

    def _median(self) -> Value:
        if self._all is None:
            return None
        half = len(self._all) // 2
        numbers = np.frombuffer(self._all, dtype=np.float64)  # not a copy: it is sorted in place
        if len(self._all) % 2:
            numbers.partition(half)
            return _whole(float(numbers[half]), self._sum)
        numbers.partition((half - 1, half))
        low, high = float(numbers[half - 1]), float(numbers[half])
        return _whole(low + high if low == high == 0 else low / 2 + high / 2, self._sum)


def _exact_sum(numbers: list[int | float]) -> float:
    try:
        return fsum(numbers)
    except (OverflowError, ValueError):  # beyond the range of a float: null in the end
        return float("inf")


def _finite(value: int | float) -> int | float | None:
    return value if isfinite(value) else None


def _whole(value: float, total: int | float) -> int | float:
    """As an integer if the samples were integers."""
    return int(value) if isinstance(total, int) and value.is_integer() else value
