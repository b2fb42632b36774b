"""Criteria as SQL over the tables of the catalogue. Whatever comes from outside is bound, never a part of the text.

A condition is a set of sessions: a `SELECT` of their numbers. Groups of criteria are named sets before the statement,
so that neither their depth nor their number meets the limits that SQLite has for expressions.
"""

# ruff: noqa: S608 - what comes from outside is bound
from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from attrs import define, field

from rta.session_catalogue.properties import ValueKind, canonical, known_value, moment, storable
from rta.session_query import AllOf, AnyOf, Comparison, Criterion, Not, Operator, Scalar

__all__ = ["Condition"]

_IN_ONE = 100  # criteria in one expression
_ORDERED = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}
_NOTHING = "SELECT NULL WHERE 0"
_WRITTEN = "coalesce(text, value)"
_FOLDED = "coalesce(folded, text, value)"

Value = str | int | float | bytes


@define
class Condition:
    """Gathers what a statement consists of."""

    values: dict[str, Value] = field(factory=dict)
    """What is bound, by its name in the statement."""
    sets: list[str] = field(factory=list)
    """Named sets, each of which may use those before it."""

    def bind(self, value: Value) -> str:
        """The place of a value in the statement."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def add(self, criterion: Criterion) -> str:
        """The expression that is true of the `id` of a session that meets the criterion."""
        match criterion:
            case Comparison():
                return self._comparison(criterion)
            case Not():
                return f"NOT {self.add(criterion.criterion)}"
            case AllOf():
                return self._group([self.add(c) for c in criterion.criteria], " AND ", "1")
            case AnyOf():
                return self._group([self.add(c) for c in criterion.criteria], " OR ", "0")

    def are_texts(self, column: str, texts: Iterable[str]) -> str:
        """The expression that a column is one of the texts."""
        known = {storable(t) for t in texts}
        odd = sorted(t for t in known if "\0" in t)  # JSON of SQLite ends there
        listed = self.bind(json.dumps(sorted(known.difference(odd)), ensure_ascii=False))
        where = f"{column} IN (SELECT value FROM json_each({listed}))"
        return f"({where} OR {column} IN ({', '.join(map(self.bind, odd))}))" if odd else where

    def with_sets(self, statement: str) -> str:
        """The statement, behind what it uses."""
        return f"WITH {', '.join(self.sets)} {statement}" if self.sets else statement

    def _group(self, expressions: list[str], joint: str, empty: str) -> str:
        if len(expressions) < 2:
            return expressions[0] if expressions else empty
        while len(expressions) > _IN_ONE:
            parts = [expressions[i : i + _IN_ONE] for i in range(0, len(expressions), _IN_ONE)]
            expressions = [self._set(joint.join(part)) for part in parts]
        return self._set(joint.join(expressions))

    def _set(self, expression: str) -> str:
        name = f"s{len(self.sets)}"
        self.sets.append(f"{name} AS (SELECT id FROM sessions WHERE {expression})")
        return f"+id IN (SELECT id FROM {name})"

    def _comparison(self, one: Comparison) -> str:
        path = self.bind(canonical(one.path))
        operator = one.operator
        values = one.value if isinstance(one.value, tuple) else (one.value,)
        if operator in (Operator.EQ, Operator.NEQ, Operator.IN, Operator.NIN):
            selected = self._equal(path, values)
        elif operator in _ORDERED:
            selected = self._ordered(path, _ORDERED[operator], *values)
        else:
            selected = self._part(path, operator, *values)
        negated = "NOT " if operator in (Operator.NEQ, Operator.NIN) else ""
        return f"+id {negated}IN ({' UNION ALL '.join(selected) or _NOTHING})"

    def _equal(self, path: str, values: Sequence[Scalar]) -> list[str]:
        """Sessions with one of the values; null: those without any."""
        known = dict.fromkeys(map(known_value, values))
        by_kind: dict[ValueKind, dict[Value, None]] = {}
        for kind, value in filter(None, known):
            by_kind.setdefault(kind, {})[value] = None
            if isinstance(value, str) and (at := moment(value)) is not None:
                by_kind.setdefault(ValueKind.MOMENT, {})[at] = None
        selected = []
        for kind, wanted in by_kind.items():
            if kind is ValueKind.TEXT and len(wanted) > _IN_ONE:
                where = self.are_texts("value", map(str, wanted))
            else:
                where = f"value IN ({', '.join(map(self.bind, wanted))})"
            selected.append(_select(path, kind, where))
        if None in known:
            selected.append(
                f"SELECT id FROM sessions WHERE id NOT IN (SELECT session FROM properties WHERE path = {path})"
            )
        return selected

    def _ordered(self, path: str, sign: str, wanted: Scalar) -> list[str]:
        known = known_value(wanted)
        if known is None:
            return []
        kind, value = known
        selected = [_select(path, kind, f"value {sign} {self.bind(value)}")]
        if isinstance(value, str) and (at := moment(value)) is not None:
            selected.append(_select(path, ValueKind.MOMENT, f"value {sign} {self.bind(at)}"))
        return selected

    def _part(self, path: str, operator: Operator, wanted: Scalar) -> list[str]:
        """Of texts, and of moments as they are written."""
        if not isinstance(wanted, str):
            return []
        text = storable(wanted)
        if operator is Operator.CONTAINS:
            where = f"instr({_FOLDED}, {self.bind(text.casefold())})"
        elif operator is Operator.STARTS_WITH:
            where = f"instr({_WRITTEN}, {self.bind(text)}) = 1"
        elif text:  # as bytes: what counts characters ends at a NUL
            end = text.encode()
            where = f"substr(CAST({_WRITTEN} AS BLOB), {self.bind(-len(end))}) = {self.bind(end)}"
        else:
            where = "1"
        return [_select(path, kind, where) for kind in (ValueKind.TEXT, ValueKind.MOMENT)]


def _select(path: str, kind: ValueKind, where: str) -> str:
    return f"SELECT session FROM properties WHERE path = {path} AND kind = {kind:d} AND {where}"
