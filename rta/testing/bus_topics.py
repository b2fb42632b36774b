"""Contract of a bus: which filters take which topics, and what is neither."""

from __future__ import annotations

import pytest

from rta.ports import TopicMessage
from rta.testing.bus_under_test import END, BusUnderTest

__all__ = ["TopicChecks"]

TOPICS = ["a", "b", "A", "a/b", "a/c", "a/b/c", "a/b/c/d", "/a", "a/", "a//b", "b/a", "ä/路", "a b"]
DOLLAR_TOPICS = ["$a", "$a/b"]

FILTERS = {
    "a": ["a"],
    "a/b": ["a/b"],
    "+": ["a", "b", "A", "a b"],
    "+/+": ["a/b", "a/c", "/a", "a/", "b/a", "ä/路"],
    "+/b": ["a/b"],
    "a/+": ["a/b", "a/c", "a/"],
    "a/+/c": ["a/b/c"],
    "a/+/b": ["a//b"],
    "/+": ["/a"],
    "+/+/+": ["a/b/c", "a//b"],
    "+/b/#": ["a/b", "a/b/c", "a/b/c/d"],
    "a/#": ["a", "a/b", "a/c", "a/b/c", "a/b/c/d", "a/", "a//b"],
    "a/b/#": ["a/b", "a/b/c", "a/b/c/d"],
    "+/#": TOPICS,
    "#": TOPICS,
    "ä/+": ["ä/路"],
}
DOLLAR_FILTERS = {
    "$a": ["$a"],
    "$a/+": ["$a/b"],
    "$a/#": ["$a", "$a/b"],
    "+/b": ["a/b"],
    "#": TOPICS,
    "+/#": TOPICS,
}

NO_TOPICS = ["", "+", "#", "a/+", "a/#", "a+", "a#b", "a\0b", "a" * 65536, "é" * 32768]
NO_FILTERS = ["", "a+", "+a", "a/b+/c", "a#", "#a", "#/a", "a/#/b", "a/#b", "a\0b", "a" * 65536, "é" * 32768]


class TopicChecks(BusUnderTest):
    """Topics and filters."""

    @pytest.mark.parametrize("pattern", FILTERS)
    async def test_a_filter_takes_the_topics_that_fit(self, pattern: str) -> None:
        async with self.open_bus() as bus, bus.subscribe(pattern, END) as subscription:
            for topic in TOPICS:
                await bus.publish(topic, b"")
            assert [m.topic for m in await self.up_to_end(bus, subscription)] == FILTERS[pattern]

    @pytest.mark.parametrize("pattern", DOLLAR_FILTERS)
    async def test_only_a_filter_that_begins_with_a_dollar_takes_topics_that_do(self, pattern: str) -> None:
        published = TOPICS + (DOLLAR_TOPICS if self.dollar_topics else [])
        async with self.open_bus() as bus, bus.subscribe(pattern, END) as subscription:
            for topic in published:
                await bus.publish(topic, b"")
            got = [m.topic for m in await self.up_to_end(bus, subscription)]
            assert got == [t for t in DOLLAR_FILTERS[pattern] if t in published]

    @pytest.mark.parametrize("pattern", ["a/+", "a/#", "+/b"])
    async def test_what_is_retained_is_found_by_the_same_filters(self, pattern: str) -> None:
        async with self.open_bus() as bus:
            for topic in TOPICS:
                await bus.publish(topic, b"kept", retain=True)
            async with bus.subscribe(pattern, END) as subscription:
                got = await self.up_to_end(bus, subscription)
                assert sorted(m.topic for m in got) == sorted(FILTERS[pattern])

    @pytest.mark.parametrize("topic", NO_TOPICS, ids=lambda t: repr(t[:8]))
    @pytest.mark.parametrize("retain", [False, True], ids=["passing", "retained"])
    async def test_what_is_no_topic_cannot_be_published_to(self, topic: str, retain: bool) -> None:
        async with self.open_bus() as bus, bus.subscribe("#") as subscription:
            with pytest.raises(ValueError):  # noqa: PT011 - the words are the bus's own
                await bus.publish(topic, b"x", retain=retain)
            assert await self.up_to_end(bus, subscription) == []

    @pytest.mark.parametrize("pattern", NO_FILTERS, ids=lambda t: repr(t[:8]))
    async def test_what_is_no_filter_cannot_be_subscribed_to(self, pattern: str) -> None:
        async with self.open_bus() as bus:
            for filters in ([pattern], ["a", pattern]):
                with pytest.raises(ValueError):  # noqa: PT011 - the words are the bus's own
                    async with bus.subscribe(*filters):
                        pass
            async with bus.subscribe("a") as subscription:
                await bus.publish("a", b"still works")
                assert await self.receive(subscription) == [TopicMessage("a", b"still works")]

    async def test_topics_may_be_as_long_as_the_protocol_allows(self) -> None:
        topic = "a" * 65535
        async with self.open_bus() as bus, bus.subscribe(topic) as subscription:
            await bus.publish(topic, b"x")
            assert await self.receive(subscription) == [TopicMessage(topic, b"x")]
