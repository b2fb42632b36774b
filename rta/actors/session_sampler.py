"""Sampling one session for the statuses that follow it.

Owns a queue of the session's bursts, which its feed fills, and what they mean. Sends samples; while the
receiver is busy it waits, and the queue takes up what comes, to its bound. Ends when it is cancelled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

import structlog
import trio

from rta.actors.burst_queue import BurstQueue
from rta.actors.configuration_cache import ConfigurationCache
from rta.actors.sample_pacer import Deliver, SamplePacer
from rta.backoff import Backoff
from rta.errors import MalformedError, TransportError
from rta.health import Health
from rta.ports import BurstLog, Entry, Position, Reporter
from rta.sampling.session_decoder import SessionDecoder
from rta.sampling.sources import StatusSources
from rta.session.client import SessionRun
from rta.session.feed import SessionFeed
from rta.stream.clock import Tempo
from rta.stream.sample import Sample
from rta.wire import Burst, ConfigBinding, Configuration, read_session

__all__ = ["SessionSampler"]

log = structlog.get_logger("rta.sampler")

_Samples = dict[str, list[Sample]]

_WAITING = 8 << 20  # bytes of bursts that wait
_PIECE = 1 << 20  # bytes read at once of what came before
_LOOK = 1.0  # seconds between looks for a configuration that is not there yet


class SessionSampler:
    """Follows one session from where its feed is, and from a little before."""

    def __init__(
        self,
        feed: SessionFeed,
        buffer: BurstLog,
        documents: ConfigurationCache,
        deliver: Deliver,
        ended: Callable[[], None],
        health: Health,
        report: Reporter,
        clock: Callable[[], int],
        since: Position,
        since_kept: Position,
        newest_only: bool,
    ) -> None:
        """`since`: from where on entries are read that came before; `since_kept`: if it keeps its time. `newest_only`:
        of these the newest of each value.

        `ended` is called when the session is closed and all of it has been delivered. `clock`: wall time, ns.
        """
        self.feed = feed
        self._buffer = buffer
        self._documents = documents
        self._ended = ended
        self._health = health
        self._who = f"sampling of session {feed.identity!r}"
        self._report = report
        self._player = SamplePacer(deliver, clock)
        self._queue = BurstQueue(_WAITING)
        self._busy = True
        self._dropping = False
        self._run = feed.state.run
        self._since, self._since_kept, self._upto = since, since_kept, feed.state.position
        self._newest_only = newest_only
        self._after = self._upto
        self._piece: list[Burst] = []
        self._statuses: list[StatusSources] = []
        self._json: str | None = None
        self._stale = False
        self._lacking = False
        self._learned_at = 0.0
        self._bound_to: list[ConfigBinding] = []
        self._binding = SessionDecoder((), ())
        self._missing: list[str] = []
        self._tempo: Tempo | None = None
        self._stop_observing = feed.fan_out.observe(self._take)

    def serve(self, statuses: Sequence[StatusSources]) -> None:
        """Which statuses the samples are for, from now on."""
        if list(statuses) != self._statuses:
            self._statuses = list(statuses)
            self._stale = True
            self._queue.wake()

    @property
    def done(self) -> bool:
        """The session is closed, and all that has come of it is delivered."""
        return self.feed.summary.closed_since is not None and not self._busy and not len(self._queue)

    def _take(self, entry: Entry) -> None:
        if not entry.burst.has_data:
            if entry.burst.session_json:
                self._queue.wake()
        elif not self._queue.put(entry.burst, self.feed.state.run):
            self._report.count("rta_sampler_dropped_total")
            if not self._dropping:
                self._dropping = True
                log.warning("streams are behind; bursts are left out and counted", session=self.feed.identity)

    async def run(self) -> None:
        """Until cancelled."""
        told = False
        try:
            await self._persist(self._learn)
            await self._catch_up(self._since if self._tempo is None else self._since_kept)
            while True:
                self._busy = False
                if self.done and not told:
                    self._ended()
                told = self.done
                came = None
                with trio.move_on_after(_LOOK):
                    came = await self._queue.get()
                self._busy = True
                if came is None or came[1] is not self._run:  # all of the run before has been played
                    if self.feed.state.run is not self._run:
                        await self._enter(self.feed.state.run)
                    if self._must_learn:
                        await self._persist(self._learn)
                elif self.feed.state.run is self._run and self._must_learn:
                    await self._persist(self._learn)
                if came is not None:
                    await self._player.pass_on(self._binding.samples(came[0], self._malformed), self._tempo)
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
        if self.feed.summary.json is not self._json or self._stale:
            return True
        return self._lacking and trio.current_time() >= self._learned_at + _LOOK

    async def _learn(self) -> None:
        text, statuses = self.feed.summary.json, self._statuses
        bound_to = self._bound_to
        if text is not None and text is not self._json:
            try:
                model = read_session(text)
                self._tempo = Tempo.from_session(model)
                bound_to = bound_to if model.config_bindings is None else model.config_bindings
            except MalformedError as e:
                self._report.malformed(f"session {self.feed.identity}", e.kind, str(e))
        if self._stale or self._lacking or bound_to != self._bound_to or self._json is None:
            found = [(await self._documents.get(b.identifier), b) for b in bound_to]
            self._bind(statuses, [(document, b) for document, b in found if document is not None], len(found))
        self._json, self._bound_to, self._stale = text, bound_to, statuses is not self._statuses
        self._learned_at = trio.current_time()

    def _bind(
        self, statuses: Sequence[StatusSources], known: list[tuple[Configuration, ConfigBinding]], needed: int
    ) -> None:
        self._binding = SessionDecoder(statuses, known)
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

    async def _enter(self, run: SessionRun) -> None:
        """The session runs again; its time, if it keeps it, begins anew."""
        self._run, self._newest_only, self._upto = run, False, run.joined
        self._player.begin_anew()
        await self._persist(self._learn)
        await self._catch_up(run.start)

    async def _catch_up(self, since: Position) -> None:
        """What has come of this run before we followed it."""
        newest: dict[tuple[str, str, str], Sample] = {}
        self._after = max(since, self._run.start)
        while self._after < self._upto:
            await self._persist(self._read)
            for burst in self._piece:
                found = self._binding.samples(burst, self._malformed)
                if self._newest_only:
                    _keep_newest(newest, found)
                else:
                    await self._player.pass_on(found, self._tempo)
        found = defaultdict(list)
        for (code, *_), sample in newest.items():
            found[code].append(sample)
        await self._player.pass_on(found, self._tempo, at_newest=True)

    async def _read(self) -> None:
        batch = await self._buffer.read(self._run.stream, self._after, self._upto, _PIECE)
        self._after = batch.position
        run = self._run
        ours = (e for e in batch.entries if e.session_id == run.session_id)
        self._piece = [e.burst for e in ours if run.left is None or e.position < run.left]


def _keep_newest(newest: dict[tuple[str, str, str], Sample], found: _Samples) -> None:
    for code, samples in found.items():
        for sample in samples:
            key = code, sample.attribute, sample.component
            if key not in newest or sample.ts >= newest[key].ts:
                newest[key] = sample
