"""Contract of a log: of all who could act for a stream, one does."""

from __future__ import annotations

import trio

from rta.ports import BurstLog
from rta.testing.log_under_test import LogUnderTest
from rta.testing.patience import within

__all__ = ["ClaimChecks"]

LONG = 60.0
SHORT = 0.05


class ClaimChecks(LogUnderTest):
    """`claim`, `release`."""

    async def claimed_in_the_end(self, log: BurstLog, stream: str, owner: str) -> None:
        """Claim until it succeeds."""
        with within(self.patience, f"a claim of {stream!r} by {owner!r}"):
            while not await log.claim(stream, owner, LONG):
                await trio.sleep(SHORT / 5)

    async def test_one_has_a_claim_and_others_do_not(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            assert await log.claim("s", "a", LONG)
            assert not await other.claim("s", "b", LONG)
            assert not await log.claim("s", "b", LONG)

    async def test_a_claim_is_renewed_by_whoever_has_it(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            assert await log.claim("s", "a", LONG)
            assert await other.claim("s", "a", LONG)
            assert not await log.claim("s", "b", LONG)

    async def test_of_many_who_claim_at_once_one_gets_it(self) -> None:
        got = []

        async def claim(log: BurstLog, owner: str) -> None:
            if await log.claim("s", owner, LONG):
                got.append(owner)

        async with self.open_log() as log, self.open_again(log) as other:
            async with trio.open_nursery() as nursery:
                for i in range(10):
                    nursery.start_soon(claim, (log, other)[i % 2], f"owner {i}")
            assert len(got) == 1

    async def test_a_claim_that_was_released_can_be_had_at_once(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            assert await log.claim("s", "a", LONG)
            await log.release("s", "a")
            assert await other.claim("s", "b", LONG)

    async def test_nobody_releases_what_another_one_has(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            await log.release("s", "b")
            assert await log.claim("s", "a", LONG)
            await other.release("s", "b")
            assert not await other.claim("s", "b", LONG)

    async def test_a_claim_that_is_not_renewed_runs_out(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            assert await log.claim("s", "a", SHORT)
            await self.claimed_in_the_end(other, "s", "b")
            assert not await log.claim("s", "a", LONG)

    async def test_a_claim_that_has_been_renewed_lasts_as_long_as_the_last_one(self) -> None:
        async with self.open_log() as log:
            assert await log.claim("s", "a", LONG)
            assert await log.claim("s", "a", SHORT)
            await self.claimed_in_the_end(log, "s", "b")

    async def test_every_stream_has_a_claim_of_its_own(self) -> None:
        async with self.open_log() as log:
            assert await log.claim("s", "a", LONG)
            assert await log.claim("t", "b", LONG)
            assert not await log.claim("s", "b", LONG)

    async def test_claims_are_no_streams_and_no_sessions(self) -> None:
        async with self.open_log() as log:
            assert await log.claim("s{t}", "a b \u00e9", LONG)
            assert await log.sessions() == []
            assert (await log.head("s{t}")) == (0, 0)
