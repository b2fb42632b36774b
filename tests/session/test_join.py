"""The join of back-fill and leading edge: in whatever order things happen, every item comes exactly once."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any

from examples import examples
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from rta_transports.memory.log import MemoryLog

from rta.hot_counters import HotCounters
from rta.ports import START, Entry, Position, Trim
from rta.session.back_scan import back_scan_start, must_search
from rta.session.client import BackFill, Client
from rta.session.feed import SessionFeed
from rta.session.subscription import Subscription
from rta.session.view import MOST_CLIENTS, View
from rta.wire import TimeRange, glance
from rta.wire._pb.stream_pb2 import StreamData

from .expectation import Asked, Expectation, Sent, Story
from .simulation import (
    ALL,
    MS,
    Actor,
    FakeSocket,
    LogReads,
    Spec,
    at_once,
    json_data,
    make_item,
    only,
    pack_raw,
    range_data,
)

OURS = "s"
UNKNOWN = StreamData.FromString(b"\x7a\x03new")

channels = st.integers(0, 2)
pads = st.integers(0, 3)
specs = st.one_of(
    st.builds(Spec, st.sampled_from(["timestamped", "periodic"]), st.tuples(channels), pads),
    st.builds(Spec, st.just("row"), st.lists(channels, max_size=3, unique=True).map(tuple), pads),
    st.builds(Spec, st.just("event"), st.just(()), pads),
)
spans = st.none() | st.builds(lambda start, length: (start, start + length), st.integers(1, 50), st.integers(0, 50))
bursts = st.tuples(st.lists(specs, max_size=4), st.sampled_from([None, None, None, "open", "closed"]), spans)
subscriptions = st.sampled_from(
    [only(1), only(2), only(0, 1), only(events=True), only(1, events=True), Subscription(all_data=True), ALL]
)
which = st.integers(0, 5)
hows = st.sampled_from(["one by one", "in a run", "in a run", "merged"])

WAITING = '{"identity":"s","state":"waiting"}'

LOST = None
"""In the reader's queue: here is a gap."""


