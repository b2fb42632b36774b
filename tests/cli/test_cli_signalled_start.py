"""`rta run` ends in order, or at once, at whichever moment of its start a signal comes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import starting
from program import PATIENCE, Program

MOMENTS = 30
AT_ONCE = 2
"""Programs that run beside each other; they take longer then, and so does the start that is measured."""
PARTS = 3
SOON = PATIENCE
"""Seconds to end; what hangs does so for ever."""


@pytest.fixture(scope="module")
def start_up(tmp_path_factory, environ) -> float:
    """Seconds from the start of the program until it serves."""
    with starting(tmp_path_factory.mktemp("measured"), environ) as start:
        start("run", "--port", "0").logged("ready")  # the first one may have to compile our code
        began = time.monotonic()
        for program in [start("run", "--port", "0") for _ in range(AT_ONCE)]:
            program.logged("ready")
        return time.monotonic() - began


def check_end(start: Callable[..., Program], moment: float, number: signal.Signals) -> None:
    """Start a program, signal it so many seconds later, and see how it ends."""
    program = start("run", "--port", "0")
    assert program.lives(moment), program
    program.signal(number)
    assert not program.lives(SOON), f"{number.name} after {moment:.3f} s: it hangs; {program}"
    status, said = program.ends(), program.err
    if '"event": "signal"' in said:  # it was in our hands
        assert status == 0, program
        assert program.log[-1]["event"] == "stopped", program
        assert "Traceback" not in said, program
    elif "KeyboardInterrupt" not in said:  # which Python raises while it has not come to our code yet
        assert status in (-number, 128 + number), program


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("part", range(PARTS))
def test_it_ends_whenever_the_signal_comes(start, start_up, number, part):
    each = MOMENTS // 2 // PARTS
    moments = [0.03 + 1.2 * start_up * (part + PARTS * i) / (each * PARTS) for i in range(each)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for ended in [pool.submit(check_end, start, moment, number) for moment in moments]:
            ended.result()
