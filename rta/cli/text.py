"""Names and values from outside as text. A terminal shows them and never obeys them: neither as markup nor as control
sequences.

A value of an entry has a path: `rpm` or, of a component, `group[sg/1]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from rta.formatting import printable, printable_json

__all__ = ["cell", "flatten", "format_value", "json_line", "outline", "summarize"]

_LONGEST = 40  # characters of a value, where many stand in a line


def cell(text: object, style: str = "") -> Text:
    """A cell of a table: rich would read a bare string as markup. None is an empty cell."""
    return Text("" if text is None else printable(str(text)), style)


def json_line(value: Any) -> str:
    """A value as one line of JSON, with an escape for every character that a terminal would obey."""
    return printable_json(json.dumps(value, ensure_ascii=False))


def flatten(values: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, Any]]:
    """Each path with its value, which is no map unless it is an empty one."""
    for key, value in values.items():
        path = f"{inside}[{key}]" if inside else key
        if isinstance(value, Mapping) and value:
            yield from flatten(value, path)
        else:
            yield path, value


def format_value(value: Any) -> str:
    """A value for people and tables: a text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def summarize(values: Mapping[str, Any], most: int = 1000) -> str:
    """The first `most` values in a line."""
    parts: list[str] = []
    for path, value in flatten(values):
        if len(parts) == most:
            parts.append("…")
            break
        text = format_value(value)
        parts.append(f"{path}={text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}")
    return " ".join(parts)


def outline(values: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """A line for each value; of a list of maps, a block of lines for each."""
    for path, value in flatten(values):
        if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            for number, one in enumerate(value, 1):
                yield printable(f"{indent}{path}[{number}]:")
                yield from outline(one, indent + "  ")
        else:
            yield printable(f"{indent}{path} = {format_value(value)}")
