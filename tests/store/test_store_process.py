"""A store in a process of its own: what is asked of it at the same time, in order, and in large pieces.

What becomes of it when it is killed, or its files are damaged, the tests of the history's process tell.
"""

from __future__ import annotations

import os
import random
import socket
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio

from rta.errors import ArchiveError, FlushPointError
from rta.store.calls import IncomingReplies, StoreReply, WithBytes, send_pieces, write
from rta.store.lasting import LastingStore
from rta.store.worker import StoreWorker, in_a_process
from rta.testing.patience import within
from tests.store.notebook import NOTEBOOK, NotebookLost, add, echo, end, fail, meet, notes, read_fifo

PATIENCE = 120.0


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[StoreWorker]:
    async with in_a_process(NOTEBOOK, tmp_path / "book") as opened:
        yield opened


async def write_fifo(path: Path) -> None:
    async with await trio.open_file(path, "wb") as file:
        await file.write(b"now")


@pytest.mark.processes
async def test_as_many_read_at_the_same_time_as_there_are_readers(worker):
    threads: list[int] = []

    async def come() -> None:
        threads.append(await worker.ask(False, meet))

    with within(PATIENCE, "the meeting"):
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(come)
    assert len(set(threads)) == 3


@pytest.mark.processes
async def test_calls_of_one_cursor_are_done_in_order_and_hold_up_no_others(worker, tmp_path):
    os.mkfifo(tmp_path / "fifo")

    async def ask(work: Callable[..., None], *arguments: str) -> None:
        await worker.ask(False, work, *arguments, cursor=1)

    with within(PATIENCE, "the notes"):
        async with trio.open_nursery() as nursery:
            for call in ((read_fifo, str(tmp_path / "fifo"), "first"), (add, "second"), (add, "third")):
                nursery.start_soon(ask, *call)
                await trio.testing.wait_all_tasks_blocked()
            worker.tell(1, add, "last")
            await worker.ask(False, add, "of another", cursor=2)
            await worker.ask(False, add, "of none")
            assert await worker.ask(True, notes) == ["of another", "of none"]
            await write_fifo(tmp_path / "fifo")
        found = await worker.ask(False, notes, cursor=1)
    assert found == ["of another", "of none", "first", "second", "third", "last"]


@pytest.mark.processes
async def test_what_is_written_waits_for_no_reader_and_keeps_its_order(worker, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with within(PATIENCE, "the notes"):
        async with trio.open_nursery() as nursery:
            for i in range(3):
                nursery.start_soon(worker.ask, False, read_fifo, str(tmp_path / "fifo"), f"reader {i}")
            await trio.testing.wait_all_tasks_blocked()
            for i in range(100):
                with trio.move_on_after(0):  # it is asked for, and not waited for
                    await worker.ask(True, add, str(i))
            assert await worker.ask(True, notes) == [str(i) for i in range(100)]
            nursery.cancel_scope.cancel()


@pytest.mark.processes
async def test_large_values_come_whole_in_both_directions(worker):
    numbers = random.Random(1)
    sizes = [0, 1, 65_535, 65_536, 262_140, 262_144, 1 << 20, 4 << 20]
    values = [[numbers.randbytes(size), "text", numbers.randbytes(size // 2)] for size in sizes]
    got: dict[int, object] = {}

    async def send(i: int) -> None:
        got[i] = await worker.ask(bool(i % 2), echo, values[i])

    with within(PATIENCE, "the answers"):
        async with trio.open_nursery() as nursery:
            for i in range(len(values)):
                nursery.start_soon(send, i)
    assert [got[i] for i in range(len(values))] == values


@pytest.mark.processes
async def test_errors_of_its_kind_come_as_they_are(worker):
    with pytest.raises(FlushPointError, match="it is not known"):
        await worker.ask(False, fail, True)
    with pytest.raises(RuntimeError, match="OSError: a fault"):
        await worker.ask(False, fail, False)
    assert worker.damage == ["a page is wet"] * 2


@pytest.mark.processes
async def test_a_store_that_lasts_has_another_process_when_one_has_ended(tmp_path):
    begun: list[int] = []
    told: list[str] = []
    failed = trio.Event()

    def fails(why: str) -> None:
        told.append(why)
        failed.set()

    store = LastingStore(
        NOTEBOOK,
        tmp_path / "book",
        lambda path: in_a_process(NOTEBOOK, path),
        begun=begun.append,
        works=lambda: told.append("works"),
        lost=lambda: told.append("lost"),
        fails=fails,
        ended=lambda: told.append("ended"),
    )
    with within(PATIENCE, "the store"):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.run)
            await store.open()
            assert await store.read(echo, 1) == 1
            with pytest.raises(NotebookLost, match="cannot be used"):
                await store.write(end)  # also the next one
            assert len(set(begun)) == 2
            with pytest.raises(ArchiveError, match="cannot be used"):
                await store.read(echo, 1)
            store.tell(1, echo, 1)  # to nobody
            await failed.wait()
            store.close()
    again = ["works", "ended"]
    assert told == [*again, *again, "the process of the notebook has ended by itself", "lost", "lost"]


def test_replies_are_the_same_however_they_are_cut():
    numbers = random.Random(2)
    sizes = [0, 10, 300_000]
    replies = [StoreReply(i, numbers.randbytes(numbers.choice(sizes)), None, []) for i in range(40)]
    for i in range(0, 40, 2):
        data = [numbers.randbytes(numbers.choice(sizes)) for _ in range(numbers.choice([0, 1, 3]))]
        replies[i] = replies[i]._replace(value=WithBytes(i, data))
    data = b"".join(piece for reply in replies for piece in write(reply))
    incoming = IncomingReplies()
    got: list[StoreReply] = []
    at = 0
    while at < len(data):
        with incoming.room() as room:
            size = min(len(room), numbers.choice([1, 3, 1000, 1 << 18]), len(data) - at)
            assert size
            room[:size] = data[at : at + size]
        got += incoming.feed(size)
        at += size
    assert [_joined(reply) for reply in got] == [_joined(reply) for reply in replies]
    assert all(len(reply.value.data) <= 1 for reply in got[::2])


def _joined(reply: StoreReply) -> StoreReply:
    if not isinstance(reply.value, WithBytes):
        return reply
    return reply._replace(value=(reply.value.value, b"".join(reply.value.data)))


def test_large_bytes_are_received_where_others_were_once_nobody_has_them_any_more():
    incoming = IncomingReplies()

    def received(byte: int) -> memoryview:
        for piece in write(StoreReply(1, WithBytes(None, [bytes([byte]) * 300_000]), None, [])):
            for at in range(0, len(piece), 1000):
                with incoming.room() as room:
                    room[: len(piece[at : at + 1000])] = piece[at : at + 1000]
                for reply in incoming.feed(len(piece[at : at + 1000])):
                    (found,) = reply.value.data
        return found

    first, second = received(1), received(2)
    room = id(second.obj)
    assert id(first.obj) != room
    assert (first[0], second[0]) == (1, 2)
    del second
    assert id(received(3).obj) == room
    assert bytes(first) == bytes([1]) * 300_000


def test_a_vector_is_sent_whole():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pieces = [bytes([i % 256]) * (i * 7) for i in range(1000)]
        sender = threading.Thread(target=send_pieces, args=(ours, pieces))
        sender.start()
        whole = b"".join(pieces)
        got = b""
        while len(got) < len(whole):
            got += theirs.recv(1 << 16)
        sender.join()
    assert got == whole


def test_large_bytes_are_not_copied_to_be_sent():
    value = bytes(1 << 20)
    assert any(piece is value for piece in write(StoreReply(1, [value], None, [])))