class Session(RuleBasedStateMachine):
    """A log with several sessions, a feed of one of them, its reader, and clients of all sorts."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)
        self.ms = MS
        self.now = 0.0
        self.log = self.open_log()
        self.story = Story()
        self.actors: list[tuple[Actor, Expectation]] = []
        self.queue: deque[Entry | None] = deque()
        self.due: float | None = None
        self.restarted = False
        self.feed: SessionFeed | None = None

    def open_log(self) -> Any:
        """A log with nothing in it, by the clock of the simulation, and no wait in any call."""
        return MemoryLog(1 << 40, lambda: self.ms * 1_000_000)

    def tick(self) -> int:
        """The number of what happens now."""
        return next(self.numbers)

    # ---- the beginning

    @initialize(
        ring=st.sampled_from([0, 1500, 4000, 8000, 1 << 20]),
        read_bytes=st.sampled_from([1, 1000, 64 << 10, 64 << 10]),
        pad=st.sampled_from([0, 10, 500, 15_000, 30_000]),
        before=st.lists(bursts, max_size=3),
        fresh=st.booleans(),
        lag=st.booleans(),
    )
    def begin(self, ring: int, read_bytes: int, pad: int, before: list[Any], fresh: bool, lag: bool) -> None:
        self.pad = pad
        self.reads = LogReads(self.log, read_bytes)
        self.other = at_once(self.log.open_session("other", "a"))
        if not fresh:  # our id was somebody else's once
            reused = self.other.__class__("gone", "a", self.other.stream_session_id + 1, START, 0)
            self._append(reused, None, ([Spec("event"), Spec("timestamped", (1,))], None, None))
            self._append(self.other, None, ([Spec("event")], None, None))
        self.records = [at_once(self.log.open_session(OURS, "a"))]
        self.run = 0
        self._append(self.records[0], 0, ([], "open", None))
        for burst in before:
            self._append(self.records[0], 0, burst)
        record = at_once(self.log.find(OURS))
        assert record is not None
        position = self.story.sent[-1].position
        if lag and fresh:
            position = START
            record = self.other.__class__(*[getattr(self.records[0], f) for f in _FIELDS], WAITING)
        self.feed = SessionFeed(record, position, ring, HotCounters(), self.now, self._range_due)
        self.read_upto = position
        self.stream = "a"
        if not (lag and fresh):
            for sent in self.story.sent:
                sent.taken = 0
        self._heard(record.json, record.time_range)

    def _heard(self, text: str | None, span: TimeRange | None) -> None:
        if text is not None:
            self.story.session_json = text
            self.story.span = TimeRange.union_of(self.story.span, glance(text).span)
        self.story.span = TimeRange.union_of(self.story.span, span)

    def _takes(self, sent: Sent, at: int) -> None:
        sent.taken = at
        for text in sent.session_jsons:
            self._heard(text, None)
        self._heard(None, sent.span)

    def _range_due(self, feed: SessionFeed) -> None:
        self.due = self.now if self.due is None else self.due

    # ---- the log

    def _append(self, record: Any, run: int | None, burst: Any) -> None:
        wanted, state, span = burst
        items = [make_item(s._replace(pad=s.pad * self.pad), self.tick()) for s in wanted]
        jsons = []
        if state is not None:
            jsons.append(f'{{"identity":"s","state":"{state}","n":{self.tick()}}}')
            if span is not None and span[0] % 2:
                jsons[0] = jsons[0][:-1] + f',"timeRange":{{"startTime":{span[0]},"endTime":{span[1]}}}}}'
        data: list[bytes | StreamData] = [i.data for i in items]
        data[1:1] = [json_data(text) for text in jsons]
        if span is not None:
            data.insert(len(data) // 2, range_data(*span))
        if len(items) > 2:
            data.append(UNKNOWN)
        packed = pack_raw(data)
        position = at_once(self.log.append(record, packed))
        self.story.sent.append(Sent(position, record.stream, run, items, jsons, packed.time_range))

    @rule(run=st.lists(bursts, min_size=1, max_size=4), followed=st.booleans())
    def the_session_goes_on(self, run: list[Any], followed: bool) -> None:
        for burst in run:
            self._append(self.records[-1], len(self.records) - 1, burst)
        if followed:
            self._catch_up()

    @rule(burst=bursts)
    def another_session_goes_on(self, burst: Any) -> None:
        self._append(self.other, None, burst)

    @rule(ms=st.sampled_from([1, 50, 1000, 5000]))
    def time_passes(self, ms: int) -> None:
        self.ms += ms
        self.now += ms / 1000
        self._tell_ranges()

    def _tell_ranges(self) -> None:
        if self.due is not None and self.now >= self.due:
            assert self.feed is not None
            _, self.due = self.feed.fan_out.tell_ranges(self.now)

    @rule(keep=st.integers(0, 8) | st.sampled_from([20, 3000]))
    def the_log_is_trimmed(self, keep: int) -> None:
        at_once(self.log.trim(Trim(max_age_ms=keep) if keep > 8 else Trim(max_entries=keep)))
        at = self.tick()
        oldest = {stream: self.reads.oldest(stream) for stream in ("a", "b")}
        for sent in self.story.sent:
            if sent.trimmed is None and sent.position < oldest[sent.stream]:
                sent.trimmed = at

    # ---- the reader

    @rule()
    def the_reader_reads(self) -> None:
        batch = at_once(self.log.read(self.stream, self.read_upto, Position(1 << 62, 0), 1 << 30))
        session_id = self.records[self.run].stream_session_id
        new = [e for e in batch.entries if e.session_id == session_id]
        missed = [
            s for s in self.story.sent if s.run == self.run and s.position > self.read_upto and s.trimmed is not None
        ]
        if missed:
            self.queue.append(LOST)
        self.queue.extend(new)
        if batch.entries:
            self.read_upto = batch.entries[-1].position

    def _catch_up(self) -> None:
        self.the_reader_reads()
        self.the_reader_gives(len(self.queue), "in a run")

    @rule(count=st.integers(1, 5), how=hows)
    def the_reader_gives(self, count: int, how: str) -> None:
        assert self.feed is not None
        entries: list[Entry] = []
        for _ in range(min(count, len(self.queue))):
            entry = self.queue.popleft()
            if entry is not LOST:
                entries.append(entry)
                continue
            self._give(entries, how)
            entries = []
            following = next((e.position for e in self.queue if e is not LOST), None)
            self.feed.state.lose(self.read_upto if following is None else following.before())
        self._give(entries, how)

    def _give(self, entries: list[Entry], how: str) -> None:
        assert self.feed is not None
        for entry in entries:
            here = [s for s in self.story.sent if s.stream == self.stream]
            self._takes(next(s for s in here if s.position == entry.position), self.tick())
            if how == "one by one":
                self.feed.fan_out.deliver((entry,), self.now)
        if how == "in a run":
            self.feed.fan_out.deliver(entries, self.now)
        if how == "merged":
            self.feed.fan_out.deliver_merged(entries, self.now)

    @precondition(lambda self: len(self.records) < 4)
    @rule(stream=st.sampled_from(["a", "b"]))
    def the_ingest_is_restarted(self, stream: str) -> None:
        self.records.append(at_once(self.log.open_session(OURS, stream)))

    @precondition(lambda self: len(self.records) - 1 > self.run)
    @rule(catch_up=st.booleans(), late=st.booleans())
    def the_reader_notices_a_restart(self, catch_up: bool, late: bool) -> None:
        assert self.feed is not None
        if catch_up:
            self._catch_up()
        self.queue.clear()
        record = at_once(self.log.find(OURS))
        assert record is not None
        assert not self.feed.state.reconcile(record, self.now)
        self.run, self.stream = len(self.records) - 1, record.stream
        self.read_upto = at_once(self.log.head(record.stream)) if late else record.stream_position.before()
        at = self.tick()
        for sent in self.story.sent:
            if sent.run == self.run and sent.position <= self.read_upto:
                sent.adopted = True
                self._takes(sent, at)
        if record.json is not None:
            self.story.told.append((at, record.json))
        self._heard(record.json, record.time_range)
        self.feed.state.move(record, self.read_upto, self.now)

    # ---- the clients

    @precondition(lambda self: len(self.actors) < 6)
    @rule(room=st.sampled_from([0, 1, 40, 300, 3000, 1 << 40]), opened=st.booleans())
    def a_client_comes(self, room: int, opened: bool) -> None:
        assert self.feed is not None
        expectation = Expectation(
            self.story, self.tick(), self.run, self.feed.summary.json or "", self.story.span is not None
        )

        def started(job: BackFill) -> None:
            asked = next(a for a in expectation.asked if a.total == job.want.include)
            asked.started = self.tick()

        actor = Actor(self.feed, FakeSocket(), self.reads, started)
        self.actors.append((actor, expectation))
        if opened:
            actor.settle(self.now)
            actor.socket.drain()
        actor.socket.room = room

    @precondition(lambda self: 0 < len(self.actors) < 6)
    @rule(index=which, served=st.booleans())
    def a_client_comes_that_wants_what_another_does(self, index: int, served: bool) -> None:
        _, other = self._pick(index)
        self.a_client_comes(1 << 40, True)
        for asked in list(other.asked):
            self.a_client_subscribes(len(self.actors) - 1, asked.want, None, False, served)

    def _pick(self, index: int) -> tuple[Actor, Expectation]:
        return self.actors[index % len(self.actors)]

    @precondition(lambda self: self.actors)
    @rule(
        index=which,
        more=subscriptions,
        back=st.sampled_from([0.0, 0.03, 1.0, None, None]),
        going=st.booleans(),
        served=st.booleans(),
    )
    def a_client_subscribes(
        self, index: int, more: Subscription, back: float | None, going: bool, served: bool
    ) -> None:
        assert self.feed is not None
        actor, expectation = self._pick(index)
        if going:  # perhaps until it waits for the log
            actor.socket.drain()
            actor.run(self.now)
        if actor.over:
            return
        state = self.feed.state
        if must_search(state, back):
            run = state.run
            state.find_newest(run, at_once(self.log.last_data(run.stream, run.session_id, *state.searched)))
        start = back_scan_start(state, actor.client.run, back)
        back_from = self.story.back_from(self.run, back)
        idle, promised, at = actor.idle, actor.socket.promised, self.tick()
        if self.feed.catch_up.widen(actor.client, more, start):
            total = actor.client.subscription
            expectation.asked.append(Asked(at, more, total, back_from, self.run, idle, promised))
        if served:
            actor.settle(self.now)

    @precondition(lambda self: self.actors)
    @rule(index=which, steps=st.integers(1, 4))
    def a_client_goes_on(self, index: int, steps: int) -> None:
        self._pick(index)[0].run(self.now, steps)

    @precondition(lambda self: any(a.fetch for a, _ in self.actors))
    @rule(index=which, both=st.booleans())
    def the_log_answers(self, index: int, both: bool) -> None:
        fetching = [a for a, _ in self.actors if a.fetch]
        actor = fetching[index % len(fetching)]
        if actor.read_log() and both:
            actor.give()
        else:
            actor.give()

    @precondition(lambda self: self.actors)
    @rule(index=which)
    def a_client_catches_up(self, index: int) -> None:
        actor, _ = self._pick(index)
        actor.socket.drain()
        actor.settle(self.now)

    @precondition(lambda self: self.actors)
    @rule(index=which, count=st.sampled_from([1, 30, 200, 2000, 1 << 30]))
    def a_socket_drains(self, index: int, count: int) -> None:
        self._pick(index)[0].socket.drain(count)

    @precondition(lambda self: self.actors)
    @rule(index=which, room=st.sampled_from([0, 1, 200, 3000, 1 << 40]))
    def a_link_changes(self, index: int, room: int) -> None:
        self._pick(index)[0].socket.room = room

    @precondition(lambda self: len(self.actors) > 1)
    @rule(index=which, broken=st.booleans())
    def a_client_goes(self, index: int, broken: bool) -> None:
        actor, _ = self._pick(index)
        if broken:
            actor.socket.broken = True
        else:
            actor.end()

    # ---- what has to be true

    @invariant()
    def the_books_agree(self) -> None:
        if self.feed is None:
            return
        assert self.feed.state.ring.bytes <= self.feed.state.ring.bound
        here: dict[View, list[Client]] = {}
        for actor, _ in self.actors:
            if not actor.over:
                assert actor.client.view.subscription == actor.client.subscription
                here.setdefault(actor.client.view, []).append(actor.client)
        assert {v: v.clients for v in self.feed.state.views} == {v: len(c) for v, c in here.items()}
        for view, clients in here.items():
            assert len(clients) <= MOST_CLIENTS
            assert set(view.live) == {c for c in clients if c.live}

    def teardown(self) -> None:
        """All that was in the way is taken away; then everybody must have what they were due."""
        if self.feed is None:
            return
        self._catch_up()
        for actor, _ in self.actors:
            if not actor.socket.broken:
                actor.socket.open_up()
        self._settle()
        for _ in range(3):
            self.now += 1
            self._tell_ranges()
            self._settle()
        for actor, expectation in self.actors:
            complete = not (actor.over or actor.socket.broken)
            if complete:
                assert actor.idle, "a client is stuck"
            expectation.check(actor.socket.received, bytes(actor.socket.stream), complete=complete)
            if actor.gone is not None:
                assert any(s.trimmed for s in self.story.sent), "a client was sent away for nothing"

    def _settle(self) -> None:
        for _ in range(10_000):
            if not sum(actor.settle(self.now) for actor, _ in self.actors):
                return
        raise AssertionError("the clients never come to rest")


_FIELDS = ("identity", "stream", "stream_session_id", "stream_position", "last_updated")


async def test_every_item_comes_exactly_once_whatever_happens() -> None:
    run_state_machine_as_test(
        Session,
        settings=settings(
            max_examples=examples(100),
            stateful_step_count=60,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
