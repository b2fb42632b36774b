"""When a session's samples are passed on: at once where it is live, each in its moment where it keeps its time. Plain
code; `wall` is the wall time now.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping

from rta.stream.clock import LIVE, StreamClock, Tempo
from rta.stream.sample import Sample
from rta.wire.values import Ns

__all__ = ["SamplePacer", "SampleSchedule", "Samples"]

Samples = Mapping[str, list[Sample]]
"""Samples by the code of their status."""

_SLACK = 100_000_000  # ns that a sample may take from its source to us
_AHEAD = 180 * 1_000_000_000  # ns of wall time that a sample is waited for at most


class SamplePacer:
    """Gives the clock of one run of a session after another. A clock begins with the first samples of its run."""

    def __init__(self) -> None:
        self._clock: StreamClock | None = None

    def begin_anew(self) -> None:
        """The next samples are of another run."""
        self._clock = None

    def clock(self, found: Samples, tempo: Tempo | None, wall: Ns, at_newest: bool) -> StreamClock:
        """The clock of these samples, of which there is at least one. `at_newest`: if the clock begins with them, it
        begins with the newest, otherwise with the oldest.
        """
        if self._clock is None:
            self._clock = LIVE if tempo is None else _begin(found, tempo, wall, at_newest)
        return self._clock


def _begin(found: Samples, tempo: Tempo, wall: Ns, at_newest: bool) -> StreamClock:
    """Late enough for samples to be here before their moment, whenever their source sends them."""
    times = [sample.ts for samples in found.values() for sample in samples]
    first = max(times) if at_newest else min(times)
    return StreamClock(first, Ns(wall + tempo.delay + _SLACK), tempo.speed)


class SampleSchedule:
    """Samples that wait for their moments, so that the timers of streams and the samples are in order at any speed."""

    def __init__(self, found: Samples, clock: StreamClock) -> None:
        self._clock = clock
        self._waiting = sorted(
            ((sample.ts, code, sample) for code, samples in found.items() for sample in samples), key=lambda w: w[0]
        )
        self._times = [ts for ts, _, _ in self._waiting]
        self._next = 0

    def __len__(self) -> int:
        return len(self._waiting) - self._next

    def wait(self, wall: Ns) -> float:
        """Seconds until the next is due. One that is further ahead than three minutes is due now."""
        wait = self._clock.wall_at(self._times[self._next]) - wall
        return wait / 1e9 if 0 < wait <= _AHEAD else 0.0

    def pop_due(self, wall: Ns) -> dict[str, list[Sample]]:
        """Those that are due, by status; the next in any case."""
        due = max(bisect_right(self._times, self._clock.now(wall)), self._next + 1)
        by_code: dict[str, list[Sample]] = defaultdict(list)
        for _, code, sample in self._waiting[self._next : due]:
            by_code[code].append(sample)
        self._next = due
        return by_code
