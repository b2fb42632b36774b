"""Hearing: takes what comes on some topics, for as long as it is asked to, whatever the bus does."""

from __future__ import annotations

from collections.abc import Callable

import trio

from rta.errors import TransportError
from rta.health import Health
from rta.ports import Reporter, TopicBus, TopicMessage, TopicSubscription

__all__ = ["Subscriber"]

_BOUND = 1024  # messages that wait; over it the newest are left out
_ASK_AGAIN = 10.0  # seconds until a subscription that was refused is tried again


class Subscriber:
    """On the bus of one node."""

    def __init__(self, bus: TopicBus, health: Health, report: Reporter) -> None:
        self._bus = bus
        self._health = health
        self._report = report

    async def run(self, filters: tuple[str, ...], take: Callable[[TopicMessage], None]) -> None:
        """Until cancelled. A bus that refuses them is asked again, and health says so."""
        who = f"subscription to {filters[0]}"
        try:
            while True:
                try:
                    async with self._bus.subscribe(*filters, bound=_BOUND) as subscription:
                        self._health.ok(who)
                        await self._take_all(subscription, take)
                except TransportError as e:
                    self._health.fail(who, str(e))
                    await trio.sleep(_ASK_AGAIN)
        finally:
            self._health.ok(who)

    async def _take_all(self, subscription: TopicSubscription, take: Callable[[TopicMessage], None]) -> None:
        lost = 0
        while True:
            take(await subscription.receive())
            if subscription.dropped > lost:
                self.refused("any", "flood", subscription.dropped - lost)
                lost = subscription.dropped

    def refused(self, kind: str, reason: str, count: int = 1) -> None:
        """Messages that are not acted on."""
        self._report.count("rta_topic_input_refused_total", count, kind=kind, reason=reason)
