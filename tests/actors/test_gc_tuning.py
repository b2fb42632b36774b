"""The collector's settings while the service runs."""

from __future__ import annotations

import gc

import trio
import trio.testing

from rta.actors.gc_tuning import keep_collections_short


async def test_what_stays_is_set_aside_and_comes_back_at_the_end(autojump_clock):
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    clients = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_collections_short, lambda: clients)
        await trio.testing.wait_all_tasks_blocked()
        first = gc.get_freeze_count()
        assert first > frozen
        kept = [[i] for i in range(5000)]
        clients = 1000
        await trio.sleep(1.5)
        assert gc.get_freeze_count() == first  # still coming
        await trio.sleep(1)
        assert gc.get_freeze_count() >= first + len(kept)
        nursery.cancel_scope.cancel()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


async def test_clients_that_have_left_are_collected(autojump_clock):
    class Client:
        def __init__(self) -> None:
            self.me = self

    clients = [Client() for _ in range(1000)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_collections_short, lambda: len(clients))
        await trio.testing.wait_all_tasks_blocked()
        clients.clear()
        await trio.sleep(100)
        assert not any(isinstance(o, Client) for o in gc.get_objects())
        nursery.cancel_scope.cancel()
