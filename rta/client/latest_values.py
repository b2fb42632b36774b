"""The last value, the rate and the recent course of each parameter of a live session. No I/O, no clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from rta.client.decode import ParameterSamples
from rta.wire.conversion import BoundParameter

__all__ = ["LatestValues", "ParameterCourse", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_COURSE = 24  # points of a course
_WINDOW = 5.0  # seconds of data that a rate is measured over


@define
class ParameterCourse:
    """One parameter: its last value, and what came before."""

    name: str
    parameter: BoundParameter | None
    value: Any = None
    timestamp: int = 0
    course: deque[float] = field(factory=lambda: deque(maxlen=_COURSE))
    recent: deque[tuple[int, int]] = field(factory=deque)
    """Items of the last seconds of data: the newest timestamp (ns) and the number of samples of each."""
    arrived: float = 0.0
    """When the last sample came, in monotonic seconds."""

    @property
    def unit(self) -> str:
        return self.parameter.unit if self.parameter is not None else ""

    @property
    def text(self) -> str:
        """The last value as text; empty if there is none."""
        if self.value is None:
            return ""
        if self.parameter is not None:
            return self.parameter.text(self.value)
        return self.value if isinstance(self.value, str) else f"{self.value:.6g}"

    def rate(self, now: float) -> float:
        """Samples per second of data in the last seconds; 0 when nothing has come for that long."""
        if len(self.recent) < 2 or now - self.arrived > _WINDOW:
            return 0.0
        span = (self.recent[-1][0] - self.recent[0][0]) / 1e9
        return (sum(n for _, n in self.recent) - self.recent[0][1]) / span if span > 0 else 0.0

    def feed(self, sample: ParameterSamples, now: float) -> None:
        """Add samples that came at `now`. Samples older than the last value, from a back-fill, change nothing."""
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
    """All parameters of a session that have had a sample, in the order of their first samples."""

    def __init__(self) -> None:
        self.parameters: dict[str, ParameterCourse] = {}

    def add(self, samples: Iterable[ParameterSamples], now: float) -> None:
        """Add samples that came at `now` (monotonic seconds)."""
        for sample in samples:
            if len(sample.values):
                self.parameters.setdefault(sample.name, ParameterCourse(sample.name, sample.parameter)).feed(
                    sample, now
                )


def sparkline(values: Iterable[float]) -> str:
    """A course as a line of bars; a value that is not finite is a gap."""
    points = list(values)
    finite = [v for v in points if math.isfinite(v)]
    if not finite:
        return ""
    low, high = min(finite) / 2, max(finite) / 2  # half of each: the difference of two doubles may be infinite
    span = (high - low) or 1.0
    return "".join(_BARS[int((v / 2 - low) / span * (len(_BARS) - 1))] if math.isfinite(v) else " " for v in points)
