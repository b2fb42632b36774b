"""Clients that have something to be read are told of, a few at a time."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
import trio
import trio.testing
from rta_transports.websocket.readiness import Readiness


@pytest.fixture
async def readiness(nursery: trio.Nursery) -> Readiness:
    found = Readiness()
    nursery.start_soon(found.run)
    return found


@pytest.fixture
async def pairs() -> AsyncIterator[list[tuple[socket.socket, socket.socket]]]:
    with ExitStack() as opened:
        found = [socket.socketpair() for _ in range(100)]
        for pair in found:
            for sock in pair:
                opened.enter_context(sock)
        yield found


async def test_many_that_speak_at_once_are_woken_over_several_turns(
    readiness: Readiness, pairs: list[tuple[socket.socket, socket.socket]]
) -> None:
    turn, woken = 0, list[int]()

    async def wait(sock: socket.socket) -> None:
        await readiness.wait(sock)
        woken.append(turn)

    async with trio.open_nursery() as nursery:
        for here, _ in pairs:
            nursery.start_soon(wait, here)
        await trio.testing.wait_all_tasks_blocked()
        for _, there in pairs:
            there.send(b"x")
        while len(woken) < len(pairs):
            await trio.lowlevel.checkpoint()
            turn += 1
    assert max(woken.count(n) for n in woken) <= 4


async def test_who_has_been_woken_may_wait_again(
    readiness: Readiness, pairs: list[tuple[socket.socket, socket.socket]]
) -> None:
    here, there = pairs[0]
    for text in (b"a", b"b", b"c"):
        there.send(text)
        await readiness.wait(here)
        assert here.recv(10) == text


async def test_what_was_there_before_wakes_at_once(
    readiness: Readiness, pairs: list[tuple[socket.socket, socket.socket]]
) -> None:
    here, there = pairs[0]
    there.close()
    await readiness.wait(here)
    assert here.recv(10) == b""


async def test_a_wait_may_be_given_up(readiness: Readiness, pairs: list[tuple[socket.socket, socket.socket]]) -> None:
    here, there = pairs[0]
    with trio.move_on_after(0) as scope:
        await readiness.wait(here)
    assert scope.cancelled_caught
    there.send(b"x")
    await readiness.wait(here)


async def test_who_waits_is_woken_when_the_socket_is_to_be_closed(
    readiness: Readiness, pairs: list[tuple[socket.socket, socket.socket]]
) -> None:
    here, _ = pairs[0]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(readiness.wait, here)
        await trio.testing.wait_all_tasks_blocked()
        readiness.release(here)


async def test_a_number_that_is_used_again_is_another_socket(
    readiness: Readiness, pairs: list[tuple[socket.socket, socket.socket]]
) -> None:
    here, there = pairs.pop()
    there.send(b"x")
    await readiness.wait(here)
    number = here.fileno()
    readiness.release(here)
    here.close()
    there.close()
    one, other = socket.socketpair()
    with one, other:
        assert number in (one.fileno(), other.fileno())
        for mine, theirs in ((one, other), (other, one)):
            theirs.send(b"x")
            await readiness.wait(mine)
