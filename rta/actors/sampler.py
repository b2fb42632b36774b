"""The sampler: what statuses are made of, from sessions and other topics to samples.

Owns which session each status follows, and its clock. Looks for sessions once a second, and at once when a followed
one has ended. Sends `Sampled` and `ClockChanged` through a bounded channel, and waits while it is full. Ends when it is
cancelled.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import partial

import structlog
import trio
from attrs import define

from rta.actors.configuration_cache import ConfigurationCache
from rta.actors.hub import SessionHub
from rta.actors.session_sampler import SessionSampler
from rta.errors import MalformedError, TransportError
from rta.health import Health
from rta.ports import BurstLog, Position, Reporter, TopicBus, TopicMessage
from rta.rsmp.message import Component, Value
from rta.sampling.selection import choose, open_sessions
from rta.sampling.sources import StatusSources, TopicSource
from rta.sampling.topic_values import read_payload, value_at
from rta.session_list import SessionListCache
from rta.stream.clock import LIVE, ClockChanged, Sampled, StreamClock
from rta.stream.sample import Sample
from rta.subscriber import Subscriber
from rta.wire.values import Ns

__all__ = ["Sampler"]

log = structlog.get_logger("rta.sampler")

_LOOK = 1.0  # seconds between looks for sessions
_PATIENCE = 10.0  # seconds for the buffer to answer
_BEFORE = 3000  # ms before our start from which the newest values are taken
_KEPT = 30_000  # ms that a session which keeps its time may have begun before we follow it, and lack nothing
_LINGER = 5.0  # seconds that a closed session is followed when there is no other


@define(eq=False)
class _Followed:
    """A session, and the codes of the statuses that look at it."""

    sampler: SessionSampler
    scope: trio.CancelScope


class Sampler:
    """Feeds the statuses of a site."""

    def __init__(
        self,
        buffer: BurstLog,
        hub: SessionHub,
        bindings: Sequence[StatusSources],
        out: trio.MemorySendChannel[Sampled | ClockChanged],
        health: Health,
        report: Reporter,
        topics: TopicBus,
        clock: Callable[[], int],
    ) -> None:
        """`clock`: wall time, ns since the Unix epoch. Each code has one binding."""
        self._buffer = buffer
        self._hub = hub
        self._out = out
        self._health = health
        self._report = report
        self._topics = topics
        self._wall = clock
        self._lookout = SessionListCache(buffer.sessions)
        self._documents = ConfigurationCache(buffer, report)
        self._of_sessions = [b for b in bindings if any(not isinstance(s, TopicSource) for s in b.sources.values())]
        self._of_topics: dict[str, list[tuple[str, str, Component, TopicSource | None]]] = {}
        """Whose values are from which topic; None: of what comes there, only that it comes."""
        for binding in bindings:
            for (attribute, component), source in binding.sources.items():
                if isinstance(source, TopicSource):
                    read = source if source.path or not binding.heard_only else None
                    found = binding.code, attribute, component, read
                    self._of_topics.setdefault(source.topic, []).append(found)
        self._follows: dict[str, str] = {}
        """Which session a status looks at: code to identity."""
        self._followed: dict[str, _Followed] = {}
        self._clocks: dict[str, StreamClock] = {}
        self._told: dict[str, str] = {}
        """Of which session the last samples were, for bindings that begin anew with each."""
        self._anew = {b.code for b in bindings if b.anew}
        self._topic_values: dict[str, dict[tuple[str, Component], Value]] = {}
        self._looked_at: Position | None = None
        self._began = 0
        """When we first looked, by the buffer's clock, ms."""
        self._wake = trio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            if self._of_topics:
                nursery.start_soon(self._topic_subscriber().run)
            if self._of_sessions:
                nursery.start_soon(self._look_out, nursery)

    # ---- sessions

    async def _look_out(self, nursery: trio.Nursery) -> None:
        while True:
            self._wake = trio.Event()
            try:
                with trio.fail_after(_PATIENCE):
                    await self._look(nursery)
                self._health.ok("sampler")
            except (TransportError, trio.TooSlowError) as e:
                why = (
                    f"the buffer cannot be read: {e}" if isinstance(e, TransportError) else "the buffer does not answer"
                )
                self._health.fail("sampler", why)
            with trio.move_on_after(_LOOK):
                await self._wake.wait()

    def _look_again(self) -> None:
        self._wake.set()

    async def _look(self, nursery: trio.Nursery) -> None:
        now = await self._buffer.now()
        if self._looked_at is None:
            self._began = now
        sessions = open_sessions(await self._lookout.records())
        for binding in self._of_sessions:
            self._choose(binding.code, choose(binding.selector, sessions))
        wanted: dict[str, list[StatusSources]] = {}
        for binding in self._of_sessions:
            if binding.code in self._follows:
                wanted.setdefault(self._follows[binding.code], []).append(binding)
        for identity in [i for i in self._followed if i not in wanted]:
            self._leave(identity)
        for identity, statuses in wanted.items():
            if identity in self._followed or await self._follow(identity, now, nursery):
                self._followed[identity].sampler.serve(statuses)
        self._looked_at = _position(now - round(self._lookout.age * 1000))  # behind it there may be others

    def _choose(self, code: str, identity: str | None) -> None:
        """A session that has ended is followed until all of it has come."""
        current = self._followed.get(self._follows.get(code, ""))
        if current is None:
            self._follows.pop(code, None)
        elif current.sampler.feed.summary.closed_since is not None:
            ended_for = trio.current_time() - current.sampler.feed.summary.closed_since
            if not current.sampler.done or (identity is None and ended_for < _LINGER):
                return
        elif identity is None:
            return
        if identity is not None:
            self._follows[code] = identity
        else:
            self._follows.pop(code, None)

    async def _follow(self, identity: str, now: int, nursery: trio.Nursery) -> bool:
        feed = await self._hub.open(identity)
        if feed is None:
            return False
        sampler = SessionSampler(
            feed,
            self._buffer,
            self._documents,
            partial(self._deliver, identity),
            self._look_again,
            self._health,
            self._report,
            self._wall,
            since=self._looked_at or _position(now - _BEFORE),
            since_kept=_position(max(now - _KEPT, self._began - _BEFORE)),
            newest_only=self._looked_at is None,
        )
        followed = self._followed[identity] = _Followed(sampler, trio.CancelScope())
        log.info("sampling", session=identity)
        nursery.start_soon(self._sample, followed)
        return True

    @staticmethod
    async def _sample(followed: _Followed) -> None:
        with followed.scope:
            await followed.sampler.run()

    def _leave(self, identity: str) -> None:
        self._followed.pop(identity).scope.cancel()
        log.info("no longer sampling", session=identity)

    # ---- topics

    def _topic_subscriber(self) -> Subscriber:
        return Subscriber(
            self._topics,
            tuple(self._of_topics),
            self._handle,
            partial(self._report.count, "rta_sampler_dropped_total"),
            health=self._health,
            name="topics of statuses",
        )

    async def _handle(self, message: TopicMessage) -> None:
        changed: dict[str, dict[tuple[str, Component], Value]] = {}
        read: list[tuple[str, str, Component, TopicSource]] = []
        for code, attribute, component, source in self._of_topics.get(message.topic, []):
            if source is None:  # what it is tells whether it is another one
                changed.setdefault(code, {})[attribute, component] = zlib.crc32(message.payload)
            else:
                read.append((code, attribute, component, source))
        try:
            document = read_payload(message.payload) if read else None
        except MalformedError as e:
            self._report.malformed(f"topic {message.topic}", e.kind, str(e))
            read = []
        for code, attribute, component, source in read:
            try:
                changed.setdefault(code, {})[attribute, component] = value_at(document, source.path)
            except MalformedError as e:
                self._report.malformed(f"topic {message.topic}", e.kind, str(e))
        for code, values in changed.items():
            known = self._topic_values.setdefault(code, {})
            if message.retained and all(k in known and known[k] == v for k, v in values.items()):
                continue  # brought again by a reconnect: no news, and no younger than it was
            known.update(values)
            await self._send_topic_values(code, values)

    async def _send_topic_values(self, code: str, values: dict[tuple[str, Component], Value]) -> None:
        ts = self._clocks.get(code, LIVE).now(Ns(self._wall()))
        samples = [Sample(ts, attribute, component, value) for (attribute, component), value in values.items()]
        await self._out.send(Sampled(code, samples))

    # ---- out

    async def _deliver(self, identity: str, code: str, clock: StreamClock, samples: list[Sample]) -> None:
        another = code in self._anew and self._told.setdefault(code, identity) != identity
        if self._follows.get(code) == identity and (another or self._clocks.get(code, LIVE) is not clock):
            await self._out.send(ClockChanged(code, clock))
            self._clocks[code], self._told[code] = clock, identity
            # With another clock a status forgets all its values; those of topics are still what they were.
            if code in self._topic_values:
                await self._send_topic_values(code, self._topic_values[code])
        # While it waited the status may have gone on to another session.
        if self._follows.get(code) == identity:
            await self._out.send(Sampled(code, samples))


def _position(ms: int) -> Position:
    """Before all that arrived from then on."""
    return Position(max(ms, 0), 0).before()
