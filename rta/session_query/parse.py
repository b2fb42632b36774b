"""The query dialect: from JSON text to a typed tree. Source: docs/rest.md, "Queries"."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from rta.errors import MalformedError
from rta.session_query.criteria import AllOf, AnyOf, Comparison, Criterion, Not, Operator, Scalar
from rta.session_query.query import EVERYTHING

__all__ = ["MAX_CRITERIA", "MAX_DEPTH", "MAX_QUERY", "parse_query"]

MAX_QUERY = 64 << 10
"""Characters of a query."""
MAX_DEPTH = 32
"""Criteria and conditions within each other."""
MAX_CRITERIA = 1000
"""Comparisons and groups of them."""

_GROUPS = ("$and", "$or", "$nor", "$not")
_ON_TEXT = (Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS)
_ON_LISTS = (Operator.IN, Operator.NIN)
_OPERATORS = {operator.value: operator for operator in Operator}
_IN_CONDITIONS = (*_OPERATORS, "$not")
_LONGEST_PLACE = 400  # characters
_SHOWN = 60  # characters of a key or value in an error


class _Object(list[tuple[str, Any]]):
    """A JSON object, with keys that may be there twice."""


def parse_query(text: str) -> Criterion:
    """The criterion that a query means. An empty text is one that all sessions meet.

    All operators of one condition have to hold: `{"$gte": 1, "$lt": 5}`.

    :raises MalformedError: kind `query`; says where it is wrong, and what would be right.
    """
    if len(text) > MAX_QUERY:
        raise MalformedError("query", f"the query has {len(text)} characters; at most {MAX_QUERY} are taken")
    if not text.strip():
        return EVERYTHING
    try:
        document = json.loads(text, object_pairs_hook=_Object, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise _too_deep("query") from None
    except ValueError as e:
        raise MalformedError("query", f"the query is not JSON: {str(e)[:200]}") from None
    return _Reader().criteria(document, "query", 1)


class _Reader:
    def __init__(self) -> None:
        self._criteria = 0

    def criteria(self, document: Any, where: str, depth: int) -> Criterion:
        self._count(where, depth)
        parts: list[Criterion] = []
        for key, value in _entries(document, where, 'an object like {"identifier": "Demo"}'):
            place = _place(where, key)
            if not key:
                raise MalformedError(
                    "query", f"{where[-400:]}: a property has no name; expected one like details.driver"
                )
            if not key.startswith("$"):
                parts.append(self._condition(key, value, place, depth + 1))
            elif key == "$not":
                parts.append(Not(self.criteria(value, place, depth + 1)))
            elif key in _GROUPS:
                parts.append(self._group(key, value, place, depth + 1))
            else:
                _refuse_key(where, key, _GROUPS)
        return _all(parts)

    def _group(self, key: str, value: Any, where: str, depth: int) -> Criterion:
        if isinstance(value, _Object) or not isinstance(value, list):
            raise _wrong(where, "a list of objects", value)
        self._count(where, depth)
        parts = tuple(self.criteria(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value))
        if key == "$and":
            return AllOf(parts)
        return AnyOf(parts) if key == "$or" else Not(AnyOf(parts))

    def _condition(self, path: str, value: Any, where: str, depth: int) -> Criterion:
        self._count(where, depth)
        if not isinstance(value, _Object):
            expected = 'a text, number, boolean, null or a condition like {"$gte": 1}'
            return Comparison(path, Operator.EQ, _scalar(value, where, expected))
        entries = _entries(value, where, "a condition")
        if not entries:
            raise _malformed(where, f"the condition is empty; expected {_choice(_IN_CONDITIONS)}")
        return _all([self._operation(path, key, v, where, depth) for key, v in entries])

    def _operation(self, path: str, key: str, value: Any, where: str, depth: int) -> Criterion:
        place = _place(where, key)
        if key == "$not":
            if not isinstance(value, _Object):
                raise _wrong(place, 'a condition like {"$contains": "x"}', value)
            return Not(self._condition(path, value, place, depth + 1))
        operator = _OPERATORS.get(key)
        if operator is None:
            _refuse_key(where, key, _IN_CONDITIONS)
        self._count(place, depth)
        return Comparison(path, operator, _operand(operator, value, place))

    def _count(self, where: str, depth: int) -> None:
        self._criteria += 1
        if self._criteria > MAX_CRITERIA:
            raise MalformedError("query", f"the query has more than {MAX_CRITERIA} criteria")
        if depth > MAX_DEPTH:
            raise _too_deep(where)


def _operand(operator: Operator, value: Any, where: str) -> Scalar | tuple[Scalar, ...]:
    if operator in _ON_LISTS:
        if isinstance(value, _Object) or not isinstance(value, list):
            raise _wrong(where, "a list of texts, numbers, booleans or nulls", value)
        return tuple(_scalar(v, f"{where}[{i}]", "a text, number, boolean or null") for i, v in enumerate(value))
    if operator in _ON_TEXT and not isinstance(value, str):
        raise _wrong(where, "a text", value)
    return _scalar(value, where, "a text, number, boolean or null")


def _scalar(value: Any, where: str, expected: str) -> Scalar:
    if value is None or isinstance(value, str | int | float):
        return value
    raise _wrong(where, expected, value)


def _entries(document: Any, where: str, expected: str) -> _Object:
    if not isinstance(document, _Object):
        raise _wrong(where, expected, document)
    seen: set[str] = set()
    for key, _ in document:
        if key in seen:
            raise _malformed(where, f"the key {_shown(key)} is there twice; expected it once")
        seen.add(key)
    return document


def _all(parts: list[Criterion]) -> Criterion:
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _place(where: str, key: str) -> str:
    return f"{where}.{key[:_SHOWN]}"


def _choice(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _shown(value: Any) -> str:
    if isinstance(value, _Object):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return json.dumps(value if not isinstance(value, str) else value[:_SHOWN], ensure_ascii=False)[: _SHOWN + 2]


def _malformed(where: str, what: str) -> MalformedError:
    return MalformedError("query", f"{where[-_LONGEST_PLACE:]}: {what}")


def _wrong(where: str, expected: str, value: Any) -> MalformedError:
    return _malformed(where, f"expected {expected}, got {_shown(value)}")


def _refuse_key(where: str, key: str, known: tuple[str, ...]) -> NoReturn:
    raise _malformed(where, f"unknown operator {_shown(key)}; expected {_choice(known)}")


def _too_deep(where: str) -> MalformedError:
    return MalformedError(
        "query", f"{where[-400:]} is nested too deeply: more than {MAX_DEPTH} criteria within each other"
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value
