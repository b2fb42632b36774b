"""The conformance kit of the `Source` port: what every source must keep to, wherever its telemetry arises.

    class TestMySource(SourceContract):
        @asynccontextmanager
        async def open_source(self) -> AsyncIterator[Source]:
            yield MySource(...)

        def enough(self, updates: list[SourceUpdate]) -> bool:  # only for a source that does not end by itself
            return len(updates) >= 6

The source runs on a mock clock that jumps to the next timer, so that one that paces itself by `trio.sleep` is
done at once. Override `clock` for one that talks to a real server.
"""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from rta.errors import NotConnectedError, UnreadableError
from rta.ports import CloseSession, OpenSession, Publish, SessionBurst, SourceUpdate
from rta.testing.patience import within
from rta.testing.source_checks import (
    check_burst,
    check_configurations,
    check_items,
    check_order,
    check_session_json,
    check_states,
    samples_of,
)
from rta.testing.source_under_test import Clock, SourceUnderTest

__all__ = ["SourceContract"]


class SourceContract(SourceUnderTest):
    """Subclass it, and override `open_source`; `enough` too if the source does not end by itself; and where it applies
    the other hooks of `SourceUnderTest`: `outage`, `clock`, `limits`, `repeatable`, `published_elsewhere`."""

    async def test_it_reports_sessions_and_their_data(self, clock: Clock) -> None:
        updates = await self.updates()
        assert any(isinstance(u, OpenSession) for u in updates), "no session: the kit has nothing to look at"
        assert any(isinstance(u, SessionBurst) for u in updates), "no burst: the kit has nothing to look at"

    async def test_a_session_is_opened_before_anything_else_of_it_and_closed_after(self, clock: Clock) -> None:
        check_order(await self.updates(), set())

    async def test_session_json_is_whole_and_of_the_session_it_came_for(self, clock: Clock) -> None:
        for update in await self.updates():
            check_session_json(update)

    async def test_a_session_is_in_a_closed_state_when_it_is_closed_and_not_before(self, clock: Clock) -> None:
        check_states(await self.updates())

    async def test_bursts_are_what_their_bytes_say_and_within_the_limits(self, clock: Clock) -> None:
        for update in await self.updates():
            if isinstance(update, SessionBurst):
                check_burst(update.burst, self.limits)

    async def test_every_item_of_a_burst_can_be_decoded(self, clock: Clock) -> None:
        check_items(await self.updates())

    async def test_configurations_are_published_before_sessions_bind_to_them(self, clock: Clock) -> None:
        check_configurations(await self.updates(), set(self.published_elsewhere))

    async def test_a_configuration_never_changes_once_published(self, clock: Clock) -> None:
        texts: dict[str, str] = {}
        for update in await self.updates():
            if isinstance(update, Publish):
                assert texts.setdefault(update.identifier, update.text) == update.text

    async def test_a_slow_receiver_loses_nothing(self, clock: Clock) -> None:
        slow = await self.updates(pause=self.slowness)
        check_order(slow, set())
        check_items(slow)
        if self.repeatable:
            assert samples_of(slow) == samples_of(await self.updates(bound=1000))

    @pytest.mark.parametrize("checkpoints", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
    async def test_it_can_be_cancelled_at_any_moment(self, clock: Clock, checkpoints: int) -> None:
        async def when(got: list[SourceUpdate]) -> None:
            for _ in range(checkpoints):
                await trio.lowlevel.checkpoint()

        check_order(await self.cancelled(when), set())

    @pytest.mark.parametrize("count", range(1, 8))
    async def test_it_can_be_cancelled_after_any_update(self, clock: Clock, count: int) -> None:
        async with self.open_source() as source:
            check_order(await self.collect(source, lambda got: len(got) >= count), set())

    async def test_it_can_be_cancelled_while_it_waits_for_the_receiver(self, clock: Clock) -> None:
        async with self.open_source() as source:
            with within(self.patience, "the end of a source that was cancelled"):
                async with trio.open_nursery() as nursery:
                    send, receive = trio.open_memory_channel[SourceUpdate](0)
                    nursery.start_soon(source.run, send)
                    await receive.receive()
                    await wait_all_tasks_blocked()
                    nursery.cancel_scope.cancel()

    async def test_it_can_be_run_again_after_an_outage(self, clock: Clock) -> None:
        async with self.open_source() as source:
            outage = self.outage(source)
            if outage is None:
                return
            before = await self.collect(source, lambda got: isinstance(got[-1], SessionBurst))
            during: list[SourceUpdate] = []
            failed = False
            async with outage:
                try:
                    during = await self.collect(source, lambda got: False)
                except (NotConnectedError, UnreadableError):
                    failed = True
            why = "running during the outage raised neither NotConnectedError nor UnreadableError"
            assert failed, f"{why}, but reported {len(during)} updates"
            after = await self.collect(source, self.enough)
            check_order(after, {u.identity for u in before if isinstance(u, OpenSession)})
            assert any(isinstance(u, OpenSession | SessionBurst | CloseSession) for u in after)
