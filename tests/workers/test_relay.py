"""What the first worker does for the others."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from rta.errors import MalformedError, TransportError
from rta.testing.patience import until
from rta.workers import Membership, Relay


def member(folder: Path, index: int) -> Membership:
    return Membership(index, 2, 0, folder, -1)


async def echo(request: bytes) -> bytes:
    return request[::-1]


async def refuse(request: bytes) -> bytes:
    raise MalformedError("worker", "not known here")


async def serve(nursery: trio.Nursery, relay: Relay, folder: Path) -> None:
    nursery.start_soon(relay.serve)
    await until(lambda: any(p.is_socket() for p in folder.iterdir()), 10.0, "the socket")
    await trio.testing.wait_all_tasks_blocked()


@pytest.mark.parametrize("size", [1, 3_000_000])
async def test_a_request_gets_its_answer(tmp_path, size):
    first, other = Relay(member(tmp_path, 0), echo), Relay(member(tmp_path, 1), echo)
    async with trio.open_nursery() as nursery:
        await serve(nursery, first, tmp_path)
        request = b"a" + b"b" * size
        assert await other.ask(request) == request[::-1]
        nursery.cancel_scope.cancel()


async def test_many_may_ask_at_once(tmp_path):
    first, other = Relay(member(tmp_path, 0), echo), Relay(member(tmp_path, 1), echo)
    answers: list[bytes] = []

    async def ask(number: int) -> None:
        answers.append(await other.ask(b"%02d" % number))

    async with trio.open_nursery() as serving:
        await serve(serving, first, tmp_path)
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(ask, number)
        serving.cancel_scope.cancel()
    assert {a[::-1] for a in answers} == {b"%02d" % n for n in range(50)}


async def test_a_first_worker_that_is_not_there_is_an_error_that_can_pass(tmp_path):
    with pytest.raises(TransportError, match="worker 0, which has the streams, does not answer now"):
        await Relay(member(tmp_path, 1), echo).ask(b"a")


async def test_what_the_first_worker_does_not_know_disturbs_nobody(tmp_path):
    other = Relay(member(tmp_path, 1), echo)
    async with trio.open_nursery() as nursery:
        await serve(nursery, Relay(member(tmp_path, 0), refuse), tmp_path)
        for _ in range(2):
            with pytest.raises(TransportError):
                await other.ask(b"a")
        nursery.cancel_scope.cancel()


async def test_a_first_worker_that_does_not_come_to_an_end_is_given_up(tmp_path, autojump_clock):
    async def never(request: bytes) -> bytes:
        await trio.sleep_forever()
        raise AssertionError

    async with trio.open_nursery() as nursery:
        await serve(nursery, Relay(member(tmp_path, 0), never), tmp_path)
        began = trio.current_time()
        with pytest.raises(TransportError):
            await Relay(member(tmp_path, 1), echo).ask(b"a")
        assert trio.current_time() - began < 10
        nursery.cancel_scope.cancel()


async def test_a_worker_that_replaces_the_first_serves_in_its_place(tmp_path):
    other = Relay(member(tmp_path, 1), echo)
    (tmp_path / "relay.sock").touch()  # the one before was killed
    async with trio.open_nursery() as nursery:
        await serve(nursery, Relay(member(tmp_path, 0), echo), tmp_path)
        assert await other.ask(b"ab") == b"ba"
        nursery.cancel_scope.cancel()
