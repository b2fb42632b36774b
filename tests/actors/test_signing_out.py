"""Whoever's credentials have ended or been taken back is signed out within a second, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from rta.actors.connection_keeper import ConnectionKeeper
from rta.latest import Latest
from rta.ports import Role, Subject

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


@define(eq=False)
class Client:
    """As the keeper sees one; it remembers when it was signed out."""

    link: Any
    pinged: float = 0.0
    ping_after: float = 0.0
    signed_out: list[float] = field(factory=list)

    def sign_out(self) -> None:
        self.signed_out.append(trio.current_time())


class Tokens:
    """Those that are taken back, by their marks."""

    def __init__(self) -> None:
        self.revoked: Latest[frozenset[str]] = Latest(frozenset())

    def is_revoked(self, subject: Subject) -> bool:
        return subject.mark in self.revoked.value

    async def changed(self) -> None:
        await self.revoked.another(self.revoked.value)


def wall() -> int:
    return START + round(trio.current_time() * SECOND)


def keeper(tokens: Tokens | None = None) -> ConnectionKeeper:
    hub: Any = SimpleNamespace(feeds=[], settings=SimpleNamespace(linger=5.0))
    return ConnectionKeeper(hub, 1e6, 1e6, wall, tokens)


@contextmanager
def kept(made: ConnectionKeeper, *subjects: Subject) -> Iterator[list[Client]]:
    with ExitStack() as stack:
        clients = []
        for subject in subjects:
            link = SimpleNamespace(subject=subject, heard=0.0, moved=0.0, free=True, ping=lambda: None)
            clients.append(Client(link))
            stack.enter_context(made.keeping(clients[-1]))  # type: ignore[arg-type]
        yield clients


def until(seconds: float | None, mark: str = "") -> Subject:
    return Subject("x", Role.READ, None if seconds is None else START + round(seconds * SECOND), mark)


async def run_for(made: ConnectionKeeper, seconds: float) -> None:
    with trio.move_on_after(seconds):
        await made.run()


async def test_ten_thousand_are_signed_out_within_a_second_of_their_ends_each_once(autojump_clock: MockClock) -> None:
    made = keeper()
    began = trio.current_time()
    ends = [began + n * 0.01 for n in range(10_000)]
    with kept(made, *map(until, ends)) as clients:
        await run_for(made, 110)
        for client, end in zip(clients, ends, strict=True):
            (at,) = client.signed_out
            assert 0 <= at - end <= 1.0


async def test_who_has_left_is_not_signed_out_and_who_does_not_end_stays(autojump_clock: MockClock) -> None:
    made = keeper()
    with kept(made, until(5)) as left:
        await run_for(made, 1)
    with kept(made, until(None)) as staying:
        await run_for(made, 100)
    assert [client.signed_out for client in left + staying] == [[], []]


async def test_who_is_revoked_is_signed_out_at_once_and_nobody_else(autojump_clock: MockClock) -> None:
    tokens = Tokens()
    made = keeper(tokens)
    with kept(made, until(None, "a"), until(None, "b"), until(None, "a"), until(None)) as clients:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_for, made, 10)
            await trio.sleep(3.1)
            tokens.revoked.show(frozenset({"a"}))
            await trio.sleep(2.1)
            assert [len(client.signed_out) for client in clients] == [1, 0, 1, 0]
            assert all(3.1 <= at <= 4.1 for client in clients for at in client.signed_out)
            tokens.revoked.show(frozenset({"b"}))
            tokens.revoked.show(frozenset({"b", "c"}))
        assert len(clients[1].signed_out) == 1


async def test_who_was_revoked_between_the_gate_and_here_is_signed_out(autojump_clock: MockClock) -> None:
    tokens = Tokens()
    tokens.revoked.show(frozenset({"a"}))
    with kept(keeper(tokens), until(None, "a"), until(None, "b")) as clients:
        assert [len(client.signed_out) for client in clients] == [1, 0]
    await trio.lowlevel.checkpoint()
