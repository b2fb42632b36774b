"""The properties of a session, by their paths: what queries compare, lists are sorted by and the metamodel tells.

Source: docs/rest.md, "Properties".
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from enum import IntEnum
from typing import Any, NamedTuple

from rta.errors import MalformedError
from rta.session_query import Scalar, read_instant
from rta.wire.json_text import SESSION_LIMITS, JsonLimits, parse_json
from rta.wire.session_json import SessionState

__all__ = [
    "SessionProperty",
    "ValueKind",
    "canonical",
    "known_value",
    "moment",
    "read_properties",
    "read_usual",
    "storable",
]

_MOST = 1000
"""Properties of a session; those behind them are left out."""
_MOST_SUB_SESSIONS = 10_000
_LONGEST_PATH = 1000
_LONGEST_TEXT = 4096  # a longer one is no property

_MOMENTS = ("timestamp", "startTimestamp", "endTimestamp")
_LISTS = ("children", "alternates")
_PLAIN = {n.lower(): n for n in (*_MOMENTS, "state", "identifier", "type", "quality", "group", "version")}
_KNOWN = {**_PLAIN, **{n.lower(): n for n in ("identity", *_LISTS, "details", "extDetails")}}
_ELSEWHERE = {*_KNOWN, "timerange"}
_WITH_MOMENTS = ("details.", "extDetails.")


class ValueKind(IntEnum):
    """What values may be compared with each other, in the order in which lists have them; what is missing is 0."""

    BOOLEAN = 1
    NUMBER = 2
    TEXT = 3
    MOMENT = 4


_BOOLEAN, _NUMBER, _TEXT, _MOMENT = ValueKind


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
    if isinstance(value, str):
        return _TEXT, storable(value)
    if isinstance(value, bool):
        return _BOOLEAN, int(value)
    return None if value is None else (_NUMBER, _bounded(value))


def moment(text: str) -> int | float | None:
    """The moment that a text of a query may mean, comparable to those of sessions."""
    found = read_instant(text, bare_date=True)
    return None if found is None else _bounded(found)


def read_properties(identity: str, text: str, limits: JsonLimits = SESSION_LIMITS) -> tuple[SessionProperty, ...]:
    """Of a session JSON. No path is there twice, save those of lists.

    :raises MalformedError: it is no JSON object, or too large.
    """
    fields = _fields(text, limits)
    found = {"identity": SessionProperty("identity", _TEXT, storable(identity))}
    for path, value in _values(fields):
        if path not in found and len(path) <= _LONGEST_PATH and len(found) < _MOST:
            one = _property(path, value)
            if one is not None:
                found[path] = one
    return (*found.values(), *_sub_sessions(fields))


def read_usual(identity: str, text: str, limits: JsonLimits = SESSION_LIMITS) -> tuple[SessionProperty, ...]:
    """Those that the usual list needs: all sessions, the newest first. Raises what `read_properties` raises."""
    fields = _fields(text, limits)
    at = _property("timestamp", fields["timestamp"][1]) if "timestamp" in fields else None
    return (*([] if at is None else [at]), *_sub_sessions(fields))


def _fields(text: str, limits: JsonLimits) -> dict[str, tuple[str, Any]]:
    """Keys in lower case, as they are written, and values."""
    document = parse_json(text, "session JSON", limits, strict=True)
    if not isinstance(document, dict):
        raise MalformedError("json", "the session JSON is no object")
    return {k.lower(): (k, v) for k, v in document.items()}


def _values(fields: dict[str, tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    """Paths and values, the most important first."""
    yield from [(name, fields[lower][1]) for lower, name in _PLAIN.items() if lower in fields]
    yield from [(f"details.{name}", value) for name, value in _items(fields, "details")]
    # where groups and names hold dots, the longest group has the path
    for group, members in sorted(_items(fields, "extdetails"), key=lambda item: -len(item[0])):
        yield from [(f"extDetails.{group}.{name}", value) for name, value in _members(members)]
    yield from [(key, value) for lower, (key, value) in fields.items() if lower not in _ELSEWHERE and "." not in key]


def _items(fields: dict[str, tuple[str, Any]], name: str) -> Collection[tuple[str, Any]]:
    return _members(fields[name][1]) if name in fields else ()


def _members(value: Any) -> Collection[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _property(path: str, value: Any) -> SessionProperty | None:
    if path == "state":
        value = _state(value)
    if isinstance(value, str):
        if len(value) > _LONGEST_TEXT:
            return None
        if value[4:5] == "-" and (path in _MOMENTS or path.startswith(_WITH_MOMENTS)):
            at = read_instant(value, path in _MOMENTS)
            if at is not None:
                return SessionProperty(storable(path), _MOMENT, _bounded(at), value)
        return SessionProperty(storable(path), _TEXT, storable(value))
    if isinstance(value, int | float):
        kind = _BOOLEAN if isinstance(value, bool) else _NUMBER
        return SessionProperty(storable(path), kind, _bounded(value + 0))
    return None


def _sub_sessions(fields: dict[str, tuple[str, Any]]) -> list[SessionProperty]:
    out: dict[SessionProperty, None] = {}
    for name in _LISTS:
        value = fields.get(name, ("", None))[1]
        for one in value if isinstance(value, list) else ():
            if isinstance(one, str) and len(one) <= _LONGEST_TEXT and len(out) < _MOST_SUB_SESSIONS:
                out[SessionProperty(name, _TEXT, storable(one))] = None
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
