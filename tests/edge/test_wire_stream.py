"""The stream under everything, on a socket pair: Trio's contract, and frames that go past it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing
from rta_transports.websocket.readiness import Readiness
from rta_transports.websocket.stream import WireStream

FRAME = bytes(range(256)) * 8192
"""2 MiB: more than a socket pair takes."""


@pytest.fixture
async def readiness(nursery: trio.Nursery) -> Readiness:
    found = Readiness()
    nursery.start_soon(found.run)
    return found


def make_pair(readiness: Readiness) -> tuple[WireStream, WireStream]:
    a, b = socket.socketpair()
    return WireStream(a, readiness), WireStream(b, readiness)


@pytest.fixture
async def pair(readiness: Readiness) -> AsyncIterator[tuple[WireStream, WireStream]]:
    a, b = make_pair(readiness)
    yield a, b
    a.close()
    b.close()


@pytest.fixture
async def tcp_pair(readiness: Readiness) -> AsyncIterator[tuple[WireStream, WireStream]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        a = WireStream(socket.create_connection(server.getsockname()), readiness)
        b = WireStream(server.accept()[0], readiness)
    yield a, b
    a.close()
    b.close()


def past(wire: WireStream, frame: bytes) -> None:
    """Send as the fan-out does: past the stream, leaving what is not taken."""
    assert wire.free
    taken = wire.socket.send(frame)
    if taken < len(frame):
        wire.hold(memoryview(frame)[taken:])


async def read(wire: WireStream, count: int) -> bytes:
    data = b""
    with trio.fail_after(50):
        while len(data) < count:
            data += await wire.receive_some(65536)
    return data


async def test_it_keeps_the_contract_of_trio_streams(readiness: Readiness) -> None:
    async def make() -> tuple[WireStream, WireStream]:
        return make_pair(readiness)

    await trio.testing.check_half_closeable_stream(make, None)


async def test_a_frame_held_in_part_is_not_free_until_it_is_flushed(pair: tuple[WireStream, WireStream]) -> None:
    a, b = pair
    past(a, FRAME)
    assert not a.free
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.flush)
        assert await read(b, len(FRAME)) == FRAME
    assert a.free


async def test_a_control_frame_goes_behind_the_rest_of_a_data_frame(pair: tuple[WireStream, WireStream]) -> None:
    a, b = pair
    past(a, FRAME)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.send_all, b"pong")
        assert await read(b, len(FRAME) + 4) == FRAME + b"pong"


async def test_frames_of_several_writers_stay_whole(pair: tuple[WireStream, WireStream]) -> None:
    a, b = pair
    frames = [bytes([n]) * 300_000 for n in range(1, 9)]
    past(a, frames[0])
    async with trio.open_nursery() as nursery:
        for frame in frames[1:]:
            nursery.start_soon(a.send_all, frame)
            nursery.start_soon(a.flush)
        data = await read(b, sum(map(len, frames)))
    assert data.startswith(frames[0])
    assert sorted(data[i : i + 300_000] for i in range(0, len(data), 300_000)) == frames


async def test_it_is_not_free_while_a_writer_waits(pair: tuple[WireStream, WireStream]) -> None:
    a, b = pair
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.send_all, FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert not a.free
        await read(b, len(FRAME))
    assert a.free


async def test_whoever_writes_past_it_is_told_when_a_writer_has_to_wait(pair: tuple[WireStream, WireStream]) -> None:
    a, b = pair
    told: list[bool] = []
    a.blocked = lambda: told.append(a.free)
    await a.send_all(b"short")
    assert told == []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.send_all, FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert told == [False]
        await read(b, 5 + len(FRAME))


async def test_a_flush_that_is_cancelled_loses_nothing(pair: tuple[WireStream, WireStream]) -> None:
    a, b = pair
    past(a, FRAME)
    with trio.CancelScope() as scope:
        scope.cancel()
        await a.flush()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.flush)
        assert await read(b, len(FRAME)) == FRAME


async def test_what_is_sent_at_once_is_followed_by_what_is_left(pair: tuple[WireStream, WireStream]) -> None:
    a, b = pair
    left = a.send_now([memoryview(b"head "), memoryview(FRAME)])
    assert 0 < sum(map(len, left)) < len(FRAME)
    assert a.send_now(left) == left  # it is full
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.send_parts, left)
        assert await read(b, 5 + len(FRAME)) == b"head " + FRAME


async def test_nothing_is_sent_at_once_past_a_frame_that_is_held_in_part(pair: tuple[WireStream, WireStream]) -> None:
    a, _ = pair
    past(a, FRAME)
    behind = [memoryview(b"behind")]
    assert a.send_now(behind) == behind


async def test_bytes_given_back_are_received_first(pair: tuple[WireStream, WireStream]) -> None:
    a, b = pair
    await a.send_all(b"world")
    b.unread(b"lo ")
    b.unread(b"hel")
    assert await read(b, 11) == b"hello world"


async def test_bytes_given_back_are_received_in_parts_as_asked(pair: tuple[WireStream, WireStream]) -> None:
    _, b = pair
    b.unread(b"hello")
    assert [await b.receive_some(2), await b.receive_some(2), await b.receive_some(2)] == [b"he", b"ll", b"o"]


@pytest.mark.parametrize("method", ["flush", "send_eof", "wait_send_all_might_not_block", "receive_some"])
async def test_nothing_works_on_a_closed_one(pair: tuple[WireStream, WireStream], method: str) -> None:
    a, _ = pair
    a.close()
    with pytest.raises(trio.ClosedResourceError):
        await getattr(a, method)()
    assert not a.free


@pytest.mark.parametrize("ending", ["close", "abort"])
async def test_closing_wakes_those_who_wait(pair: tuple[WireStream, WireStream], ending: str) -> None:
    a, _ = pair
    woken: list[str] = []

    async def wait_in(name: str, *args: bytes) -> None:
        with pytest.raises(trio.ClosedResourceError):
            await getattr(a, name)(*args)
        woken.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_in, "receive_some")
        nursery.start_soon(wait_in, "send_all", FRAME)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(wait_in, "flush")
        await trio.testing.wait_all_tasks_blocked()
        getattr(a, ending)()
    assert sorted(woken) == ["flush", "receive_some", "send_all"]


async def test_hanging_up_delivers_what_was_sent_though_the_peer_goes_on_sending(
    tcp_pair: tuple[WireStream, WireStream],
) -> None:
    a, b = tcp_pair
    async with trio.open_nursery() as nursery:
        await a.send_all(b"last words")
        nursery.start_soon(a.hang_up, 5.0)
        await b.send_all(FRAME)
        assert await read(b, 10) == b"last words"
        b.close()
    assert a.closed.is_set()


async def test_hanging_up_ends_a_receiver(pair: tuple[WireStream, WireStream]) -> None:
    a, b = pair

    async def receive() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await a.receive_some()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(a.hang_up, 5.0)
        await trio.testing.wait_all_tasks_blocked()
        b.close()


async def test_hanging_up_twice_waits_for_the_same_end(pair: tuple[WireStream, WireStream]) -> None:
    a, b = pair
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.hang_up, 5.0)
        nursery.start_soon(a.hang_up, 5.0)
        await trio.testing.wait_all_tasks_blocked()
        assert not a.closed.is_set()
        b.close()
    assert a.closed.is_set()


async def test_hanging_up_on_a_peer_that_stays_ends_in_time(pair: tuple[WireStream, WireStream]) -> None:
    a, _ = pair
    with trio.fail_after(50):
        await a.hang_up(0.05)
    assert a.closed.is_set()


async def test_an_abort_is_noticed_as_a_reset(tcp_pair: tuple[WireStream, WireStream]) -> None:
    a, b = tcp_pair
    await a.send_all(b"never read")
    a.abort()
    with pytest.raises(trio.BrokenResourceError):
        await read(b, 1000)
