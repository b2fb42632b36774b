"""The healer: fetches the entries that are missing in gaps, and puts them into the picture."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from rta.consumer.events import Event
from rta.consumer.fetch import Fetch
from rta.consumer.gaps import Gap
from rta.consumer.heal_schedule import HealSchedule
from rta.consumer.picture import Picture
from rta.errors import NotConnectedError, TransportError
from rta.wakeup import Wakeup
from rta.wire.values import Ns

__all__ = ["Fetching", "Healer"]

_PAUSE = 0.1  # s between two rounds
_TIMEOUT = 30.0  # s from one message of an answer to the next
_LONGEST = 600.0  # s for a whole answer: a node could go on for ever
_MS = 1_000_000


class Fetching(Protocol):
    """What the healer needs of the consumer."""

    async def link(self) -> object:
        """Wait until there is a connection."""
        ...

    def fetch(
        self, node: str, code: str, name: str, since: Ns | None, until: Ns | None, timeout: float
    ) -> AbstractAsyncContextManager[Fetch]: ...


class Healer:
    """Heals the gaps of one watch. Owns the schedule and the fetches; ends when it is cancelled."""

    def __init__(
        self,
        picture: Picture,
        consumer: Fetching,
        at_once: trio.Semaphore,
        tell: Callable[[list[Event]], None],
        clock: Callable[[], int],
    ) -> None:
        """`at_once`: bounds the fetches of all watches together. `tell`: called with the events of what was fetched."""
        self._picture = picture
        self._consumer = consumer
        self._at_once = at_once
        self._tell = tell
        self._clock = clock
        self._schedule = HealSchedule(picture)
        self._changed = Wakeup()

    def wake(self) -> None:
        """The picture has changed."""
        self._changed.set()

    async def run(self) -> None:
        """Runs until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                self._schedule.refresh(trio.current_time())
                for gap in self._schedule.pop_due(trio.current_time()):
                    nursery.start_soon(self._heal, gap, self._picture.gaps[gap][0].id)
                due = self._schedule.due()
                with trio.move_on_at(float("inf") if due is None else due):
                    await self._changed.wait()
                await trio.sleep(_PAUSE)

    async def _heal(self, gap: Gap, node: str) -> None:
        try:
            async with self._at_once:
                await self._consumer.link()
                if gap in self._picture.gaps:
                    await self._fetch(gap)
        except TransportError:
            if gap in self._picture.gaps and self._schedule.failed(gap, trio.current_time()):
                self._tell(self._picture.give_up(gap))
        self._schedule.done(node)
        self.wake()

    async def _fetch(self, gap: Gap) -> None:
        """:raises TransportError: there is no answer, or it does not end."""
        node, stream = self._picture.gaps[gap]
        heard = False
        # From the entry before to the one behind, both included: a node that keeps history has at least these.
        if not gap.backwards and not self._schedule.keeps_nothing(gap):
            until = Ns(gap.until + _MS)
            fetching = self._consumer.fetch(node.id, stream.code, stream.name, gap.since, until, _TIMEOUT)
            with trio.move_on_after(_LONGEST) as patience:
                async with fetching as fetch:
                    async for page in fetch:
                        if not self._picture.has(node, stream):
                            return
                        heard = heard or bool(page.entries)
                        self._tell(self._picture.fetched(node, stream, gap, page.entries, Ns(self._clock())))
            if patience.cancelled_caught:
                raise NotConnectedError(f"{node.id}: the answer does not end")
            if gap in self._picture.gaps and not heard:
                self._schedule.found_nothing(gap, trio.current_time())
        if gap in self._picture.gaps:
            self._tell(self._picture.give_up(gap))
