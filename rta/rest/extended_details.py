"""Extended details in the JSON of a session: lists leave them out, save those that are asked for.

Source: docs/rest.md, "Sessions".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rta.errors import MalformedError
from rta.wire.json_slot import find_json_slot
from rta.wire.json_text import SESSION_LIMITS, parse_json

__all__ = ["choose_extended", "may_have_extended"]

_KEY = "extDetails"


def may_have_extended(text: str) -> bool:
    """Whether there may be some in a session JSON."""
    return _KEY.lower() in text.lower()


def choose_extended(text: str, props: Sequence[str]) -> str:
    """The JSON with those that `props` name: `extDetails`, `extDetails.GROUP` or `extDetails.GROUP.NAME`.

    All else stays as it is, byte for byte.

    :raises MalformedError: the text is no JSON object.
    """
    wanted = [rest for head, _, rest in (p.partition(".") for p in props) if head.lower() == _KEY.lower()]
    if "" in wanted:
        return text
    document = parse_json(text, "session JSON", SESSION_LIMITS)
    if not isinstance(document, dict):
        raise MalformedError("json", "the session JSON is no object")
    extended = {k.lower(): v for k, v in document.items()}.get(_KEY.lower())
    if not isinstance(extended, dict) or not extended:
        return text
    return find_json_slot(text, _KEY).fill(text, json.dumps(_chosen(extended, wanted), separators=(",", ":")))


def _chosen(extended: dict[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for path in wanted:
        if path in extended:
            chosen[path] = extended[path]
            continue
        for at in reversed([i for i, sign in enumerate(path) if sign == "."]):  # the longest group first
            group, name = path[:at], path[at + 1 :]
            members = extended.get(group)
            if isinstance(members, dict) and name in members:
                chosen[group] = {**chosen.get(group, {}), name: members[name]}
                break
    return chosen
