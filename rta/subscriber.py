"""Subscribing to topics for as long as it is wanted, whatever the bus does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
import trio

from rta.errors import TransportError
from rta.health import Health
from rta.ports import TopicBus, TopicMessage, TopicSubscription

__all__ = ["Subscriber"]

log = structlog.get_logger("rta.subscriber")

_AGAIN = 10.0  # s until a subscription that was refused is asked for again


class Subscriber:
    """Hands each message of one subscription to `handle`, in order.

    A subscription that the bus refuses is asked for again every 10 s. Meanwhile `health` is told why, if there is one.
    Messages lost at the bound are counted by `lost`. Then the subscription goes on, or it is made anew where that is
    wanted: then the bus brings the retained messages again, which may be among those that were lost.
    """

    def __init__(
        self,
        bus: TopicBus,
        filters: tuple[str, ...],
        handle: Callable[[TopicMessage], Awaitable[None] | None],
        lost: Callable[[int], None],
        *,
        bound: int = 1024,
        renew_after: float | None = None,
        health: Health | None = None,
        name: str = "",
    ) -> None:
        """`handle`: what it returns is awaited before the next message is received. `bound`: messages that may wait;
        over it the newest are lost. `renew_after`: after a loss, seconds until the subscription is made anew; None: it
        goes on. `name`: in logs and health; empty: the first filter.
        """
        self._bus = bus
        self._filters = filters
        self._handle = handle
        self._lost = lost
        self._bound = bound
        self._renew_after = renew_after
        self._health = health
        self._name = name or f"subscription to {filters[0]}"

    async def run(
        self, *, required: bool = False, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Until cancelled; started when it has subscribed for the first time.

        :raises TransportError: the bus refuses it the first time, and it is `required`.
        """
        begun = False
        try:
            while True:
                try:
                    async with self._bus.subscribe(*self._filters, bound=self._bound) as subscription:
                        if not begun:
                            begun = True
                            task_status.started()
                        if self._health is not None:
                            self._health.ok(self._name)
                        await self._receive(subscription)
                    self._lost(subscription.dropped)
                    await trio.sleep(self._renew_after or 0.0)
                except TransportError as e:
                    if required and not begun:
                        raise
                    log.warning("cannot subscribe, trying again", subscription=self._name, reason=str(e))
                    if self._health is not None:
                        self._health.fail(self._name, str(e))
                    await trio.sleep(_AGAIN)
        finally:
            if self._health is not None:
                self._health.ok(self._name)

    async def _receive(self, subscription: TopicSubscription) -> None:
        """Until the subscription is to be made anew; what it has lost is not counted then."""
        counted = 0
        while True:
            message = await subscription.receive()
            handling = self._handle(message)
            if handling is not None:
                await handling
            if subscription.dropped > counted:
                if self._renew_after is not None:
                    return
                self._lost(subscription.dropped - counted)
                counted = subscription.dropped
