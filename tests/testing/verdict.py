"""Running one test of a kit as a function, to see whether it finds what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from rta.errors import MalformedError

__all__ = ["complaint", "passes"]

COMPLAINTS = (AssertionError, pytest.fail.Exception, MalformedError)


def passes(kit: Any, test: str, **parameters: object) -> bool:
    """Whether a test of the kit finds nothing wrong."""
    return _run(kit, test, parameters) is None


def complaint(kit: Any, test: str, **parameters: object) -> str | None:
    """What a test of the kit, which is not to wait long, finds wrong."""
    kit.patience = 0.1
    return _run(kit, test, parameters)


def _run(kit: Any, test: str, parameters: dict[str, object]) -> str | None:
    try:
        trio.run(partial(getattr(kit, test), **parameters), clock=MockClock(autojump_threshold=0))
    except BaseException as e:
        complaints = [leaf for leaf in _leaves(e) if isinstance(leaf, COMPLAINTS)]
        if not complaints:
            raise
        return str(complaints[0]) or "an assertion"
    return None


def _leaves(e: BaseException) -> Iterator[BaseException]:
    if isinstance(e, BaseExceptionGroup):
        for inner in e.exceptions:
            yield from _leaves(inner)
    else:
        yield e
