"""Ctrl-C ends a program that opens what the library has, at whichever moment it comes."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """if True:
    import os, signal, trio
    from rta_transports.memory import MemoryTopics
    from rta.consumer import open_consumer
    from rta.writer import open_writer

    async def write():
        while True:
            async with open_writer(transport="memory", stream="s") as writer:
                async with await writer.open_session(identity="s-1") as session:
                    await session.write(1, [1], [1.0])

    async def consume():
        while True:
            async with open_consumer(MemoryTopics(), "tmc") as consumer, consumer.watch("dk/+"):
                await consumer.link()

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    for use in (write, consume):
        for moment in range(100):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.002 + moment * 0.0001)
                trio.run(use, restrict_keyboard_interrupt_to_checkpoints=True)
            except KeyboardInterrupt:
                print(use.__name__)
"""


@pytest.mark.processes
def test_a_writer_and_a_consumer_are_interrupted_at_a_hundred_moments():
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=200)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == ["write"] * 100 + ["consume"] * 100
