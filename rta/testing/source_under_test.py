"""What a source's author tells the kit, and how the kit runs a source."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager

import pytest
import trio
from trio.testing import MockClock

from rta.errors import TransportError
from rta.ports import Source, SourceUpdate
from rta.testing.patience import within
from rta.wire.burst import SizeLimits

__all__ = ["Clock", "SourceUnderTest"]

Clock = trio.abc.Clock | None


class SourceUnderTest:
    """The hooks of `SourceContract`. Override `open_source`; and `enough`, if the source does not end by itself. The
    others have defaults: override them where they do not fit."""

    pytestmark = pytest.mark.trio

    patience: float = 60.0
    """Real seconds that the kit waits for a source; a test that waits longer fails."""

    slowness: float = 0.05
    """Seconds, by Trio's clock, that a slow receiver takes over each update."""

    limits: SizeLimits = SizeLimits()
    """How much a burst may hold."""

    repeatable: bool = True
    """Whether a source that is opened again reports the same samples of the same sessions again."""

    published_elsewhere: Collection[str] = ()
    """Identifiers of configurations that sessions may bind to although the source does not publish them."""

    @pytest.fixture
    def clock(self) -> Clock:
        """The clock of the run: one that jumps to the next timer. Override it with None for real time."""
        return MockClock(autojump_threshold=0)

    def open_source(self) -> AbstractAsyncContextManager[Source]:
        """A source that has at least one session with data to report, and whatever it needs to do so."""
        raise NotImplementedError(f"{type(self).__name__} must say how to open its source")

    def enough(self, updates: list[SourceUpdate]) -> bool:
        """Whether the kit has seen what there is to see, and may end the source: a session with data, at least.

        For a source that does not end by itself; without it the kit waits `patience` seconds for the end, and fails.
        Default: no, the kit waits for the end.
        """
        return False

    def outage(self, source: Source) -> AbstractAsyncContextManager[None] | None:
        """The other side of the source cannot be reached inside this block. Default, None: it always can."""
        return None

    async def updates(self, *, bound: int = 0, pause: float = 0) -> list[SourceUpdate]:
        """What a newly opened source reports until there is enough, or no more."""
        async with self.open_source() as source:
            return await self.collect(source, self.enough, bound=bound, pause=pause)

    async def collect(
        self,
        source: Source,
        enough: Callable[[list[SourceUpdate]], bool],
        *,
        bound: int = 0,
        pause: float = 0,
    ) -> list[SourceUpdate]:
        """What a source reports into a channel of this bound to a receiver that pauses after each update."""
        got: list[SourceUpdate] = []
        broken: list[TransportError] = []

        async def run(send: trio.MemorySendChannel[SourceUpdate]) -> None:
            try:
                await _run(source, send)
            except TransportError as e:
                broken.append(e)

        with within(self.patience, "the source has neither ended nor reported what is `enough`"):
            async with trio.open_nursery() as nursery:
                send, receive = trio.open_memory_channel[SourceUpdate](bound)
                nursery.start_soon(run, send)
                async for update in receive:
                    got.append(update)
                    if enough(got):
                        break
                    await trio.sleep(pause)
                nursery.cancel_scope.cancel()
        if broken:
            raise broken[0]
        return got

    async def cancelled(self, when: Callable[[list[SourceUpdate]], Awaitable[None]]) -> list[SourceUpdate]:
        """What a newly opened source reported before it was cancelled: as soon as `when` returns."""
        got: list[SourceUpdate] = []

        async def receive_all() -> None:
            async for update in receive:
                got.append(update)

        with within(self.patience, "the end of a source that was cancelled"):
            async with self.open_source() as source, trio.open_nursery() as nursery:
                send, receive = trio.open_memory_channel[SourceUpdate](0)
                nursery.start_soon(_run, source, send)
                nursery.start_soon(receive_all)
                await when(got)
                nursery.cancel_scope.cancel()
        return got


async def _run(source: Source, send: trio.MemorySendChannel[SourceUpdate]) -> None:
    with send:
        await source.run(send)
