"""Ctrl-C while there is nothing to be ended in order: it ends the process at once, as SIGTERM does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["INTERRUPTED", "interrupts_end_at_once"]

INTERRUPTED = 128 + signal.SIGINT
"""The exit status of a command that Ctrl-C has ended."""


@contextmanager
def interrupts_end_at_once() -> Iterator[None]:
    """While the block runs, Ctrl-C raises no `KeyboardInterrupt` in the middle of something that is not made for it,
    as the import of a library in C is. Where Ctrl-C is ignored, as in background jobs of a shell, it stays so."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
