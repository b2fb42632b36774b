"""The kit of sources takes a toy source and finds those that are broken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio

from rta.errors import NotConnectedError
from rta.ports import CloseSession, OpenSession, Publish, SessionBurst, Source, SourceUpdate, UpdateSession
from rta.testing import SourceContract, json_burst, large_burst, session_json
from rta.testing.source_under_test import Clock
from rta.wire import (
    Application,
    Channel,
    ChannelId,
    Configuration,
    Event,
    PeriodicData,
    RowData,
    SampleType,
    TimeRange,
    TimestampedData,
    data_item,
    encode_periodic,
    encode_row,
    encode_timestamped,
    make_burst,
    range_item,
)
from rta.wire._pb.stream_pb2 import StreamData

from .verdict import complaint, passes

CONFIGURATION = Configuration(
    {"Toy": Application(channels=[Channel(id=0), Channel(id=1, type="u16"), Channel(id=2, type="f32")])}
)
IDENTIFIER = CONFIGURATION.identifier()
OFFSET = 10
TYPES = {ChannelId(10): SampleType.F64, ChannelId(11): SampleType.U16, ChannelId(12): SampleType.F32}
EPOCH = 1_620_129_055_000_000_000


def toy_json(identity, state="open", **more):
    return session_json(identity, state, configBindings=[{"identifier": IDENTIFIER, "channelOffset": OFFSET}], **more)


def toy_burst(second):
    at = EPOCH + second * 1_000_000_000
    samples = [second, second + 1]
    return make_burst(
        [
            data_item(encode_timestamped(ChannelId(10), [at, at + 7], samples)),
            data_item(encode_periodic(ChannelId(11), at, 10_000_000, samples, SampleType.U16)),
            data_item(encode_row(list(TYPES), at, [0.5, second, 0.25], TYPES)),
            data_item(Event(event_definition_id=1, timestamp=at, raw_data=[second])),
            range_item(TimeRange(EPOCH, at + 10_000_000)),
        ]
    )


class Toy:
    """Two sessions of some seconds each, one begun while the other is open."""

    def script(self):
        """What it reports; a number is a pause in seconds."""
        yield Publish(IDENTIFIER, CONFIGURATION.write())
        yield OpenSession("one", toy_json("one"))
        yield SessionBurst("one", toy_burst(0))
        yield 0.1
        yield OpenSession("two", toy_json("two"))
        for second in range(1, 20):
            yield 1
            yield SessionBurst("one", toy_burst(second))
            yield SessionBurst("two", toy_burst(second + 100))
        yield UpdateSession("one", toy_json("one", group="test"))
        yield CloseSession("two", toy_json("two", "closed"))
        yield SessionBurst("one", toy_burst(20))
        yield CloseSession("one", toy_json("one", "closed"))

    async def run(self, updates):
        for step in self.script():
            await self.report(updates, step)

    async def report(self, updates, step):
        if isinstance(step, int | float):
            await trio.sleep(step)
        else:
            await updates.send(step)


class Kit(SourceContract):
    def __init__(self, source=Toy):
        self.source = source

    @asynccontextmanager
    async def open_source(self):
        yield self.source()


class TestToy(SourceContract):
    @asynccontextmanager
    async def open_source(self) -> AsyncIterator[Source]:
        yield Toy()


class TestOneThatNeverEnds(SourceContract):
    """Starts again and again, with a configuration that is published by somebody else, in real time."""

    published_elsewhere = (IDENTIFIER,)
    slowness = 0.0002

    @pytest.fixture
    def clock(self) -> Clock:
        return None

    @asynccontextmanager
    async def open_source(self) -> AsyncIterator[Source]:
        class Endless(Toy):
            def script(self):
                while True:
                    yield from (s for s in super().script() if not isinstance(s, Publish | int | float))

        yield Endless()

    def enough(self, updates: list[SourceUpdate]) -> bool:
        return sum(isinstance(u, CloseSession) for u in updates) == 3


# ---- broken sources


class Broken(Toy):
    """A toy whose script has been changed."""

    def change(self, steps):
        raise NotImplementedError

    def script(self):
        return self.change(list(super().script()))


def index(steps, kind):
    return next(i for i, s in enumerate(steps) if isinstance(s, kind))


class ReportsNothing(Broken):
    def change(self, steps):
        return []


class SendsBurstsBeforeOpening(Broken):
    def change(self, steps):
        return [SessionBurst("one", toy_burst(0)), *steps]


class SendsBurstsAfterClosing(Broken):
    def change(self, steps):
        return [*steps, SessionBurst("one", toy_burst(0))]


class UpdatesWhatIsNotOpen(Broken):
    def change(self, steps):
        return [*steps, UpdateSession("three", toy_json("three"))]


class ClosesTwice(Broken):
    def change(self, steps):
        return [*steps, steps[-1]]


class TakesAnothersName(Broken):
    def change(self, steps):
        return [attrs.evolve(s, json=toy_json("two")) if isinstance(s, UpdateSession) else s for s in steps]


class PutsAnothersJsonIntoABurst(Broken):
    def change(self, steps):
        return [*steps[:-1], SessionBurst("one", json_burst(toy_json("two"))), steps[-1]]


class LeavesOutTheTimestamp(Broken):
    def change(self, steps):
        bare = json.dumps({"identity": "one", "identifier": "one", "state": "open"})
        return [attrs.evolve(s, json=bare) if isinstance(s, UpdateSession) else s for s in steps]


class HasLocalTimestamps(Broken):
    def change(self, steps):
        naive = toy_json("one", timestamp="2021-05-04T11:50:55")
        return [attrs.evolve(s, json=naive) if isinstance(s, UpdateSession) else s for s in steps]


class ClosesInAnOpenState(Broken):
    def change(self, steps):
        return [*steps[:-1], CloseSession("one", toy_json("one"))]


class ClosesByAnUpdate(Broken):
    def change(self, steps):
        return [*steps[:-1], UpdateSession("one", toy_json("one", "closed"))]


class PublishesTooLate(Broken):
    def change(self, steps):
        return [*steps[1:], steps[0]]


class PublishesWhatIsNoConfiguration(Broken):
    def change(self, steps):
        return [Publish("another", json.dumps({"Toy": {"channels": [{"name": "no id"}]}})), *steps]


class ChangesWhatItPublished(Broken):
    def change(self, steps):
        return [*steps, Publish(IDENTIFIER, "{}")]


class SendsMoreThanTheLimit(Broken):
    def change(self, steps):
        return [*steps[:-1], SessionBurst("one", large_burst((1 << 20) + 1)), steps[-1]]


class SaysWhatIsNotInTheBytes(Broken):
    def change(self, steps):
        lie = attrs.evolve(toy_burst(0), has_events=False)
        return [*steps[:-1], SessionBurst("one", lie), steps[-1]]


class SendsEmptyBursts(Broken):
    def change(self, steps):
        return [*steps[:-1], SessionBurst("one", make_burst([])), steps[-1]]


class LosesWhenTheReceiverIsSlow(Toy):
    async def report(self, updates, step):
        if isinstance(step, SessionBurst):
            try:
                updates.send_nowait(step)
            except trio.WouldBlock:
                pass
            await trio.lowlevel.checkpoint()
        else:
            await super().report(updates, step)


class NeverEnds(Toy):
    async def run(self, updates):
        await super().run(updates)
        await trio.sleep_forever()


class ReportsItsCancellation(Toy):
    async def run(self, updates):
        try:
            await super().run(updates)
        finally:
            assert self.script is None, "stopped too early"


class HoldsOnWhenCancelled(Toy):
    async def run(self, updates):
        try:
            await super().run(updates)
        except trio.Cancelled:
            raise AssertionError("did not expect to be cancelled") from None


def with_item(item):
    """A toy that sends one item more, which is not as it should be."""

    class SendsItem(Broken):
        def change(self, steps):
            return [*steps[:-1], SessionBurst("one", make_burst([item])), steps[-1]]

    return SendsItem


ORDER = "test_a_session_is_opened_before_anything_else_of_it_and_closed_after"
JSON = "test_session_json_is_whole_and_of_the_session_it_came_for"
STATES = "test_a_session_is_in_a_closed_state_when_it_is_closed_and_not_before"
BURSTS = "test_bursts_are_what_their_bytes_say_and_within_the_limits"
ITEMS = "test_every_item_of_a_burst_can_be_decoded"
PUBLISHED = "test_configurations_are_published_before_sessions_bind_to_them"
UNCHANGED = "test_a_configuration_never_changes_once_published"
SLOW = "test_a_slow_receiver_loses_nothing"
SOMETHING = "test_it_reports_sessions_and_their_data"
CANCELLED = "test_it_can_be_cancelled_while_it_waits_for_the_receiver"
OUTAGE = "test_it_can_be_run_again_after_an_outage"

BROKEN = [
    (ReportsNothing, SOMETHING),
    (NeverEnds, SOMETHING),
    (SendsBurstsBeforeOpening, ORDER),
    (SendsBurstsAfterClosing, ORDER),
    (UpdatesWhatIsNotOpen, ORDER),
    (ClosesTwice, ORDER),
    (TakesAnothersName, JSON),
    (PutsAnothersJsonIntoABurst, JSON),
    (LeavesOutTheTimestamp, JSON),
    (HasLocalTimestamps, JSON),
    (ClosesInAnOpenState, STATES),
    (ClosesByAnUpdate, STATES),
    (PublishesTooLate, PUBLISHED),
    (PublishesWhatIsNoConfiguration, PUBLISHED),
    (ChangesWhatItPublished, UNCHANGED),
    (SendsMoreThanTheLimit, BURSTS),
    (SaysWhatIsNotInTheBytes, BURSTS),
    (SendsEmptyBursts, BURSTS),
    (LosesWhenTheReceiverIsSlow, SLOW),
    (ReportsItsCancellation, CANCELLED),
    (HoldsOnWhenCancelled, CANCELLED),
]

BROKEN_ITEMS = {
    "nothing at all": StreamData(),
    "no timestamped sample": data_item(TimestampedData(channel_id=10, timestamp_deltas=[0])),
    "a sample without a timestamp": data_item(TimestampedData(channel_id=10, buffer=bytes(8))),
    "half a timestamped sample": data_item(TimestampedData(channel_id=10, timestamp_deltas=[0, 0], buffer=bytes(12))),
    "no periodic sample": data_item(PeriodicData(channel_id=11, interval=1)),
    "no interval": data_item(PeriodicData(channel_id=11, samples=1, buffer=bytes(2))),
    "fewer samples than said": data_item(PeriodicData(channel_id=11, interval=1, samples=3, buffer=bytes(4))),
    "samples too wide": data_item(PeriodicData(channel_id=11, interval=1, samples=1, buffer=bytes(8))),
    "a row of no channel": data_item(RowData(buffer=bytes(2))),
    "a row without samples": data_item(RowData(channel_ids=[99])),
    "a row that is too short": data_item(RowData(channel_ids=[10, 11], buffer=bytes(9))),
    "a row that is too long": data_item(RowData(channel_ids=[10, 11], buffer=bytes(11))),
    "a range that ends too early": range_item(TimeRange(2, 1)),
}


@pytest.mark.parametrize(("broken", "test"), BROKEN, ids=lambda x: getattr(x, "__name__", None))
def test_a_broken_source_fails(broken, test):
    assert complaint(Kit(broken), test, clock=None)


@pytest.mark.parametrize("item", BROKEN_ITEMS.values(), ids=BROKEN_ITEMS)
def test_an_item_that_cannot_be_decoded_fails(item):
    assert complaint(Kit(with_item(item)), ITEMS, clock=None)


def test_the_kit_asks_for_open_source():
    with pytest.raises(NotImplementedError, match="SourceContract must say how to open its source"):
        SourceContract().open_source()


# ---- outages


class Unreachable(Toy):
    """Can be cut off; runs from the start then."""

    down = False

    async def report(self, updates, step):
        if self.down:
            raise NotConnectedError("the toy is out of reach")
        await super().report(updates, step)


class GoesOnWithoutOpening(Unreachable):
    runs = 0

    def script(self):
        self.runs += 1
        steps = list(super().script())
        return steps if self.runs < 3 else steps[index(steps, UpdateSession) :]


class KitWithOutages(Kit):
    @asynccontextmanager
    async def outage(self, source):
        source.down = True
        yield
        source.down = False


def test_a_source_that_runs_again_after_an_outage_passes():
    assert passes(KitWithOutages(Unreachable), OUTAGE, clock=None)


def test_a_source_that_says_nothing_of_an_outage_fails():
    assert complaint(KitWithOutages(), OUTAGE, clock=None)


def test_a_source_that_forgets_to_open_after_an_outage_fails():
    assert complaint(KitWithOutages(GoesOnWithoutOpening), OUTAGE, clock=None)
