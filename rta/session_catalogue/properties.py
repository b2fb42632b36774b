"""The properties of a session, by their paths: what queries compare, lists are sorted by and the metamodel tells.

Source: docs/rest.md, "Properties".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

from rta.errors import MalformedError
from rta.session_query import Scalar, read_instant
from rta.wire.json_text import SESSION_LIMITS, JsonLimits, parse_json
from rta.wire.session_json import SessionState

__all__ = ["SessionProperty", "ValueKind", "canonical", "known_value", "moment", "read_properties", "storable"]

_MOST = 1000
"""Properties of a session; those behind them are left out."""
_MOST_SUB_SESSIONS = 10_000
_LONGEST_PATH = 1000
_LONGEST_TEXT = 4096  # a longer one is no property

_MOMENTS = ("timestamp", "startTimestamp", "endTimestamp")
_LISTS = ("children", "alternates")
_OTHERS = ("identity", "state", "identifier", "type", "quality", "group", "version")
_KNOWN = {name.lower(): name for name in (*_MOMENTS, *_LISTS, *_OTHERS, "details", "extDetails")}
_LEFT_OUT = {"identity", "details", "extdetails", "timerange"}


class ValueKind(IntEnum):
    """What values may be compared with each other, in the order in which lists have them; what is missing is 0."""

    BOOLEAN = 1
    NUMBER = 2
    TEXT = 3
    MOMENT = 4


class SessionProperty(NamedTuple):
    """A value that a session has at a path; `children` and `alternates` have several."""

    path: str
    kind: ValueKind
    value: int | float | str
    """0 and 1 are false and true; a moment is in ns since the Unix epoch."""
    text: str | None = None
    """A moment as it is written."""


def canonical(path: str) -> str:
    """A path as `SessionProperty` has it: `Identifier` is `identifier`; names of details stay as they are."""
    head, dot, rest = path.partition(".")
    return storable(_KNOWN.get(head.lower(), head) + dot + rest)


def storable(text: str) -> str:
    """The text; half a surrogate pair, which JSON allows and UTF-8 does not, is spelled out."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def known_value(value: Scalar) -> tuple[ValueKind, int | float | str] | None:
    """What a value of JSON is compared as; None: it is null. A text may be a moment besides."""
    if isinstance(value, bool):
        return ValueKind.BOOLEAN, int(value)
    if isinstance(value, int | float):
        return ValueKind.NUMBER, _bounded(value)
    return None if value is None else (ValueKind.TEXT, storable(value))


def moment(text: str) -> int | float | None:
    """The moment that a text of a query may mean, comparable to those of sessions."""
    found = read_instant(text, bare_date=True)
    return None if found is None else _bounded(found)


def read_properties(identity: str, text: str, limits: JsonLimits = SESSION_LIMITS) -> tuple[SessionProperty, ...]:
    """Of a session JSON. No path is there twice, save those of lists.

    :raises MalformedError: it is no JSON object, or too large.
    """
    document = parse_json(text, "session JSON", limits, strict=True)
    if not isinstance(document, dict):
        raise MalformedError("json", "the session JSON is no object")
    fields = {str(k).lower(): (k, v) for k, v in document.items()}
    found = {"identity": SessionProperty("identity", ValueKind.TEXT, storable(identity))}
    for path, value, may_be_moment in _values(fields):
        if len(found) < _MOST and len(path) <= _LONGEST_PATH and path not in found:
            one = _property(storable(path), value, may_be_moment)
            if one is not None:
                found[path] = one
    return (*found.values(), *_sub_sessions(fields))


def _values(fields: dict[str, tuple[str, Any]]) -> Iterator[tuple[str, Any, bool]]:
    """Paths and values, the most important first, and whether the value may be a moment."""
    for lower, (key, value) in sorted(fields.items(), key=lambda item: item[0] not in _KNOWN):
        name = _KNOWN.get(lower, key)
        if name == "state":
            yield name, _state(value), False
        elif lower not in _LEFT_OUT and name not in _LISTS and "." not in name:
            yield name, value, name in _MOMENTS
    for name, value in _items(fields, "details"):
        yield f"details.{name}", value, True
    # where groups and names hold dots, the longest group has the path
    for group, members in sorted(_items(fields, "extdetails"), key=lambda item: -len(item[0])):
        for name, value in members.items() if isinstance(members, dict) else ():
            yield f"extDetails.{group}.{name}", value, True


def _items(fields: dict[str, tuple[str, Any]], name: str) -> list[tuple[str, Any]]:
    value = fields.get(name, ("", None))[1]
    return list(value.items()) if isinstance(value, dict) else []


def _property(path: str, value: Any, may_be_moment: bool) -> SessionProperty | None:
    if not isinstance(value, str | int | float) or (isinstance(value, str) and len(value) > _LONGEST_TEXT):
        return None
    known = known_value(value)
    if isinstance(value, str) and may_be_moment:
        at = read_instant(value, bare_date=path in _MOMENTS)
        if at is not None:
            return SessionProperty(path, ValueKind.MOMENT, _bounded(at), value)
    return None if known is None else SessionProperty(path, *known)


def _sub_sessions(fields: dict[str, tuple[str, Any]]) -> list[SessionProperty]:
    out: dict[SessionProperty, None] = {}
    for name in _LISTS:
        value = fields.get(name, ("", None))[1]
        for one in value if isinstance(value, list) else ():
            if isinstance(one, str) and len(one) <= _LONGEST_TEXT and len(out) < _MOST_SUB_SESSIONS:
                out[SessionProperty(name, ValueKind.TEXT, storable(one))] = None
    return list(out)


def _state(value: Any) -> Any:
    state = SessionState.read(value)
    return state.name.lower() if state is not SessionState.UNKNOWN or isinstance(value, int) else value


def _bounded(number: int | float) -> int | float:
    """A number that SQLite has exactly, or as a double."""
    if isinstance(number, float) or -(1 << 63) <= number < 1 << 63:
        return number
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
