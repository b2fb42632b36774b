"""What is kept of the numbers of channels over a restart: a JSON document, from text and to text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from rta.errors import MalformedError
from rta_transports.mqtt.sessions.channels import ChannelIds, Holds, ValueOrigin

__all__ = ["Memory", "read_memory", "write_memory"]

Memory = dict[str, list[tuple[ValueOrigin, Holds]]]
"""The channels of each node, in the order of their numbers."""

_FORM = 1


def write_memory(
    nodes: Mapping[str, ChannelIds], unseen: Mapping[str, Iterable[tuple[ValueOrigin, Holds]]] = {}
) -> str:
    """The document. `unseen`: nodes of before that have not been heard of again."""
    document: dict[str, list[list[object]]] = {n: [_row(p, h) for p, h in known] for n, known in unseen.items()}
    document |= {n: [_row(c.place, c.holds) for c in ids.all] for n, ids in nodes.items()}
    return json.dumps({"form": _FORM, "nodes": document}, ensure_ascii=False, separators=(",", ":"))


def read_memory(text: str) -> Memory:
    """The inverse.

    :raises MalformedError: kind `json`; it is not what `write_memory` writes.
    """
    try:
        document = json.loads(text)
        if document["form"] != _FORM:
            raise ValueError(f"its form is {document['form']!r}, not {_FORM}")
        return {str(n): [_unrow(*row) for row in rows] for n, rows in document["nodes"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as e:
        raise MalformedError("json", f"not a list of channels: {e}") from None


def _row(place: ValueOrigin, holds: Holds) -> list[object]:
    return [place.code, place.stream, place.attribute, place.component, int(holds)]


def _unrow(code: str, stream: str, attribute: str, component: str, holds: int) -> tuple[ValueOrigin, Holds]:
    for word in (code, stream, attribute, component):
        if not isinstance(word, str):
            raise TypeError(f"{word!r} is no name")
    return ValueOrigin(code, stream, attribute, component), Holds(holds) & (Holds.NUMBERS | Holds.TEXTS)
