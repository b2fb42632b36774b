"""Passing a session's samples on: at once where it is live, each in its moment where it keeps its time."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Awaitable, Callable

import trio

from rta.stream.clock import LIVE, StreamClock, Tempo
from rta.stream.sample import Sample
from rta.wire.values import Ns

__all__ = ["Deliver", "SamplePacer"]

Deliver = Callable[[str, StreamClock, list[Sample]], Awaitable[None]]
"""Takes the samples of a status, and the clock that it lives by from them on."""

_SLACK = 100_000_000  # ns that a sample may take from its source to us
_AHEAD = 180 * 1_000_000_000  # ns of wall time that a sample is waited for at most


class SamplePacer:
    """Owns the clock of one run of a session: it begins with the first sample that is passed on."""

    def __init__(self, deliver: Deliver, wall: Callable[[], int]) -> None:
        """`wall`: ns since the Unix epoch."""
        self._deliver = deliver
        self._wall = wall
        self._clock: StreamClock | None = None

    def begin_anew(self) -> None:
        """What comes next is of another run."""
        self._clock = None

    async def pass_on(self, found: dict[str, list[Sample]], tempo: Tempo | None, at_newest: bool = False) -> None:
        """Samples by status. `at_newest`: a clock that begins with them begins with the newest, not with the oldest."""
        if not found:
            return
        if self._clock is None:
            self._clock = LIVE if tempo is None else self._begin(found, tempo, at_newest)
        if self._clock is not LIVE:
            await self._play(found, self._clock)
            return
        for code, samples in found.items():
            await self._deliver(code, LIVE, samples)

    def _begin(self, found: dict[str, list[Sample]], tempo: Tempo, at_newest: bool) -> StreamClock:
        """Late enough for samples to be here before their moment, whenever their source sends them."""
        times = [sample.ts for samples in found.values() for sample in samples]
        first = max(times) if at_newest else min(times)
        return StreamClock(first, Ns(self._wall() + tempo.delay + _SLACK), tempo.speed)

    async def _play(self, found: dict[str, list[Sample]], clock: StreamClock) -> None:
        """Each sample in its moment, so that the timers of streams and samples are in order at any speed."""
        waiting = sorted(
            ((sample.ts, code, sample) for code, samples in found.items() for sample in samples), key=lambda w: w[0]
        )
        times = [ts for ts, _, _ in waiting]
        at = 0
        while at < len(waiting):
            wait = clock.wall_at(times[at]) - self._wall()
            if 0 < wait <= _AHEAD:
                await trio.sleep(wait / 1e9)
            due = max(bisect_right(times, clock.now(Ns(self._wall()))), at + 1)
            by_code = defaultdict(list)
            for _, code, sample in waiting[at:due]:
                by_code[code].append(sample)
            for code, samples in by_code.items():
                await self._deliver(code, clock, samples)
            at = due
