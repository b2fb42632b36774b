"""Bodies of requests: taken off the connection within bounds, and read as JSON without any of its leniencies."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from attrs import frozen
from starlette.types import Receive

from rta.errors import MalformedError

__all__ = ["MAX_BODY", "Body", "read_object", "take_body"]

MAX_BODY = 1 << 20
"""Bytes; behind them nothing more is taken off a connection."""

_DEPTH = 16


@frozen
class Body:
    """What came with a request."""

    data: bytes
    """The first bytes of it."""
    size: int
    """Bytes that it has in all, up to a little over `MAX_BODY`."""
    cut: bool
    """The client hung up before the end."""


async def take_body(receive: Receive, keep: int = 0) -> Body:
    """Take the body off the connection, and keep so many bytes of it."""
    data = bytearray()
    size = 0
    while True:
        message = await receive()
        piece = message.get("body", b"")
        size += len(piece)
        data += piece[: keep - len(data)]
        if message["type"] != "http.request":
            return Body(bytes(data), size, True)
        if size > MAX_BODY or not message.get("more_body", False):
            return Body(bytes(data), size, False)


def read_object(data: bytes) -> dict[str, Any]:
    """A JSON object; an empty body is an empty one.

    :raises MalformedError: kind `json`; it is something else, has a key twice or a number that is none, or is nested
        too deeply.
    """
    try:
        text = data.decode()
        found = (
            json.loads(text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_unique)
            if text.strip()
            else {}
        )
    except (ValueError, RecursionError) as e:
        why = "nested too deeply" if isinstance(e, RecursionError) else str(e)[:200]
        raise MalformedError("json", f"the body is not JSON as it is read here: {why}") from None
    if not isinstance(found, dict):
        raise MalformedError("json", "expected a JSON object as the body")
    if _depth(found) > _DEPTH:
        raise MalformedError("json", "the body is nested too deeply")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"{twice[:40]!r} is there twice")
    return found


def _depth(value: Any) -> int:
    """How many objects and lists there are within each other."""
    depth, level = 0, [value]
    while level := [v for v in level if isinstance(v, dict | list)]:
        depth += 1
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
    return depth
