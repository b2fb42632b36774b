"""Which sessions a query gives, in what order: written from docs/rest.md alone, and as slow as it likes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from typing import Any

from rta.session_query import AllOf, AnyOf, Comparison, Criterion, Not, Operator, Property, SessionQuery

MOMENTS = ("timestamp", "startTimestamp", "endTimestamp")
Value = tuple[str, Any]
"""boolean, number, text or moment; moments are (ns, text)."""
RANKS = ("missing", "boolean", "number", "text", "moment")


def naive_find(sessions: dict[str, dict[str, Any]], query: SessionQuery) -> list[str]:
    """Identities. `sessions`: session JSON by identity, with keys as they are written usually."""
    found = list(sessions)
    if query.top_level:
        found = [i for i in found if not any(i in sub_sessions(d) for other, d in sessions.items() if other != i)]
    if query.folder is not None:
        found = [i for i in found if sessions[i].get("group") == query.folder]
    found = [i for i in found if i not in query.without and meets({**sessions[i], "identity": i}, query.criterion)]

    def compare(one: str, other: str) -> int:
        for key in query.sort:
            a = sort_value({**sessions[one], "identity": one}, key.path)
            b = sort_value({**sessions[other], "identity": other}, key.path)
            if a != b:
                return (-1 if a < b else 1) * (-1 if key.descending else 1)
        return -1 if one < other else 1

    found.sort(key=cmp_to_key(compare))
    return found[query.offset : None if query.limit is None else query.offset + query.limit]


def naive_properties(sessions: dict[str, dict[str, Any]], folder: str | None) -> list[Property]:
    """What properties there are, however many values they have."""
    within = [d for d in sessions.values() if folder is None or d.get("group") == folder]
    names = (
        "endTimestamp",
        "group",
        "identifier",
        "quality",
        "startTimestamp",
        "state",
        "timestamp",
        "type",
        "version",
    )
    details = {f"details.{name}" for d in within for name in d.get("details", {})}
    extended = {f"extDetails.{g}.{name}" for d in within for g, e in d.get("extDetails", {}).items() for name in e}
    found = []
    for path in [*names, *sorted(details), *sorted(extended)]:
        there = [value for d in within for value in values(d, path)]
        if there:
            found.append(about(path, there))
    return found


def about(path: str, there: list[Value]) -> Property:
    kinds = sorted({kind for kind, _ in there}, key=RANKS.index)
    ends: list[Any] = [None, None]
    if "moment" in kinds:
        moments = sorted(value for kind, value in there if kind == "moment")
        ends = [moments[0][1], next(text for ns, text in moments if ns == moments[-1][0])]
    elif "number" in kinds:
        numbers = [value for kind, value in there if kind == "number"]
        ends = [min(numbers), max(numbers)]
    several = [v for k in kinds if k != "moment" for v in sorted({value for kind, value in there if kind == k})]
    types = {"boolean": "boolean", "number": "number", "text": "string", "moment": "dateTime"}
    one = types[kinds[0]] if len(kinds) == 1 else None
    if one == "number" and all(isinstance(v, int) for v in several):
        one = "integer"
    return Property(path, tuple(several), *ends, one)


def sub_sessions(document: dict[str, Any]) -> list[str]:
    return [*document.get("children", []), *document.get("alternates", [])]


def sort_value(document: dict[str, Any], path: str) -> tuple[Any, ...]:
    found = [] if path in ("children", "alternates") else values(document, path)
    if not found:
        return (0,)
    kind, value = found[0]
    return RANKS.index(kind), value[0] if kind == "moment" else value


def values(document: dict[str, Any], path: str) -> list[Value]:
    """What a session has at a path."""
    head, dot, rest = path.partition(".")
    if not dot:
        found = None if head in ("details", "extDetails") else document.get(head)
        if head in ("children", "alternates"):
            return [("text", one) for one in found or []]
        return known(found, head in MOMENTS, bare=True)
    if head == "details":
        return known(document.get("details", {}).get(rest), True)
    if head == "extDetails":
        groups = document.get("extDetails", {})
        names = rest.split(".")
        for i in range(len(names) - 1, 0, -1):  # the longest first
            group, name = ".".join(names[:i]), ".".join(names[i:])
            if name in groups.get(group, {}):
                return known(groups[group][name], True)
    return []


def known(value: Any, may_be_moment: bool, bare: bool = False) -> list[Value]:
    if value is None:
        return []
    if isinstance(value, bool):
        return [("boolean", value)]
    if isinstance(value, int | float):
        return [("number", number(value))]
    if may_be_moment and (ns := moment(value, bare)) is not None:
        return [("moment", (ns, value))]
    return [("text", value)]


def number(value: float) -> float:
    return value if isinstance(value, float) or -(2**63) <= value < 2**63 else float(value)


def moment(text: str, bare: bool) -> int | None:
    """Of the few forms that the tests use."""
    for form in ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S", *(["%Y-%m-%d"] if bare else [])):
        try:
            at = datetime.strptime(text, form)
        except ValueError:
            continue
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    return None


def meets(document: dict[str, Any], criterion: Criterion) -> bool:
    match criterion:
        case AllOf():
            return all(meets(document, c) for c in criterion.criteria)
        case AnyOf():
            return any(meets(document, c) for c in criterion.criteria)
        case Not():
            return not meets(document, criterion.criterion)
        case Comparison():
            return compares(values(document, criterion.path), criterion.operator, criterion.value)


def compares(found: list[Value], operator: Operator, wanted: Any) -> bool:
    match operator:
        case Operator.EQ:
            return equal(found, wanted)
        case Operator.NEQ:
            return not equal(found, wanted)
        case Operator.IN:
            return any(equal(found, one) for one in wanted)
        case Operator.NIN:
            return not any(equal(found, one) for one in wanted)
        case Operator.STARTS_WITH:
            return part(found, wanted, lambda a, b: a.startswith(b))
        case Operator.ENDS_WITH:
            return part(found, wanted, lambda a, b: a.endswith(b))
        case Operator.CONTAINS:
            return part(found, wanted, lambda a, b: b.casefold() in a.casefold())
        case Operator.GT:
            return ordered(found, wanted, lambda a, b: a > b)
        case Operator.GTE:
            return ordered(found, wanted, lambda a, b: a >= b)
        case Operator.LT:
            return ordered(found, wanted, lambda a, b: a < b)
        case Operator.LTE:
            return ordered(found, wanted, lambda a, b: a <= b)


def equal(found: list[Value], wanted: Any) -> bool:
    return not found if wanted is None else ordered(found, wanted, lambda a, b: a == b)


def ordered(found: list[Value], wanted: Any, compare: Callable[[Any, Any], bool]) -> bool:
    for kind, value in found:
        for other, one in known(wanted, kind == "moment", bare=True):
            if kind == other and compare(*((value[0], one[0]) if kind == "moment" else (value, one))):
                return True
    return False


def part(found: list[Value], wanted: Any, compare: Callable[[str, str], bool]) -> bool:
    texts = [value[1] if kind == "moment" else value for kind, value in found if kind in ("text", "moment")]
    return any(compare(text, wanted) for text in texts)
