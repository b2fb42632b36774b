"""JSON from outside: refused by its size and its number of items before it is parsed, and by its depth right after.

Parsing cannot be interrupted, and what it makes may take fifty times the memory of the text. So whoever may have to
parse large texts does so in another process: `rta.large_json`.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import numpy as np
from attrs import frozen

from rta.errors import MalformedError

__all__ = ["CONFIGURATION_LIMITS", "SESSION_LIMITS", "JsonLimits", "check_json_size", "json_depth", "parse_json"]


@frozen(slots=True)
class JsonLimits:
    """How much a JSON text may hold."""

    size: int
    """Characters."""
    items: int
    """Values and keys, about: commas, and what opens an object or a list."""
    depth: int = 64
    """Objects and lists within each other."""


SESSION_LIMITS = JsonLimits(16 << 20, 1_000_000)
"""Of a session JSON: eight values for each of 60 000 parameters are half of it."""

CONFIGURATION_LIMITS = JsonLimits(64 << 20, 5_000_000)
"""Of a configuration document: all there can be about 60 000 parameters is a third of it."""


def check_json_size(text: str, what: str, limits: JsonLimits) -> None:
    """What can be told without parsing. Takes some milliseconds for a text of 16 MiB, mostly without the interpreter.

    :raises MalformedError: kind `oversize`.
    """
    if len(text) > limits.size:
        raise MalformedError("oversize", f"{what} has {len(text)} characters; at most {limits.size} are taken")
    if len(text) > limits.items:  # there are no more items than characters
        items = _items(text)
        if items > limits.items:
            raise MalformedError("oversize", f"{what} has about {items} items; at most {limits.items} are taken")


def parse_json(text: str, what: str, limits: JsonLimits, strict: bool = False) -> Any:
    """The document. `what` names it in errors. `strict`: NaN and Infinity, which Python writes, are not JSON.

    :raises MalformedError: kind `json`; `oversize`: too much of it, or too deep.
    """
    check_json_size(text, what, limits)
    try:
        document = json.loads(text, parse_constant=_no_constant if strict else None)
    except RecursionError:
        raise _too_deep(what, limits) from None
    except ValueError as e:
        raise MalformedError("json", f"{what} is not JSON: {e}") from None
    if text.count("[") + text.count("{") > limits.depth and json_depth(document, limits.depth) > limits.depth:
        raise _too_deep(what, limits)
    return document


def json_depth(document: Any, limit: int) -> int:
    """How many objects and lists there are within each other; counted up to a little over the limit."""
    depth, level = 0, [document]
    while depth <= limit and (level := [v for v in level if isinstance(v, dict | list)]):
        depth += 1
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
    return depth


def _too_deep(what: str, limits: JsonLimits) -> MalformedError:
    return MalformedError("oversize", f"{what} is nested too deeply: more than {limits.depth} within each other")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _items(text: str) -> int:
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    return int(sum(np.count_nonzero(data == ord(sign)) for sign in ",[{"))
