"""The values of an entry, one by one: each with a path, `rpm` or, of a component, `group[sg/1]`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["flat", "summary", "written"]

_LONGEST = 40  # characters of a value, where many stand in a line


def flat(values: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, Any]]:
    """Paths and what is there: no map, except an empty one."""
    for key, value in values.items():
        path = f"{inside}[{key}]" if inside else key
        if isinstance(value, Mapping) and value:
            yield from flat(value, path)
        else:
            yield path, value


def written(value: Any) -> str:
    """A value for people and tables: texts as they are, everything else as JSON has it."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def summary(values: Mapping[str, Any], most: int = 1000) -> str:
    """All of them in a line; `most` are looked at."""
    parts: list[str] = []
    for path, value in flat(values):
        if len(parts) == most:
            parts.append("…")
            break
        text = written(value)
        parts.append(f"{path}={text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}")
    return " ".join(parts)
