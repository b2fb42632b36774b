"""What a person sees of a live session: the last value, rate and recent course of each parameter. Plain code."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from rta.client.decode import ParameterSamples
from rta.wire.conversion import BoundParameter

__all__ = ["LatestValues", "Line", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_COURSE = 24  # points of a sparkline
_WINDOW = 5.0  # seconds of data over which a rate is taken


@define
class Line:
    """One parameter."""

    name: str
    parameter: BoundParameter | None
    value: Any = None
    timestamp: int = 0
    course: deque[float] = field(factory=lambda: deque(maxlen=_COURSE))
    recent: deque[tuple[int, int]] = field(factory=deque)
    """Items of the last seconds of data: newest timestamp (ns), how many samples."""
    arrived: float = 0.0

    @property
    def unit(self) -> str:
        return self.parameter.unit if self.parameter is not None else ""

    @property
    def text(self) -> str:
        """The last value, formatted."""
        if self.value is None:
            return ""
        if self.parameter is not None:
            return self.parameter.text(self.value)
        return self.value if isinstance(self.value, str) else f"{self.value:.6g}"

    def rate(self, now: float) -> float:
        """Samples per second of data, over the last seconds; 0 once nothing has come for as long."""
        if len(self.recent) < 2 or now - self.arrived > _WINDOW:
            return 0.0
        span = (self.recent[-1][0] - self.recent[0][0]) / 1e9
        return (sum(n for _, n in self.recent) - self.recent[0][1]) / span if span > 0 else 0.0

    def feed(self, sample: ParameterSamples, now: float) -> None:
        """New samples. Those behind what is shown, from a back-fill, change nothing."""
        newest = int(sample.timestamps[-1])
        if newest < self.timestamp:
            return
        last = sample.values[-1]
        self.timestamp, self.arrived = newest, now
        self.value = last if isinstance(last, str) else float(last)
        self.course.extend(float(v) for v in sample.values[-_COURSE:] if not isinstance(v, str))
        self.recent.append((newest, len(sample.values)))
        while self.recent[0][0] < newest - _WINDOW * 1e9:
            self.recent.popleft()


class LatestValues:
    """All parameters of a session that have had a sample, in the order of their first one."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}

    def add(self, samples: Iterable[ParameterSamples], now: float) -> None:
        """Samples that came at `now` (seconds, monotonic)."""
        for sample in samples:
            if len(sample.values):
                self.lines.setdefault(sample.name, Line(sample.name, sample.parameter)).feed(sample, now)


def sparkline(values: Iterable[float]) -> str:
    """A course as a line of bars; what is no finite number is a gap."""
    points = list(values)
    finite = [v for v in points if math.isfinite(v)]
    if not finite:
        return ""
    low, high = min(finite) / 2, max(finite) / 2  # half of each: the difference of two doubles may be none
    span = (high - low) or 1.0
    return "".join(_BARS[int((v / 2 - low) / span * (len(_BARS) - 1))] if math.isfinite(v) else " " for v in points)
