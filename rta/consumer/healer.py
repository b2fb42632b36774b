"""Heals gaps: fetches what is missing, and puts it into the picture."""

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
from rta.errors import TransportError
from rta.wire.values import Ns

__all__ = ["Fetching", "Healer"]

_LOOK = 0.1  # s at least between looks at the agenda
_TIMEOUT = 30.0  # s between messages
_LONGEST = 600.0  # s for all of them: a node could go on for ever
_MS = 1_000_000


class Fetching(Protocol):
    """What it needs of the consumer."""

    async def link(self) -> object:
        """Wait until there is a connection."""
        ...

    def fetch(
        self, node: str, code: str, name: str, since: Ns | None, until: Ns | None, timeout: float
    ) -> AbstractAsyncContextManager[Fetch]: ...


class Healer:
    """Of one watch."""

    def __init__(
        self,
        picture: Picture,
        consumer: Fetching,
        at_once: trio.Semaphore,
        tell: Callable[[list[Event]], None],
        clock: Callable[[], int],
    ) -> None:
        """`at_once`: how many fetches there may be, of all watches."""
        self._picture = picture
        self._consumer = consumer
        self._at_once = at_once
        self._tell = tell
        self._clock = clock
        self._agenda = HealSchedule(picture)
        self._changed = trio.Event()

    def wake(self) -> None:
        """There is something new in the picture."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                self._changed = trio.Event()
                self._agenda.refresh(trio.current_time())
                for gap in self._agenda.pop_due(trio.current_time()):
                    nursery.start_soon(self._heal, gap, self._picture.gaps[gap][0].id)
                due = self._agenda.due()
                with trio.move_on_at(float("inf") if due is None else due):
                    await self._changed.wait()
                await trio.sleep(_LOOK)

    async def _heal(self, gap: Gap, node: str) -> None:
        try:
            async with self._at_once:
                await self._consumer.link()
                if gap in self._picture.gaps:
                    await self._fetch(gap)
        except TransportError:
            if gap in self._picture.gaps and self._agenda.failed(gap, trio.current_time()):
                self._tell(self._picture.give_up(gap))
        self._agenda.done(node)
        self.wake()

    async def _fetch(self, gap: Gap) -> None:
        """:raises TransportError: there is no answer."""
        node, stream = self._picture.gaps[gap]
        heard = False
        # From the entry before to the one behind, both included: who keeps history has these at least.
        if not gap.backwards and not self._agenda.keeps_nothing(gap):
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
                raise TransportError(f"{node.id}: the answer does not end")
            if gap in self._picture.gaps and not heard:
                self._agenda.found_nothing(gap, trio.current_time())
        if gap in self._picture.gaps:
            self._tell(self._picture.give_up(gap))
