"""Bodies: those of requests are received within bounds and read as strict JSON; answers are written as JSON."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, NoReturn

from attrs import frozen
from starlette.responses import Response
from starlette.types import Receive

from rta.errors import MalformedError

__all__ = ["MAX_BODY", "MAX_CHANGE", "Body", "json_response", "json_text", "read_object", "receive_body", "refusal"]

MAX_BODY = 1 << 20
"""Bytes of a request's body that are received."""
MAX_CHANGE = 64 << 10
"""Bytes of a body that may change something."""

_DEPTH = 16  # objects and lists within each other


@frozen
class Body:
    """What came with a request."""

    data: bytes
    """Its first bytes."""
    size: int
    """How many bytes it has in all; counted up to a little over `MAX_BODY`."""
    cut: bool
    """The client hung up before the end."""


async def receive_body(receive: Receive, keep: int = 0) -> Body:
    """Receive the body, and keep its first `keep` bytes."""
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
    """Read a JSON object; an empty body is an empty object.

    :raises MalformedError: kind `json`; it is something else, has a key twice, has a number that JSON does not know,
        or is nested too deeply.
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


def json_response(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer with a JSON document."""
    return Response(json_text(document), status, headers, "application/json")


def json_text(document: Any) -> bytes:
    """A JSON document as it is sent."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")


def refusal(status: int, reason: str, field: str | None = None, headers: dict[str, str] | None = None) -> Response:
    """An answer that says why a request is refused, and which of its fields is wrong."""
    return json_response({"reason": reason} if field is None else {"reason": reason, "field": field}, status, headers)


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
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"{twice[:40]!r} is there twice")
    return found


def _depth(value: Any) -> int:
    """How many objects and lists there are within each other."""
    depth, level = 0, [value]
    while level := [v for v in level if isinstance(v, dict | list)]:
        depth += 1
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
    return depth
