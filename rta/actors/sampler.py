"""The sampler: makes samples of statuses from sessions and from other topics.

Owns which session each status follows, which clock it lives by, and its values from topics. Receives the messages of
those topics, and samples of its session samplers, one for each followed session, in its own nursery. Looks for sessions
once a second, and at once when a followed one has ended. Sends what one burst or message brings for all statuses as one
`SampledTogether` to the node, and waits while its inbox is full. Ends when it is cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import structlog
import trio
from attrs import define

from rta.actors.hub import SessionHub
from rta.actors.session_sampler import SamplingContext, SamplingStart, SessionSampler
from rta.configuration_cache import ConfigurationCache
from rta.errors import MalformedError, TransportError
from rta.inbox import Outlet
from rta.large_json import read_large
from rta.ports import Position, TopicMessage
from rta.sampling.pacing import Samples
from rta.sampling.selection import Candidate, OpenSession, choose, followed_next, open_sessions, read_open_session
from rta.sampling.sources import ParameterSource, StatusSources, TopicSource
from rta.sampling.topic_values import ComponentValues, TopicValues
from rta.session_list import SessionListCache
from rta.stream.clock import LIVE, ClockChanged, Sampled, SampledTogether, StreamClock
from rta.stream.sample import Sample
from rta.subscriber import Subscriber
from rta.wakeup import Wakeup
from rta.wire.values import Ns

__all__ = ["Sampler"]

log = structlog.get_logger("rta.sampler")

_PERIOD = 1.0  # s from one look for sessions to the next
_PATIENCE = 10.0  # s for the buffer to answer
_BEFORE = 3000  # ms before our start from which the newest values are sampled
_KEPT = 30_000  # ms that a session which keeps its time may have begun before we follow it, and lack nothing


@define(eq=False)
class _Followed:
    """A session that statuses follow."""

    sampler: SessionSampler
    scope: trio.CancelScope


class Sampler:
    """The statuses and alarms of a site, whose sources are sessions and topics."""

    def __init__(
        self,
        context: SamplingContext,
        hub: SessionHub,
        statuses: Sequence[StatusSources],
        out: Outlet[SampledTogether],
    ) -> None:
        """`statuses`: each code once."""
        self._context = context
        self._hub = hub
        self._out = out
        self._sessions = SessionListCache(context.buffer.sessions)
        self._configurations = ConfigurationCache(
            context.buffer, context.report, _named_parameters(statuses), context.configurations
        )
        self._of_sessions = [s for s in statuses if any(not isinstance(x, TopicSource) for x in s.sources.values())]
        self._topic_values = TopicValues(statuses)
        self._known: dict[str, tuple[str, OpenSession | None]] = {}
        """The JSON of each session, and what it says."""
        self._follows: dict[str, str] = {}
        """Which session a status follows: code to identity."""
        self._followed: dict[str, _Followed] = {}
        self._clocks: dict[str, StreamClock] = {}
        self._sampled: dict[str, str] = {}
        """Of which session the last samples were: code to identity."""
        self._anew = {s.code for s in statuses if s.anew}
        self._complete_until: Position | None = None
        """All sessions that began before it are known."""
        self._began = 0
        """The start of the sampler by the buffer's clock, ms."""
        self._session_ended = Wakeup()

    async def run(self) -> None:
        """Runs until cancelled."""
        async with trio.open_nursery() as nursery:
            if self._topic_values.topics:
                nursery.start_soon(self._topic_subscriber().run)
            if self._of_sessions:
                nursery.start_soon(self._follow_sessions, nursery)

    # ---- sessions

    async def _follow_sessions(self, nursery: trio.Nursery) -> None:
        health = self._context.health
        while True:
            try:
                with trio.fail_after(_PATIENCE):
                    await self._refresh(nursery)
                health.ok("sampler")
            except TransportError as e:
                health.fail("sampler", f"the buffer cannot be read: {e}")
            except trio.TooSlowError:
                health.fail("sampler", "the buffer does not answer")
            with trio.move_on_after(_PERIOD):
                await self._session_ended.wait()

    async def _refresh(self, nursery: trio.Nursery) -> None:
        """Find out which sessions there are, and follow what the statuses select."""
        now = await self._context.buffer.now()
        if self._complete_until is None:
            self._began = now
        sessions = await self._open_sessions()
        wanted: dict[str, list[StatusSources]] = {}
        for status in self._of_sessions:
            identity = self._next_session(status.code, choose(status.selector, sessions))
            if identity is None:
                self._follows.pop(status.code, None)
            else:
                self._follows[status.code] = identity
                wanted.setdefault(identity, []).append(status)
        for identity in [i for i in self._followed if i not in wanted]:
            self._followed.pop(identity).scope.cancel()
            log.info("no longer sampling", session=identity)
        for identity, statuses in wanted.items():
            if identity in self._followed or await self._follow(identity, now, nursery):
                self._followed[identity].sampler.serve(statuses)
        self._complete_until = _position(now - round(self._sessions.age * 1000))

    async def _open_sessions(self) -> list[Candidate]:
        """The sessions that can be followed. The JSON of each is read once, however often it is looked up."""
        records = await self._sessions.records()
        known, self._known = self._known, {}
        for record in records:
            text = record.json or ""
            found = known.get(record.identity)
            if found is None or found[0] != text:
                try:
                    found = text, await read_large(read_open_session, text)
                except MalformedError:
                    found = text, None
            self._known[record.identity] = found
        return open_sessions(records, lambda record: self._known[record.identity][1])

    def _next_session(self, code: str, newest: str | None) -> str | None:
        current = self._follows.get(code)
        followed = self._followed.get(current or "")
        if followed is None:
            return newest
        closed_since = followed.sampler.feed.summary.closed_since
        closed_for = None if closed_since is None else trio.current_time() - closed_since
        return followed_next(current, newest, closed_for, followed.sampler.done)

    async def _follow(self, identity: str, now: int, nursery: trio.Nursery) -> bool:
        feed = await self._hub.open(identity)
        if feed is None:
            return False
        sampler = SessionSampler(
            self._context,
            self._configurations,
            feed,
            SamplingStart(
                live=self._complete_until or _position(now - _BEFORE),
                kept=_position(max(now - _KEPT, self._began - _BEFORE)),
                newest_only=self._complete_until is None,
            ),
            partial(self._deliver, identity),
            self._session_ended.set,
        )
        followed = self._followed[identity] = _Followed(sampler, trio.CancelScope())
        log.info("sampling", session=identity)
        nursery.start_soon(self._sample, followed)
        return True

    @staticmethod
    async def _sample(followed: _Followed) -> None:
        with followed.scope:
            await followed.sampler.run()

    # ---- topics

    def _topic_subscriber(self) -> Subscriber:
        return Subscriber(
            self._context.topics,
            self._topic_values.topics,
            self._handle,
            partial(self._context.report.count, "rta_sampler_dropped_total"),
            health=self._context.health,
            name="topics of statuses",
        )

    async def _handle(self, message: TopicMessage) -> None:
        """A message on a topic that statuses have values from."""
        report = self._context.report
        found = self._topic_values.feed(
            message, lambda error: report.malformed(f"topic {message.topic}", error.kind, str(error))
        )
        items = [self._of_topics(code, values, self._clocks.get(code, LIVE)) for code, values in found]
        if items:
            await self._out.send(SampledTogether(tuple(items)))

    def _of_topics(self, code: str, values: ComponentValues, clock: StreamClock) -> Sampled:
        ts = clock.now(Ns(self._context.clock()))
        return Sampled(code, [Sample(ts, attribute, part, value) for (attribute, part), value in values.items()])

    # ---- what is sent

    async def _deliver(self, identity: str, clock: StreamClock, found: Samples) -> None:
        """Samples of a session, and the clock they live by: one message for all statuses."""
        items: list[Sampled | ClockChanged] = []
        begun: list[str] = []
        for code, samples in found.items():
            another = code in self._anew and self._sampled.setdefault(code, identity) != identity
            if self._follows.get(code) != identity:
                continue
            if another or self._clocks.get(code, LIVE) is not clock:
                begun.append(code)
                items.append(ClockChanged(code, clock))
                # With another clock a status forgets all its values; those of topics are still what they were.
                if known := self._topic_values.known(code):
                    items.append(self._of_topics(code, known, clock))
            items.append(Sampled(code, samples))
        if items:
            await self._out.send(SampledTogether(tuple(items)))
        for code in begun:  # not before it is sent: a sampler that is cancelled meanwhile has begun nothing
            self._clocks[code], self._sampled[code] = clock, identity


def _named_parameters(statuses: Iterable[StatusSources]) -> tuple[str, ...]:
    sources = (source for status in statuses for source in status.sources.values())
    return tuple(sorted({source.name for source in sources if isinstance(source, ParameterSource)}))


def _position(ms: int) -> Position:
    """Before everything that arrived from then on."""
    return Position(max(ms, 0), 0).before()
