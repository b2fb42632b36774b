"""The kit of the topic bus finds buses that are broken."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager

import attrs
import pytest
import trio

from rta.testing import TopicBusContract

from .verdict import complaint, passes
from .wrapped_bus import Kit, Wrapped, WrappedSubscription


class ForgetsWhatIsRetained(Wrapped):
    def send(self, topic, payload, *, retain=False, **how):
        self.bus.send(topic, payload, **how)


class RetainsEverything(Wrapped):
    def send(self, topic, payload, *, retain=False, **how):
        self.bus.send(topic, payload, retain=True, **how)


class NeverClears(Wrapped):
    def send(self, topic, payload, *, retain=False, **how):
        self.bus.send(topic, payload, retain=retain and bool(payload), **how)


class DoesNotSayWhatWasRetained(Wrapped):
    @asynccontextmanager
    async def subscribe(self, *filters, bound=1024):
        class Subscription(WrappedSubscription):
            async def receive(self):
                return attrs.evolve(await self.subscription.receive(), retained=False)

        async with self.bus.subscribe(*filters, bound=bound) as subscription:
            yield Subscription(subscription)


class DeliversOncePerFilter(Wrapped):
    def send(self, topic, payload, *, retain=False, **how):
        for _ in range(2 if topic == "a/b" else 1):
            self.bus.send(topic, payload, retain=retain, **how)


class KnowsNoDollar(Wrapped):
    def send(self, topic, payload, *, retain=False, **how):
        self.bus.send(topic.replace("$", "s"), payload, retain=retain, **how)

    def subscribe(self, *filters, bound=1024):
        return self.bus.subscribe(*(f.replace("$", "s") for f in filters), bound=bound)


class TakesAPlusForAnyRest(Wrapped):
    def subscribe(self, *filters, bound=1024):
        return self.bus.subscribe(*(re.sub(r"\+$", "#", f) for f in filters), bound=bound)


class KnowsNoCase(Wrapped):
    def send(self, topic, payload, *, retain=False, **how):
        self.bus.send(topic.lower(), payload, retain=retain, **how)


class PublishesToWildcards(Wrapped):
    def send(self, topic, payload, *, retain=False, **how):
        self.bus.send(topic.replace("+", "plus"), payload, retain=retain, **how)


class TakesAnyFilter(Wrapped):
    def subscribe(self, *filters, bound=1024):
        return self.bus.subscribe(*(f.rstrip("+#") or "#" for f in filters), bound=bound)


class SwapsNeighbours(Wrapped):
    held = None

    def send(self, topic, payload, *, retain=False, **how):
        if self.held is None:
            self.held = (topic, payload)
            return
        held, self.held = self.held, None
        self.bus.send(topic, payload, retain=retain, **how)
        self.bus.send(*held)


class SpoilsBytes(Wrapped):
    def send(self, topic, payload, *, retain=False, **how):
        self.bus.send(topic, payload.decode(errors="replace").encode(), retain=retain, **how)


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

    def send(self, topic, payload, *, retain=False, **how):
        if topic not in self.gone:
            self.bus.send(topic, payload, retain=retain, **how)

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


@pytest.mark.parametrize(
    ("hook", "asked"),
    [("make_bus", "make its bus"), ("make_again", "make another bus"), ("sever", "break a connection")],
)
async def test_the_kit_asks_for_what_it_cannot_know(hook, asked):
    with pytest.raises(NotImplementedError, match=f"TopicBusContract must say how to {asked}"):
        await getattr(TopicBusContract(), hook)(*[None][: hook != "make_bus"])
