"""Fetches, answered over a topic bus."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import cbor2
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.actors.fetch_server import FetchServer
from rta.errors import HistoryError, NotConnectedError, QueueFullError, UndeliverableError
from rta.hot_counters import HotCounters
from rta.latest import Latest
from rta.metrics import Metrics
from rta.ports import TopicMessage
from rta.rsmp.topics import NodeTopics, TopicKind
from tests.history.kept import Kept

T = TypeVar("T")

LIVE, SLOW = ("car.engine", "live"), ("car.fuel", "")


class Bus:
    """Acknowledges what it has taken when the test wants it to; says of each message what it was."""

    def __init__(self) -> None:
        self.sent: list[TopicMessage] = []
        self.on_way: list[Any] = []
        self.room = 1_000_000
        self.largest = 1 << 20
        self.most = 0
        self.most_bytes = 0
        self.slow = False

    def send(self, topic, payload, *, retain=False, qos=0, response_topic=None, correlation=None, done=None):
        assert (retain, qos, response_topic) == (False, 1, None)
        if len(payload) > self.largest:
            raise UndeliverableError("too large")
        if self.room <= 0:
            raise QueueFullError("the queue is full")
        self.room -= 1
        self.sent.append(TopicMessage(topic, payload, correlation=correlation))
        self.on_way.append((len(payload), done))
        self.most = max(self.most, len(self.on_way))
        self.most_bytes = max(self.most_bytes, sum(size for size, _ in self.on_way))
        if not self.slow:
            trio.lowlevel.current_trio_token().run_sync_soon(self.settle)

    def lose(self):
        self.settle(NotConnectedError("lost"))

    def settle(self, error=None, count=1 << 20):
        told, self.on_way = self.on_way[:count], self.on_way[count:]
        for _, done in told:
            done(error)


class Stage:
    """A desk, what it answers from, and where its answers go."""

    def __init__(self) -> None:
        self.bus, self.kept = Bus(), Kept()
        self.metrics = Metrics(HotCounters(), dict)
        self.topics = NodeTopics("dk/tlc-1")
        self.streams = {LIVE, SLOW}
        self.usable = True
        self.hangs = False
        self.uncommitted = 0
        self.connection = 1
        self.link = Latest(1)
        self.desk = FetchServer(
            self.topics,
            self.bus,  # type: ignore[arg-type]
            lambda code, name: (code, name) in self.streams,
            self.read,
            self.settle,
            self.link,
            self.metrics,
        )

    def connect(self) -> None:
        self.connection += 1
        self.link.show(self.connection)

    def disconnect(self) -> None:
        self.link.show(0)

    async def settle(self) -> None:
        self.kept.fill(LIVE, self.uncommitted)

    async def read(self, work: Callable[..., T], /, *arguments: object) -> T:
        await trio.lowlevel.checkpoint()
        if not self.usable:
            raise HistoryError("the history cannot be used")
        if self.hangs:
            await trio.sleep_forever()
        return work(self.kept, *arguments)

    def fetch(self, asked: Any = None, key=LIVE, reply: str | None = None, correlation: bytes | None = b"1") -> None:
        topic = self.topics.topic(TopicKind.FETCH, *key)
        payload = asked if isinstance(asked, bytes) else cbor2.dumps(asked)
        reply = reply or NodeTopics("tmc").topic(TopicKind.HISTORY, *key)
        message = TopicMessage(topic, payload, response_topic=reply, correlation=correlation)
        address = self.topics.parse(topic)
        assert address is not None
        self.desk.handle(message, address, trio.current_time())

    def answers(self, correlation: bytes | None = b"1") -> list[dict[str, Any]]:
        return [cbor2.loads(m.payload) for m in self.bus.sent if m.correlation == correlation]

    def numbers(self, correlation: bytes | None = b"1") -> list[int]:
        return [e["values"]["n"] for m in self.answers(correlation) for e in m["entries"]]

    def counted(self, metric: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(metric, labels) or 0.0

    def refused(self, reason: str) -> float:
        return self.counted("rta_topic_input_refused_total", kind="fetch", reason=reason)


@asynccontextmanager
async def running() -> AsyncIterator[Stage]:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        await nursery.start(stage.desk.run)
        yield stage
        nursery.cancel_scope.cancel()


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


EMPTY = {"entries": [], "complete": True}

# ---- what is answered


async def test_a_fetch_is_answered_where_it_wants_its_answer_with_its_correlation():
    async with running() as stage:
        stage.kept.fill(LIVE, 3)
        stage.fetch({"from": "1970-01-01T00:00:01Z"}, reply="dk/tmc/1/history/car.engine/live", correlation=b"\0x")
        await wait_all_tasks_blocked()
        (message,) = stage.bus.sent
        assert message.topic == "dk/tmc/1/history/car.engine/live"
        assert stage.numbers(b"\0x") == [1, 2]
        assert stage.counted("rta_fetches_total", outcome="answered") == 1
        assert stage.counted("rta_history_entries_sent_total") == 2


async def test_a_fetch_without_correlation_gets_an_answer_without():
    async with running() as stage:
        stage.fetch(correlation=None)
        await wait_all_tasks_blocked()
        assert stage.answers(None) == [EMPTY]


async def test_the_answer_has_what_was_just_recorded():
    async with running() as stage:
        stage.uncommitted = 3
        stage.fetch()
        await wait_all_tasks_blocked()
        assert stage.numbers() == [0, 1, 2]


@pytest.mark.parametrize("reply", ["tmc/history/car.fuel", "tmc/history/car.fuel/default"])
async def test_the_unnamed_stream_may_be_called_default(reply):
    async with running() as stage:
        stage.kept.fill(SLOW, 2)
        stage.fetch(key=SLOW, reply=reply)
        await wait_all_tasks_blocked()
        assert [m.topic for m in stage.bus.sent] == [reply]
        assert stage.numbers() == [0, 1]


async def test_a_long_answer_comes_in_order_and_is_complete_at_its_end():
    async with running() as stage:
        stage.kept.fill(LIVE, 20_000)
        stage.fetch()
        await wait_all_tasks_blocked()
        assert stage.numbers() == list(range(20_000))
        assert [m["complete"] for m in stage.answers()] == [False] * (len(stage.bus.sent) - 1) + [True]


async def test_overlapping_fetches_of_one_stream_are_each_answered_in_full():
    async with running() as stage:
        stage.kept.fill(LIVE, 3000)
        ranges = [(0, 3000), (1000, 2000), (500, 2500), (0, 3000)]
        for i, (since, until) in enumerate(ranges):
            minutes = [f"1970-01-01T{t // 3600:02d}:{t // 60 % 60:02d}:{t % 60:02d}Z" for t in (since, until)]
            stage.fetch({"from": minutes[0], "to": minutes[1]}, correlation=b"%d" % i)
        await wait_all_tasks_blocked()
        for i, (since, until) in enumerate(ranges):
            assert stage.numbers(b"%d" % i) == list(range(since, until))


async def test_a_huge_fetch_does_not_keep_a_small_one_waiting():
    async with running() as stage:
        stage.kept.fill(LIVE, 20_000)
        stage.kept.fill(SLOW, 3)
        for i in range(7):
            stage.fetch(correlation=b"huge%d" % i)
        stage.fetch(key=SLOW, correlation=b"small")
        await wait_all_tasks_blocked()
        order = [m.correlation for m in stage.bus.sent]
        assert order.index(b"small") < 16
        shares = [order[: len(order) // 2].count(b"huge%d" % i) for i in range(7)]
        assert max(shares) - min(shares) <= 5


# ---- what is answered empty


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (b"\xff", "cbor"),
        ([], "type"),
        ({"from": 5}, "time"),
        ({"to": "soon"}, "time"),
        ({"from": "1970-01-02", "to": "1970-01-01"}, "range"),
        ({"from": "1970-01-01", "to": "1970-01-01"}, "range"),
    ],
)
async def test_a_bad_range_is_answered_empty_and_counted(asked, reason):
    async with running() as stage:
        stage.kept.fill(LIVE, 3)
        stage.fetch(asked)
        await wait_all_tasks_blocked()
        assert stage.answers() == [EMPTY]
        assert stage.refused(reason) == 1
        assert stage.counted("rta_malformed_total", kind=reason) == 1


async def test_an_unknown_stream_is_answered_empty_and_counted():
    async with running() as stage:
        stage.fetch(key=("car.wash", "live"))
        await wait_all_tasks_blocked()
        assert stage.answers() == [EMPTY]
        assert stage.refused("unknown") == 1


async def test_a_stream_without_history_is_answered_empty():
    async with running() as stage:
        stage.fetch(key=SLOW)
        await wait_all_tasks_blocked()
        assert stage.answers() == [EMPTY]
        assert stage.counted("rta_fetches_total", outcome="answered") == 1


async def test_while_the_history_cannot_be_used_the_answer_is_empty():
    async with running() as stage:
        stage.kept.fill(LIVE, 3)
        stage.usable = False
        stage.fetch()
        await wait_all_tasks_blocked()
        assert stage.answers() == [EMPTY]
        assert stage.counted("rta_fetches_total", outcome="unreadable") == 1


async def test_where_the_disk_fails_what_could_be_read_is_sent():
    async with running() as stage:
        stage.kept.fill(LIVE, 3000)
        stage.kept.broken_after = 4
        stage.fetch()
        await wait_all_tasks_blocked()
        assert 0 < stage.kept.given < 3000
        assert stage.numbers() == list(range(stage.kept.given - stage.kept.reads))  # of each chunk, one more is read
        assert stage.answers()[-1] == EMPTY
        assert stage.counted("rta_fetches_total", outcome="unreadable") == 1


async def test_where_the_disk_does_not_answer_the_answer_ends(autojump_clock):
    async with running() as stage:
        stage.kept.fill(LIVE, 3)
        stage.hangs = True
        stage.fetch()
        await trio.sleep(29)
        assert stage.answers() == []
        await trio.sleep(2)
        assert stage.answers() == [EMPTY]
        assert stage.counted("rta_fetches_total", outcome="unreadable") == 1


async def test_after_that_others_are_answered():
    async with running() as stage:
        stage.kept.fill(LIVE, 3)
        stage.kept.broken_after = 0
        stage.fetch(correlation=b"0")
        await wait_all_tasks_blocked()
        stage.kept.broken_after = None
        stage.fetch()
        await wait_all_tasks_blocked()
        assert stage.numbers() == [0, 1, 2]


# ---- what is not answered


@pytest.mark.parametrize(
    "reply",
    [
        "tmc/history/car.engine/other",
        "tmc/history/car.engine",
        "tmc/result/car.engine/live",
        "$a/history/car.engine/live",
    ],
)
async def test_an_answer_that_is_wanted_elsewhere_is_refused(reply):
    async with running() as stage:
        stage.fetch(reply=reply)
        await wait_all_tasks_blocked()
        assert stage.bus.sent == []
        assert stage.refused("response_topic") == 1


async def test_a_fetch_that_does_not_say_where_is_counted():
    async with running() as stage:
        message = TopicMessage("dk/tlc-1/fetch/car.engine/live", b"")
        stage.desk.handle(message, stage.topics.parse(message.topic), 0.0)  # type: ignore[arg-type]
        await wait_all_tasks_blocked()
        assert stage.bus.sent == []
        assert stage.refused("no_response_topic") == 1


async def test_a_flood_is_counted_and_gets_no_answer(autojump_clock):
    async with running() as stage:
        for _ in range(300):
            stage.fetch()
            await wait_all_tasks_blocked()
        assert len(stage.answers()) == 200
        assert stage.refused("flood") == 100


# ---- bounds


async def test_eight_are_answered_at_once_and_64_wait_and_the_rest_is_answered_empty():
    async with running() as stage:
        stage.kept.fill(LIVE, 3)
        stage.bus.slow = True
        await wait_all_tasks_blocked()
        for _ in range(8):
            stage.fetch()
        await wait_all_tasks_blocked()
        assert stage.counted("rta_fetches_open") == 8
        for _ in range(64 + 10):
            stage.fetch(correlation=b"later")
        await wait_all_tasks_blocked()
        assert stage.refused("busy") == 10
        assert stage.answers(b"later") == [EMPTY] * 10
        assert len(stage.bus.sent) == 18
        while stage.bus.on_way:
            stage.bus.settle()
            await wait_all_tasks_blocked()
        assert stage.counted("rta_fetches_open") == 0
        assert stage.counted("rta_fetches_total", outcome="answered") == 72
        assert stage.numbers(b"later") == [0, 1, 2] * 64


async def test_empty_answers_that_cannot_be_sent_are_not_heaped_up(autojump_clock):
    async with running() as stage:
        stage.disconnect()
        for _ in range(40):
            for _ in range(20):
                stage.fetch(key=("car.wash", ""))
            await trio.sleep(1)
        assert stage.counted("rta_fetches_total", outcome="dropped") == 800 - 256 - 16
        stage.connect()
        await trio.sleep(1)
        assert len(stage.answers()) == 256 + 16


async def test_few_messages_of_an_answer_are_on_their_way_at_once():
    async with running() as stage:
        stage.kept.fill(LIVE, 20_000, "x" * 500)
        stage.bus.slow = True
        stage.fetch()
        await wait_all_tasks_blocked()
        while stage.bus.on_way:
            stage.bus.settle(count=1)
            await wait_all_tasks_blocked()
        assert stage.numbers() == list(range(20_000))
        assert stage.bus.most == 4


async def test_of_all_answers_together_no_more_is_on_its_way_than_their_pace_allows():
    async with running() as stage:
        stage.kept.fill(LIVE, 10_000, "x" * 500)
        stage.bus.slow = True
        for i in range(8):
            stage.fetch(correlation=b"%d" % i)
        await wait_all_tasks_blocked()
        while stage.bus.on_way:
            stage.bus.settle(count=1)
            await wait_all_tasks_blocked()
        assert all(stage.numbers(b"%d" % i) == list(range(10_000)) for i in range(8))
        assert stage.bus.most_bytes <= 512 << 10


async def test_on_a_slow_line_little_is_ahead_of_live_messages(autojump_clock):
    async with running() as stage:
        stage.kept.fill(LIVE, 5000, "x" * 200)
        stage.bus.slow = True
        for i in range(8):
            stage.fetch(correlation=b"%d" % i)
        waits = []
        while len(stage.bus.sent) < 60:
            await wait_all_tasks_blocked()
            waits.append(sum(size for size, _ in stage.bus.on_way) / 12_500)
            await trio.sleep(stage.bus.on_way[0][0] / 12_500)
            stage.bus.settle(count=1)
        assert max(waits[-20:]) < 2.0


# ---- a bus that does not take them


async def test_a_full_queue_is_waited_for(autojump_clock):
    async with running() as stage:
        stage.kept.fill(LIVE, 5000)
        stage.bus.room = 3
        stage.fetch()
        await trio.sleep(10)
        assert len(stage.bus.sent) == 3
        stage.bus.room = 1000
        await trio.sleep(1)
        assert stage.numbers() == list(range(5000))


async def test_what_the_bus_will_never_take_ends_the_answer_and_no_other():
    async with running() as stage:
        stage.kept.fill(LIVE, 100, "x" * 200)
        stage.kept.fill(SLOW, 3)
        stage.bus.largest = 1000
        stage.fetch()
        stage.fetch(key=SLOW, correlation=b"2")
        await wait_all_tasks_blocked()
        assert stage.answers() == []
        assert stage.numbers(b"2") == [0, 1, 2]
        assert stage.counted("rta_fetches_total", outcome="undelivered") == 1


async def test_what_was_not_acknowledged_is_sent_again_after_the_connection_was_lost(autojump_clock):
    async with running() as stage:
        stage.kept.fill(LIVE, 3000)
        stage.bus.slow = True
        stage.fetch()
        await trio.sleep(1)
        stage.bus.settle(count=1)
        await trio.sleep(1)
        lost = [m.payload for m in stage.bus.sent[1:]]
        assert lost
        stage.disconnect()
        stage.bus.lose()
        await trio.sleep(60)
        assert len(stage.bus.sent) == 1 + len(lost)
        stage.bus.slow = False
        stage.connect()
        await trio.sleep(1)
        again = [m.payload for m in stage.bus.sent[1 + len(lost) :]]
        assert again[: len(lost)] == lost
        del stage.bus.sent[1 : 1 + len(lost)]
        assert stage.numbers() == list(range(3000))


async def test_an_answer_that_nobody_takes_for_minutes_is_given_up(autojump_clock):
    async with running() as stage:
        stage.kept.fill(LIVE, 3000)
        stage.bus.slow = True
        stage.fetch()
        await trio.sleep(1)
        stage.disconnect()
        stage.bus.lose()
        await trio.sleep(290)
        assert stage.counted("rta_fetches_open") == 1
        await trio.sleep(20)
        assert stage.counted("rta_fetches_open") == 0
        assert stage.counted("rta_fetches_total", outcome="undelivered") == 1


async def test_an_acknowledgement_that_comes_late_is_of_no_harm(autojump_clock):
    async with running() as stage:
        stage.kept.fill(LIVE, 3)
        stage.bus.slow = True
        stage.fetch()
        await trio.sleep(1)
        stage.disconnect()
        stage.connect()
        await trio.sleep(1)
        assert len(stage.bus.on_way) == 2
        stage.bus.settle()
        await trio.sleep(1)
        assert stage.counted("rta_fetches_total", outcome="answered") == 1


async def test_a_stream_that_is_removed_in_the_middle_ends_its_answer():
    async with running() as stage:
        stage.kept.fill(LIVE, 10_000)
        stage.bus.slow = True
        stage.fetch()
        await wait_all_tasks_blocked()
        stage.kept.forget(LIVE)
        stage.streams.clear()
        while stage.bus.on_way:
            stage.bus.settle()
            await wait_all_tasks_blocked()
        assert stage.answers()[-1]["complete"] is True
        assert 0 < len(stage.numbers()) < 10_000


async def test_an_endless_range_is_read_no_faster_than_it_is_taken():
    async with running() as stage:
        stage.kept.fill(LIVE, 50_000)
        stage.bus.slow = True
        stage.fetch({"from": "0001-01-01"})
        await wait_all_tasks_blocked()
        assert stage.kept.reads < 10


@pytest.mark.parametrize("seed", range(10))
async def test_whatever_is_lost_on_the_way_every_answer_is_complete_and_in_order(seed, autojump_clock):
    chance = random.Random(seed)
    async with running() as stage:
        stage.kept.fill(LIVE, 3000, "x" * 100)
        stage.bus.slow = True
        for i in range(3):
            stage.fetch(correlation=b"%d" % i)
        while stage.counted("rta_fetches_total", outcome="answered") < 3:
            await trio.sleep(chance.random())
            if chance.random() < 0.8:
                stage.bus.settle(count=1)
                continue
            arrived = chance.randint(0, len(stage.bus.on_way))
            del stage.bus.sent[len(stage.bus.sent) - len(stage.bus.on_way) + arrived :]
            for step in chance.sample([stage.disconnect, stage.bus.lose], 2):
                step()
                await trio.sleep(chance.random() * chance.choice([0, 1]))
            stage.connect()
        for i in range(3):
            assert list(dict.fromkeys(stage.numbers(b"%d" % i))) == list(range(3000))
            first = next(n for n, m in enumerate(stage.answers(b"%d" % i)) if m["complete"])
            assert stage.answers(b"%d" % i)[first]["entries"][-1]["values"]["n"] == 2999
