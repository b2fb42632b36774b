"""The kit of the topic bus finds buses that are broken."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager

import attrs
import pytest
import trio

from rta.errors import TransportError
from rta.testing import TopicBusContract
from transports.memory import MemoryTopics

from .verdict import complaint, passes


class Wrapped:
    """A memory bus with something changed."""

    def __init__(self):
        self.bus = MemoryTopics()

    async def publish(self, topic, payload, *, retain=False):
        await self.bus.publish(topic, payload, retain=retain)

    def subscribe(self, *filters, bound=1024):
        return self.bus.subscribe(*filters, bound=bound)


class WrappedSubscription:
    def __init__(self, subscription):
        self.subscription = subscription

    @property
    def dropped(self):
        return self.subscription.dropped

    async def receive(self):
        return await self.subscription.receive()


class Kit(TopicBusContract):
    def __init__(self, bus=Wrapped):
        self.bus = bus

    @asynccontextmanager
    async def open_bus(self):
        yield self.bus()


# ---- broken buses


class ForgetsWhatIsRetained(Wrapped):
    async def publish(self, topic, payload, *, retain=False):
        await self.bus.publish(topic, payload)


class RetainsEverything(Wrapped):
    async def publish(self, topic, payload, *, retain=False):
        await self.bus.publish(topic, payload, retain=True)


class NeverClears(Wrapped):
    async def publish(self, topic, payload, *, retain=False):
        await self.bus.publish(topic, payload, retain=retain and bool(payload))


class DoesNotSayWhatWasRetained(Wrapped):
    @asynccontextmanager
    async def subscribe(self, *filters, bound=1024):
        class Subscription(WrappedSubscription):
            async def receive(self):
                return attrs.evolve(await self.subscription.receive(), retained=False)

        async with self.bus.subscribe(*filters, bound=bound) as subscription:
            yield Subscription(subscription)


class DeliversOncePerFilter(Wrapped):
    async def publish(self, topic, payload, *, retain=False):
        for _ in range(2 if topic == "a/b" else 1):
            await self.bus.publish(topic, payload, retain=retain)


class KnowsNoDollar(Wrapped):
    async def publish(self, topic, payload, *, retain=False):
        await self.bus.publish(topic.replace("$", "s"), payload, retain=retain)

    def subscribe(self, *filters, bound=1024):
        return self.bus.subscribe(*(f.replace("$", "s") for f in filters), bound=bound)


class TakesAPlusForAnyRest(Wrapped):
    def subscribe(self, *filters, bound=1024):
        return self.bus.subscribe(*(re.sub(r"\+$", "#", f) for f in filters), bound=bound)


class KnowsNoCase(Wrapped):
    async def publish(self, topic, payload, *, retain=False):
        await self.bus.publish(topic.lower(), payload, retain=retain)


class PublishesToWildcards(Wrapped):
    async def publish(self, topic, payload, *, retain=False):
        await self.bus.publish(topic.replace("+", "plus"), payload, retain=retain)


class TakesAnyFilter(Wrapped):
    def subscribe(self, *filters, bound=1024):
        return self.bus.subscribe(*(f.rstrip("+#") or "#" for f in filters), bound=bound)


class SwapsNeighbours(Wrapped):
    held = None

    async def publish(self, topic, payload, *, retain=False):
        if self.held is None:
            self.held = (topic, payload)
            return
        held, self.held = self.held, None
        await self.bus.publish(topic, payload, retain=retain)
        await self.bus.publish(*held)


class SpoilsBytes(Wrapped):
    async def publish(self, topic, payload, *, retain=False):
        await self.bus.publish(topic, payload.decode(errors="replace").encode(), retain=retain)


class HasNoBound(Wrapped):
    def subscribe(self, *filters, bound=1024):
        return self.bus.subscribe(*filters, bound=1 << 20)


class DropsTheOldest(Wrapped):
    @asynccontextmanager
    async def subscribe(self, *filters, bound=1024):
        class Subscription(WrappedSubscription):
            waiting = None

            @property
            def dropped(self):
                return max(0, 5 - bound)

            async def receive(self):
                if self.waiting is None:
                    self.waiting = [await self.subscription.receive() for _ in range(5)][-bound:]
                return self.waiting.pop(0)

        async with self.bus.subscribe(*filters) as subscription:
            yield Subscription(subscription)


class DoesNotCountTheDropped(Wrapped):
    @asynccontextmanager
    async def subscribe(self, *filters, bound=1024):
        class Subscription(WrappedSubscription):
            dropped = 0

        async with self.bus.subscribe(*filters, bound=bound) as subscription:
            yield Subscription(subscription)


class UnsubscribesForAll(Wrapped):
    gone = ()

    async def publish(self, topic, payload, *, retain=False):
        if topic not in self.gone:
            await self.bus.publish(topic, payload, retain=retain)

    @asynccontextmanager
    async def subscribe(self, *filters, bound=1024):
        async with self.bus.subscribe(*filters, bound=bound) as subscription:
            yield subscription
        self.gone = (*self.gone, *filters)


class LosesWhatACancelledReceiveHadTaken(Wrapped):
    @asynccontextmanager
    async def subscribe(self, *filters, bound=1024):
        class Subscription(WrappedSubscription):
            async def receive(self):
                message = await self.subscription.receive()
                await trio.lowlevel.checkpoint()
                return message

        async with self.bus.subscribe(*filters, bound=bound) as subscription:
            yield Subscription(subscription)


BROKEN = [
    (ForgetsWhatIsRetained, "test_a_later_subscriber_receives_what_was_retained", {}),
    (RetainsEverything, "test_what_was_published_before_is_not_received", {}),
    (RetainsEverything, "test_a_message_that_is_not_to_be_retained_leaves_the_one_that_is", {}),
    (NeverClears, "test_an_empty_payload_clears", {}),
    (DoesNotSayWhatWasRetained, "test_a_filter_with_wildcards_brings_all_that_fits", {}),
    (DeliversOncePerFilter, "test_a_message_that_fits_several_filters_arrives_once", {}),
    (KnowsNoDollar, "test_only_a_filter_that_begins_with_a_dollar_takes_topics_that_do", {"pattern": "#"}),
    (TakesAPlusForAnyRest, "test_a_filter_takes_the_topics_that_fit", {"pattern": "a/+"}),
    (KnowsNoCase, "test_a_filter_takes_the_topics_that_fit", {"pattern": "a"}),
    (PublishesToWildcards, "test_what_is_no_topic_cannot_be_published_to", {"topic": "+", "retain": False}),
    (TakesAnyFilter, "test_what_is_no_filter_cannot_be_subscribed_to", {"pattern": "a+"}),
    (SwapsNeighbours, "test_messages_arrive_in_the_order_of_publication", {}),
    (SpoilsBytes, "test_payloads_are_any_bytes", {}),
    (HasNoBound, "test_over_the_bound_the_newest_are_dropped_and_counted", {}),
    (DropsTheOldest, "test_over_the_bound_the_newest_are_dropped_and_counted", {}),
    (DoesNotCountTheDropped, "test_over_the_bound_the_newest_are_dropped_and_counted", {}),
    (UnsubscribesForAll, "test_who_leaves_takes_nothing_from_those_with_the_same_filter", {}),
    (LosesWhatACancelledReceiveHadTaken, "test_a_receive_that_is_cancelled_loses_nothing", {}),
]


@pytest.mark.parametrize(("broken", "test", "parameters"), BROKEN, ids=lambda x: getattr(x, "__name__", None))
def test_a_broken_bus_fails(broken, test, parameters):
    assert complaint(Kit(broken), test, **parameters)


@pytest.mark.parametrize(("test", "parameters"), [(test, parameters) for _, test, parameters in BROKEN])
def test_the_same_bus_passes_unbroken(test, parameters):
    assert passes(Kit(), test, **parameters)


def test_the_kit_asks_for_open_bus():
    with pytest.raises(NotImplementedError, match="TopicBusContract must say how to open its bus"):
        TopicBusContract().open_bus()


# ---- outages


class Unreachable(Wrapped):
    down = False

    async def publish(self, topic, payload, *, retain=False):
        if self.down:
            raise TransportError("the bus cannot be reached")
        await self.bus.publish(topic, payload, retain=retain)


class KitWithOutages(Kit):
    @asynccontextmanager
    async def outage(self, bus):
        bus.down = True
        yield
        bus.down = False


OUTAGE = "test_publishing_fails_as_a_transport_error_during_an_outage_and_works_afterwards"


def test_a_bus_that_works_again_after_an_outage_passes():
    assert passes(KitWithOutages(Unreachable), OUTAGE)


def test_a_bus_that_says_nothing_of_an_outage_fails():
    assert complaint(KitWithOutages(), OUTAGE)
