"""What the tests of large JSON have another process do."""

from __future__ import annotations

import os
import time


def whose(text: str) -> int:
    """The process that reads it."""
    return os.getpid()


def with_the_end(text: str, end: str) -> str:
    return text[-2:] + end


def broken(text: str) -> None:
    raise KeyError("a programming error")


def hungry(text: str) -> int:
    return len(bytearray(1 << 40))


def endless(text: str) -> None:
    time.sleep(3600)
