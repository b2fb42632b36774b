"""Commands that follow something say when the network goes silent, and go on when it is there again."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import trio
from cable import cable_to
from program import Program
from real_servers import Mosquitto

WATCHER = """
[site]
node = "dk/tlc"

[topics]
transport = "mqtt"
port = {port}
keep_alive = "1s"
connect_timeout = "1s"
"""


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as broker:
        yield broker


async def until(program: Program, condition: Callable[[], object], what: str) -> None:
    """While others of this process go on."""
    await trio.to_thread.run_sync(partial(program.until, condition, what))


async def ended(program: Program) -> int:
    program.signal(signal.SIGINT)
    return await trio.to_thread.run_sync(program.ends)


@pytest.mark.processes
async def test_tail_says_that_it_hears_nothing_and_follows_again(start, service):
    async with cable_to(service.address[1]) as cable:
        url = f"http://127.0.0.1:{cable.port}"
        tail = start("tail", "drive-1", "--json", "--silence", "2s", "--url", url)
        await until(tail, lambda: any("parameter" in line for line in tail.lines), "a sample")
        cable.silent = True
        lost = f"nothing has been heard from {url} for 2 s; connecting again\n"
        await until(tail, lambda: lost in tail.err, "the loss being told")
        before = len(tail.lines)
        cable.silent = False
        await until(tail, lambda: any("session" in line for line in tail.lines[before:]), "the session once more")
        await until(tail, lambda: any("parameter" in line for line in tail.lines[before:]), "samples once more")
        assert await ended(tail) == 0


@pytest.mark.processes
async def test_tail_of_a_service_that_was_never_heard_ends_with_1(start, service):
    async with cable_to(service.address[1]) as cable:
        cable.silent = True
        tail = start("tail", "--silence", "300ms", "--url", f"127.0.0.1:{cable.port}")
        assert await trio.to_thread.run_sync(tail.ends) == 1
        assert tail.err == f"rta: http://127.0.0.1:{cable.port} has not answered within 0.3 s\n"


@pytest.mark.processes
async def test_watch_says_that_it_hears_nothing_and_connects_again(start, site, broker):
    async with cable_to(broker.port) as cable:
        watch = start("watch", "dk/x", "--as", "observer", "--config", site(WATCHER.format(port=cable.port)))
        await until(watch, lambda: "nothing has been heard of dk/x yet\n" in watch.err, "a connection")
        cable.silent = True
        lost = f"no connection, trying again: 127.0.0.1:{cable.port}: nothing heard from the broker for 2 s\n"
        await until(watch, lambda: lost in watch.err, "the loss being told")
        cable.silent = False
        await until(watch, lambda: "rta: connected again\n" in watch.err, "a new connection")
        assert await ended(watch) == 0


@pytest.mark.processes
async def test_watch_in_a_network_that_stays_silent_ends_all_the_same(start, site, broker):
    async with cable_to(broker.port) as cable:
        config = site(WATCHER.format(port=cable.port))
        watch = start("watch", "dk/x", "--start", "a.b/c", "--as", "observer", "--config", config)
        await until(watch, lambda: "nothing has been heard of dk/x yet\n" in watch.err, "a connection")
        cable.silent = True
        assert await ended(watch) == 0


@pytest.mark.processes
async def test_watch_of_a_broker_that_was_never_heard_ends_with_1(start, site, broker):
    async with cable_to(broker.port) as cable:
        cable.silent = True
        config = site(WATCHER.format(port=cable.port))
        watch = start("watch", "dk/x", "--patience", "300ms", "--as", "observer", "--config", config)
        assert await trio.to_thread.run_sync(watch.ends) == 1
        assert watch.err == f"rta: 127.0.0.1:{cable.port}: not connected yet\n"
