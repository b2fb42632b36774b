"""The sampler of one session, for the statuses that follow it.

Owns a queue of the session's bursts, which the session's feed fills by a plain call, and what the bursts mean. Sends
samples to the sampler that started it, and waits while that one waits; meanwhile the queue fills up, and at its bound
the newest bursts are left out and counted. Ends when it is cancelled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import structlog
import trio
from attrs import frozen

from rta.backoff import Backoff
from rta.configuration_cache import ConfigurationCache
from rta.errors import MalformedError, TransportError
from rta.health import Health
from rta.large_json import read_large
from rta.ports import BurstLog, Entry, Position, Reporter, TopicBus
from rta.sampling.burst_queue import BurstQueue
from rta.sampling.pacing import SamplePacer, Samples, SampleSchedule
from rta.sampling.session_description import DescribedSession, SessionDescription
from rta.sampling.sources import StatusSources
from rta.session.client import SessionRun
from rta.session.feed import SessionFeed
from rta.stream.clock import LIVE, StreamClock
from rta.stream.sample import Sample
from rta.wakeup import Wakeup
from rta.wire import Burst
from rta.wire.json_text import CONFIGURATION_LIMITS, JsonLimits
from rta.wire.values import Ns

__all__ = ["SamplingContext", "SamplingStart", "SessionSampler"]

log = structlog.get_logger("rta.sampler")

T = TypeVar("T")

_WAITING = 8 << 20  # bytes of bursts that wait
_PIECE = 1 << 20  # bytes of earlier bursts that are read at once
_LONGEST_WAIT = 1.0  # s until it checks without a burst whether the description is outdated


@frozen
class SamplingContext:
    """What all samplers of a site work with."""

    buffer: BurstLog
    topics: TopicBus
    health: Health
    report: Reporter
    clock: Callable[[], int]
    """Wall time, ns since the Unix epoch."""
    configurations: JsonLimits = CONFIGURATION_LIMITS
    """Of a configuration document."""


@frozen
class SamplingStart:
    """From where on a session that was running before is sampled."""

    live: Position
    """If it is live."""
    kept: Position
    """If it keeps its time."""
    newest_only: bool
    """Of what came before, only the newest value of each attribute."""


class SessionSampler:
    """Samples one session, from a little before its feed's position on."""

    def __init__(
        self,
        context: SamplingContext,
        configurations: ConfigurationCache,
        feed: SessionFeed,
        start: SamplingStart,
        deliver: Callable[[StreamClock, Samples], Awaitable[None]],
        ended: Callable[[], None],
    ) -> None:
        """`deliver` gets samples, and the clock they live by. `ended` is called when the session is closed and all of
        it has been delivered.
        """
        self.feed = feed
        self._context = context
        self._configurations = configurations
        self._start = start
        self._deliver = deliver
        self._ended = ended
        self._name = f"sampling of session {feed.identity!r}"
        self._queue = BurstQueue(_WAITING)
        self._wakeup = Wakeup()
        self._busy = True
        self._dropping = False
        self._run = feed.state.run
        self._upto = feed.state.position
        self._statuses: Sequence[StatusSources] = []
        self._description = SessionDescription()
        self._pacer = SamplePacer()
        self._stop_observing = feed.fan_out.observe(self._handle)

    def serve(self, statuses: Sequence[StatusSources]) -> None:
        """Which statuses the samples are for, from now on."""
        if list(statuses) != self._statuses:
            self._statuses = list(statuses)
            self._wakeup.set()

    @property
    def done(self) -> bool:
        """The session is closed, and all its bursts have been delivered."""
        return self.feed.summary.closed_since is not None and not self._busy and not len(self._queue)

    def _handle(self, entry: Entry) -> None:
        """An entry of the feed. Never blocks."""
        if entry.burst.has_data and not self._queue.put(entry.burst, self.feed.state.run):
            self._context.report.count("rta_sampler_dropped_total")
            if not self._dropping:
                self._dropping = True
                log.warning("streams are behind; bursts are left out and counted", session=self.feed.identity)
        elif entry.burst.has_data or entry.burst.session_json:
            self._wakeup.set()

    async def run(self) -> None:
        """Runs until cancelled."""
        told = False
        try:
            await self._persist(self._describe)
            start = self._start
            await self._catch_up(start.live if self._description.tempo is None else start.kept, start.newest_only)
            while True:
                self._busy = False
                if self.done and not told:
                    self._ended()
                told = self.done
                if len(self._queue):
                    await trio.lowlevel.checkpoint()
                else:
                    with trio.move_on_after(_LONGEST_WAIT):
                        await self._wakeup.wait()
                self._busy = True
                await self._sample(self._queue.get())
        finally:
            self._stop_observing()
            self._context.health.ok(self._name)

    async def _sample(self, found: tuple[Burst, SessionRun] | None) -> None:
        """The next burst; None: there is none, but something may have changed."""
        newest = self.feed.state.run
        if newest is not self._run and (found is None or found[1] is not self._run):
            await self._enter(newest)  # all bursts of the run before have been delivered
        if newest is self._run and self._is_outdated:
            await self._persist(self._describe)
        if found is not None:
            await self._pass_on(self._decode(found[0]))

    async def _persist(self, read: Callable[[], Awaitable[T]]) -> T:
        """Until the buffer can be read; what comes meanwhile waits in the queue."""
        backoff = Backoff(first=0.25, cap=5.0)
        while True:
            try:
                result = await read()
                self._context.health.ok(self._name)
                return result
            except TransportError as e:
                self._context.health.fail(self._name, str(e))
                log.warning("reading failed, trying again", session=self.feed.identity, error=str(e))
                await backoff.pause()

    # ---- what its bursts mean

    @property
    def _is_outdated(self) -> bool:
        return self._description.is_outdated(self.feed.summary.json, self._statuses, trio.current_time())

    async def _describe(self) -> None:
        json, statuses = self.feed.summary.json, self._statuses
        said: DescribedSession | None = None
        if json is not None and self._description.lacks(json):
            try:
                said = await read_large(DescribedSession.read, json)
            except MalformedError as e:
                self._malformed(e)
        bindings = self._description.learn(statuses, said)
        found = None
        if bindings is not None:
            found = [(binding, await self._configurations.get(binding.identifier)) for binding in bindings]
        missing = self._description.update(json, statuses, found, trio.current_time())
        if missing:
            self._context.report.count("rta_sampler_unbound_total", len(missing))
            log.warning("the session lacks what statuses are made of", session=self.feed.identity, missing=missing)

    def _decode(self, burst: Burst) -> Samples:
        return self._description.decoder.samples(burst, self._malformed)

    def _malformed(self, error: MalformedError) -> None:
        self._context.report.malformed(f"session {self.feed.identity}", error.kind, str(error))

    # ---- what came before

    async def _enter(self, run: SessionRun) -> None:
        """The session runs again; its time, if it keeps it, begins anew."""
        self._run, self._upto = run, run.joined
        self._pacer.begin_anew()
        await self._persist(self._describe)
        await self._catch_up(run.start, newest_only=False)

    async def _catch_up(self, since: Position, newest_only: bool) -> None:
        """The bursts of this run that came before we followed it."""
        run, upto = self._run, self._upto
        newest: dict[tuple[str, str, str], Sample] = {}
        after = max(since, run.start)
        while after < upto:
            batch = await self._persist(partial(self._context.buffer.read, run.stream, after, upto, _PIECE))
            after = batch.position
            for burst in _of_run(run, batch.entries):
                found = self._decode(burst)
                if newest_only:
                    _keep_newest(newest, found)
                else:
                    await self._pass_on(found)
        by_code: dict[str, list[Sample]] = defaultdict(list)
        for (code, *_), sample in newest.items():
            by_code[code].append(sample)
        await self._pass_on(by_code, at_newest=True)

    # ---- passing on

    async def _pass_on(self, found: Samples, at_newest: bool = False) -> None:
        if not found:
            return
        clock = self._pacer.clock(found, self._description.tempo, self._wall(), at_newest)
        if clock is LIVE:
            await self._deliver(clock, found)
            return
        schedule = SampleSchedule(found, clock)
        while len(schedule):
            if wait := schedule.wait(self._wall()):
                await trio.sleep(wait)
            await self._deliver(clock, schedule.pop_due(self._wall()))

    def _wall(self) -> Ns:
        return Ns(self._context.clock())


def _of_run(run: SessionRun, entries: Sequence[Entry]) -> Iterator[Burst]:
    for entry in entries:
        if entry.session_id == run.session_id and (run.left is None or entry.position < run.left):
            yield entry.burst


def _keep_newest(newest: dict[tuple[str, str, str], Sample], found: Samples) -> None:
    for code, samples in found.items():
        for sample in samples:
            key = code, sample.attribute, sample.component
            if key not in newest or sample.ts >= newest[key].ts:
                newest[key] = sample
