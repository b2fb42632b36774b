"""The list of alarms between workers: the first one has the node, and the others ask it."""

from __future__ import annotations

import json
from typing import Any

from rta.errors import MalformedError

__all__ = ["ask_alarms", "asks_alarms", "read_ask", "read_listed", "write_listed"]

_MARK = b"alarms "
_ACTIVE = b"active"
_ALL = b"all"


def ask_alarms(active_only: bool) -> bytes:
    """The request of another worker."""
    return _MARK + (_ACTIVE if active_only else _ALL)


def asks_alarms(request: bytes) -> bool:
    """Whether it is one."""
    return request.startswith(_MARK)


def read_ask(request: bytes) -> bool:
    """Whether only those are wanted that are active."""
    return request == _MARK + _ACTIVE


def write_listed(alarms: list[dict[str, Any]]) -> bytes:
    """The answer."""
    return json.dumps(alarms).encode()


def read_listed(data: bytes) -> list[dict[str, Any]]:
    """
    :raises MalformedError: it is no answer.
    """
    try:
        listed = json.loads(data)
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise MalformedError("worker", "an answer of another worker cannot be read")
    return listed
