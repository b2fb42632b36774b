"""Sampling one session for the statuses that follow it.

Owns a queue of the session's bursts, which its feed fills, and what they mean: the binding and the clock. Sends
samples; while the receiver is busy it waits, and the queue takes up what comes, to its bound. Ends when cancelled.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

import structlog
import trio

from rta.actors.burst_queue import BurstQueue
from rta.actors.documents import Documents
from rta.actors.health import Health
from rta.backoff import Backoff
from rta.errors import MalformedError, TransportError
from rta.ports import BurstLog, Entry, Position, Reporter
from rta.session.client import Binding
from rta.session.feed import SessionFeed
from rta.stream.binding import SessionBinding
from rta.stream.clock import LIVE, StreamClock, Tempo
from rta.stream.definition import Ns
from rta.stream.sample import Sample
from rta.stream.sources import StatusBinding
from rta.wire import ConfigBinding, Configuration, read_session

__all__ = ["Deliver", "SessionSampler"]

log = structlog.get_logger("rta.sampler")

Deliver = Callable[[str, StreamClock, list[Sample]], Awaitable[None]]
"""Takes the samples of a status, and the clock that it lives by from them on."""

_Samples = dict[str, list[Sample]]

_WAITING = 8 << 20  # bytes of bursts that wait
_PIECE = 1 << 20  # bytes read at once of what came before
_LOOK = 1.0  # seconds between looks for a configuration that is not there yet
_SLACK = 100_000_000  # ns that a sample may take from its source to us


class SessionSampler:
    """Follows one session from where its feed is, and from a little before."""

    def __init__(
        self,
        feed: SessionFeed,
        buffer: BurstLog,
        documents: Documents,
        deliver: Deliver,
        ended: Callable[[], None],
        health: Health,
        report: Reporter,
        clock: Callable[[], int],
        since: Position,
        newest_only: bool,
    ) -> None:
        """`since`: from where on entries are read that came before. `newest_only`: of these the newest of each value.

        `ended` is called when the session is closed and all of it has been delivered. `clock`: wall time, ns.
        """
        self.feed = feed
        self._buffer = buffer
        self._documents = documents
        self._deliver = deliver
        self._ended = ended
        self._health = health
        self._who = f"sampling of session {feed.identity!r}"
        self._report = report
        self._wall = clock
        self._queue = BurstQueue(_WAITING)
        self._busy = True
        self._dropping = False
        self._run = feed.binding
        self._before = max(since, feed.binding.start), feed.position
        self._newest_only = newest_only
        self._statuses: list[StatusBinding] = []
        self._json: str | None = None
        self._stale = False
        self._lacking = False
        self._learned_at = 0.0
        self._bound_to: list[ConfigBinding] = []
        self._binding = SessionBinding((), ())
        self._missing: list[str] = []
        self._tempo: Tempo | None = None
        self._clock: StreamClock | None = None
        self._stop_observing = feed.observe(self._take)

    def serve(self, statuses: Sequence[StatusBinding]) -> None:
        """Which statuses the samples are for, from now on."""
        if list(statuses) != self._statuses:
            self._statuses = list(statuses)
            self._stale = True
            self._queue.wake()

    @property
    def done(self) -> bool:
        """The session is closed, and all that has come of it is delivered."""
        return self.feed.closed_since is not None and not self._busy and not len(self._queue)

    def _take(self, entry: Entry) -> None:
        if not entry.burst.has_data:
            if entry.burst.session_json:
                self._queue.wake()
        elif not self._queue.put(entry.burst, Ns(self._wall())):
            self._report.count("rta_sampler_dropped_total")
            if not self._dropping:
                self._dropping = True
                log.warning("streams are behind; bursts are left out and counted", session=self.feed.identity)

    async def run(self) -> None:
        """Until cancelled."""
        told = False
        try:
            await self._persist(self._learn)
            await self._persist(self._catch_up)
            while True:
                self._busy = False
                if self.done and not told:
                    self._ended()
                told = self.done
                taken = None
                with trio.move_on_after(_LOOK):
                    taken = await self._queue.get()
                self._busy = True
                if self.feed.binding is not self._run:
                    await self._enter(self.feed.binding)
                if self._must_learn:
                    await self._persist(self._learn)
                if taken is not None:
                    burst, arrived = taken
                    await self._pass_on(self._binding.samples(burst, self._malformed), arrived)
        finally:
            self._stop_observing()
            self._health.ok(self._who)

    async def _persist(self, read: Callable[[], Awaitable[None]]) -> None:
        """Until the buffer can be read; what comes meanwhile waits in the queue."""
        backoff = Backoff(first=0.25, cap=5.0)
        while True:
            try:
                await read()
                self._health.ok(self._who)
                return
            except TransportError as e:
                self._health.fail(self._who, str(e))
                log.warning("reading failed, trying again", session=self.feed.identity, error=str(e))
                await backoff.pause()

    # ---- what its bursts mean

    @property
    def _must_learn(self) -> bool:
        if self.feed.json is not self._json or self._stale:
            return True
        return self._lacking and trio.current_time() >= self._learned_at + _LOOK

    async def _learn(self) -> None:
        text, statuses = self.feed.json, self._statuses
        bound_to = self._bound_to
        if text is not None and text is not self._json:
            try:
                model = read_session(text)
                self._tempo = Tempo.of(model)
                bound_to = bound_to if model.config_bindings is None else model.config_bindings
            except MalformedError as e:
                self._report.malformed(f"session {self.feed.identity}", e.kind, str(e))
        if self._stale or self._lacking or bound_to != self._bound_to or self._json is None:
            found = [(await self._documents.get(b.identifier), b) for b in bound_to]
            self._bind(statuses, [(document, b) for document, b in found if document is not None], len(found))
        self._json, self._bound_to, self._stale = text, bound_to, statuses is not self._statuses
        self._learned_at = trio.current_time()

    def _bind(
        self, statuses: Sequence[StatusBinding], known: list[tuple[Configuration, ConfigBinding]], needed: int
    ) -> None:
        self._binding = SessionBinding(statuses, known)
        self._lacking = len(known) < needed
        missing = self._binding.missing if not self._lacking else self._missing
        new = [m for m in missing if m not in self._missing]
        if new:
            self._report.count("rta_sampler_unbound_total", len(new))
            log.warning("the session lacks what statuses are made of", session=self.feed.identity, missing=new)
        self._missing = missing

    def _malformed(self, error: MalformedError) -> None:
        self._report.malformed(f"session {self.feed.identity}", error.kind, str(error))

    # ---- what came before

    async def _enter(self, run: Binding) -> None:
        """The session runs again; its time, if it keeps it, begins anew."""
        self._run, self._clock, self._newest_only = run, None, False
        self._before = run.start, run.joined
        await self._persist(self._learn)
        await self._persist(self._catch_up)

    async def _catch_up(self) -> None:
        """What has come of this run before we followed it. After an error the next call goes on from there."""
        newest: dict[tuple[str, ...], tuple[str, Sample]] = {}
        arrived = Ns(self._wall())
        after, upto = self._before
        began = after
        while after < upto:
            now = await self._buffer.now()
            batch = await self._buffer.read(self._run.stream, after, upto, _PIECE)
            for entry in batch.entries:
                if entry.session_id != self._run.session_id or not entry.burst.has_data:
                    continue
                found = self._binding.samples(entry.burst, self._malformed)
                at = Ns(self._wall() - (now - entry.position.ms) * 1_000_000)
                if not self._newest_only:
                    await self._pass_on(found, at)
                elif found:
                    arrived = at
                    _keep_newest(newest, found)
            after = batch.position
            self._before = (began if self._newest_only else after), upto
        self._before = upto, upto
        found = defaultdict(list)
        for code, sample in newest.values():
            found[code].append(sample)
        await self._pass_on(found, arrived, at_newest=True)

    # ---- samples

    async def _pass_on(self, found: _Samples, arrived: Ns, at_newest: bool = False) -> None:
        if not found:
            return
        if self._clock is None:
            self._clock = self._begin(found, arrived, at_newest)
        if self._clock is not LIVE:
            await self._play(found, self._clock)
            return
        for code, samples in found.items():
            await self._deliver(code, LIVE, samples)

    def _begin(self, found: _Samples, arrived: Ns, at_newest: bool) -> StreamClock:
        """Late enough for samples to be here before their moment, whenever their source sends them."""
        if self._tempo is None:
            return LIVE
        times = [sample.ts for samples in found.values() for sample in samples]
        first = max(times) if at_newest else min(times)
        return StreamClock(first, Ns(arrived + self._tempo.delay + _SLACK), self._tempo.speed)

    async def _play(self, found: _Samples, clock: StreamClock) -> None:
        """Each sample in its moment, so that the timers of streams and samples are in order at any speed.

        One that is further ahead than its source's ways explain is not waited for.
        """
        waiting = sorted(
            ((sample.ts, code, sample) for code, samples in found.items() for sample in samples), key=lambda w: w[0]
        )
        times = [ts for ts, _, _ in waiting]
        longest = 2 * (_SLACK + (self._tempo.delay if self._tempo is not None else 0))
        at = 0
        while at < len(waiting):
            wait = clock.wall_at(times[at]) - self._wall()
            if 0 < wait <= longest:
                await trio.sleep(wait / 1e9)
            due = max(bisect_right(times, clock.now(Ns(self._wall()))), at + 1)
            by_code = defaultdict(list)
            for _, code, sample in waiting[at:due]:
                by_code[code].append(sample)
            for code, samples in by_code.items():
                await self._deliver(code, clock, samples)
            at = due


def _keep_newest(newest: dict[tuple[str, ...], tuple[str, Sample]], found: _Samples) -> None:
    for code, samples in found.items():
        for sample in samples:
            key = code, sample.attribute, sample.component
            if key not in newest or sample.ts >= newest[key][1].ts:
                newest[key] = code, sample
