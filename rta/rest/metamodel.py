"""Which properties sessions have, as the OpenAPI schema of RTA has it. Source: docs/rest.md, "Metamodel"."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rta.session_query import Property, Scalar

__all__ = ["find_properties", "write_metamodel"]

_CAPABILITIES = {"filter": True, "sort": True}
_MOST_FOUND = 1000


def write_metamodel(properties: Iterable[Property]) -> dict[str, Any]:
    """The document."""
    document: dict[str, Any] = {}
    for one in properties:
        head, dot, rest = one.path.partition(".")
        group, _, name = rest.partition(".")
        if not dot:
            # `state` has bare capabilities in the schema
            document[head] = _CAPABILITIES if head == "state" else _constrained(one)
        elif head == "details":
            document.setdefault(head, {})[rest] = _labelled(rest, one)
        else:
            members = document.setdefault(head, {}).setdefault(group, {"label": group, "properties": {}})
            members["properties"][name] = _labelled(name, one)
    return document


def _labelled(label: str, one: Property) -> dict[str, Any]:
    return {"label": label, **({} if one.type is None else {"type": one.type}), **_constrained(one)}


def _constrained(one: Property) -> dict[str, Any]:
    constraints: dict[str, Any] = {"values": list(filter(_is_json, one.values))} if one.values else {}
    if one.minimum is not None and _is_json(one.minimum) and _is_json(one.maximum):
        constraints |= {"minimum": one.minimum, "maximum": one.maximum}
    return {"capabilities": _CAPABILITIES, **({"constraints": constraints} if constraints else {})}


def _is_json(value: Scalar) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def find_properties(properties: Sequence[Property], text: str) -> list[dict[str, str]]:
    """Those whose path has the text, then those that have at least its characters in this order."""
    wanted = text.casefold()
    paths = [(p.path, p.path.casefold()) for p in properties]
    having = [path for path, folded in paths if wanted in folded]
    alike = [path for path, folded in paths if wanted not in folded and _has_in_order(folded, wanted)]
    return [{"id": path, "label": _label(path)} for path in [*having, *alike][:_MOST_FOUND]]


def _label(path: str) -> str:
    head, _, rest = path.partition(".")
    return rest.partition(".")[2] or rest if head == "extDetails" else rest or head


def _has_in_order(text: str, wanted: str) -> bool:
    signs = iter(text)
    return all(sign in signs for sign in wanted)
