"""Answers with data take turns: few addresses cannot keep the others from theirs."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.rest.problem import RequestProblem
from rta.rest.turns import AnswerTurn, AnswerTurns


async def takes_nothing(_: object) -> None:
    await trio.sleep_forever()


async def answer(turns: AnswerTurns, address: str, ended: list[str], seconds: float | None = None) -> None:
    """Sends for so long; without a time, to a client that takes nothing."""
    async with turns.turn(address) as turn:
        if seconds is None:
            await turn.watched(takes_nothing)({})
        else:
            await trio.sleep(seconds)
    ended.append(address)


async def test_an_address_without_an_answer_has_its_turn_within_two_seconds_beside_clients_that_take_nothing(
    autojump_clock: MockClock,
) -> None:
    turns = AnswerTurns(in_all=8, of_one=4)
    ended: list[str] = []
    async with trio.open_nursery() as nursery:
        for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.3", "10.0.0.3", "10.0.0.4", "10.0.0.5"):
            nursery.start_soon(answer, turns, address, ended)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        async with turns.turn("10.0.0.9"):
            assert trio.current_time() - began < 2
            assert ended == ["10.0.0.3"]  # of those that have most
        nursery.cancel_scope.cancel()


async def test_answers_that_are_taken_do_not_make_way(autojump_clock: MockClock) -> None:
    turns = AnswerTurns(in_all=2, of_one=2)
    ended: list[str] = []
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(answer, turns, "10.0.0.1", ended, 60)
        await wait_all_tasks_blocked()
        with pytest.raises(RequestProblem, match="of all clients"):
            async with turns.turn("10.0.0.9"):
                pass
        assert trio.current_time() < 6
        assert ended == []
        nursery.cancel_scope.cancel()


async def test_an_address_that_has_an_answer_waits_for_clients_that_take_nothing(autojump_clock: MockClock) -> None:
    turns = AnswerTurns(in_all=2, of_one=2)
    ended: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer, turns, "10.0.0.1", ended)
        await wait_all_tasks_blocked()
        async with turns.turn("10.0.0.9"):
            with pytest.raises(RequestProblem):
                async with turns.turn("10.0.0.9"):
                    pass
        assert ended == []
        nursery.cancel_scope.cancel()


async def test_the_next_turn_is_that_of_the_address_that_has_the_fewest(autojump_clock: MockClock) -> None:
    turns = AnswerTurns(in_all=3, of_one=3)
    order: list[str] = []

    async def waits(address: str) -> None:
        async with turns.turn(address):
            order.append(address)
            await trio.sleep(60)

    async with trio.open_nursery() as nursery:
        for seconds in (1, 60, 60):
            nursery.start_soon(answer, turns, "10.0.0.1", [], seconds)
        await wait_all_tasks_blocked()
        for address in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
            nursery.start_soon(waits, address)
            await wait_all_tasks_blocked()
        await trio.sleep(2)
        assert order == ["10.0.0.2"]
        nursery.cancel_scope.cancel()


async def test_whoever_gives_up_waiting_takes_no_turn(autojump_clock: MockClock) -> None:
    turns = AnswerTurns(in_all=1, of_one=1)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(turns.turn("10.0.0.1"))
        with trio.move_on_after(1) as gone:
            async with turns.turn("10.0.0.2"):
                pass
        assert gone.cancelled_caught
    async with turns.turn("10.0.0.3") as turn:
        assert isinstance(turn, AnswerTurn)


async def test_a_turn_that_comes_as_its_request_is_cancelled_is_given_back() -> None:
    turns = AnswerTurns(in_all=1, of_one=1)
    async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
        await stack.enter_async_context(turns.turn("10.0.0.1"))
        nursery.start_soon(answer, turns, "10.0.0.2", [])
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        await stack.aclose()
    async with turns.turn("10.0.0.3"):
        pass


async def test_no_more_wait_than_may(autojump_clock: MockClock) -> None:
    turns = AnswerTurns(in_all=1, of_one=1)
    async with turns.turn("10.0.0.1"), trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(RequestProblem):
                async with turns.turn("10.0.0.2"):
                    pass

        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        with pytest.raises(RequestProblem, match="at most 1 and 1"):
            async with turns.turn("10.0.0.2"):
                pass
        assert trio.current_time() == began
