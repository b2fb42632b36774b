"""One signal ends a program in order, the next one at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from rta.signals import guard_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_first_signal_stops_and_each_further_one_ends(number):
    stopped: list[int] = []
    ended: list[int] = []
    async with guard_signals(stopped.append, ended.append):
        for _ in range(3):
            os.kill(os.getpid(), number)
            await wait_all_tasks_blocked()
    assert (stopped, ended) == ([number], [number, number])


async def test_behind_the_block_signals_are_as_before():
    before = signal.getsignal(signal.SIGTERM)
    async with guard_signals(lambda number: None):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


async def test_further_signals_are_heard_while_the_block_comes_to_its_end():
    ended: list[int] = []
    work = trio.CancelScope()
    with trio.fail_after(50):
        async with guard_signals(lambda number: work.cancel(), ended.append):
            with work:
                os.kill(os.getpid(), signal.SIGTERM)
                await trio.sleep_forever()
            os.kill(os.getpid(), signal.SIGINT)
            await wait_all_tasks_blocked()
    assert ended == [signal.SIGINT]


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_the_process_with_its_status(number):
    program = """if True:
        import os, trio
        from rta.signals import guard_signals
        async def main():
            async with guard_signals(lambda number: os.kill(os.getpid(), number)):
                os.kill(os.getpid(), int(sys.argv[1]))
                await trio.sleep_forever()
        import sys
        try:
            trio.run(main)
        finally:
            print("cleaned up")
    """
    ended = subprocess.run([sys.executable, "-c", program, str(int(number))], capture_output=True, timeout=120)
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + number, b"", b"")
