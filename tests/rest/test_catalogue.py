"""How often the buffer is asked for its sessions."""

from __future__ import annotations

import json

import trio

from rta.ports import START, SessionRecord
from rta.rest.sessions import SessionCatalogue
from rta.session_query import read_list_request


class Buffer:
    """Takes its time to look."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.looks = 0
        self.names = ["a"]

    async def sessions(self) -> list[SessionRecord]:
        self.looks += 1
        await trio.sleep(self.seconds)
        return [SessionRecord(n, "s", 1, START, 0, json.dumps({"identity": n})) for n in self.names]


async def names(catalogue: SessionCatalogue) -> list[str]:
    return [s["identity"] for s in json.loads(await catalogue.list(read_list_request([])))["sessions"]]


async def test_a_buffer_that_answers_at_once_is_always_asked(autojump_clock):
    buffer = Buffer(0.0)
    catalogue = SessionCatalogue(buffer.sessions)
    assert await names(catalogue) == ["a"]
    buffer.names = ["b"]
    await trio.sleep(0.001)
    assert await names(catalogue) == ["b"]


async def test_looking_takes_a_twentieth_of_the_time_at_most(autojump_clock):
    buffer = Buffer(0.1)
    catalogue = SessionCatalogue(buffer.sessions)
    began = trio.current_time()
    while trio.current_time() < began + 21:
        await names(catalogue)
        await trio.sleep(0.01)
    assert buffer.looks == 10


async def test_a_list_is_never_older_than_half_a_minute(autojump_clock):
    buffer = Buffer(10.0)
    catalogue = SessionCatalogue(buffer.sessions)
    await names(catalogue)
    buffer.names = ["b"]
    await trio.sleep(30.001)
    assert await names(catalogue) == ["b"]


async def test_many_that_ask_at_once_wait_for_one_look(autojump_clock):
    buffer = Buffer(1.0)
    catalogue = SessionCatalogue(buffer.sessions)
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(names, catalogue)
    assert buffer.looks == 1
