"""Settings of a stream as they are written behind `--set` and `--unset`."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

import click

from rta.errors import RtaError

__all__ = ["UNSET", "Changes", "apply_changes", "read_changes", "read_stream_argument", "read_value"]

UNSET = object()
"""In place of a value: the default is wanted."""

Changes = dict[tuple[str, ...], Any]
"""By the parts of a dotted key."""


def read_stream_argument(code: str, stream: str | None) -> tuple[str, str]:
    """Status code and name of `CODE [STREAM]` or `CODE/STREAM`. A code has a dot or, as `tlc/2`, a slash in its place.

    :raises UsageError: it is neither.
    """
    parts = code.split("/")
    if "." not in parts[0] and len(parts) > 1:
        parts[:2] = [f"{parts[0]}.{parts[1]}"]
    if stream is not None:
        parts.append(stream)
    if len(parts) > 2 or not parts[0]:
        raise click.UsageError("expected a status' code and the name of one of its streams, as in car.engine/live")
    return parts[0], parts[1] if len(parts) > 1 else ""


def read_changes(sets: Iterable[str], unsets: Iterable[str] = ()) -> Changes:
    """
    :raises UsageError: one cannot be read, or two do not go together.
    """
    changes: Changes = {}
    for text in sets:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"expected --set KEY=VALUE, got {text!r}")
        _put(changes, key, read_value(value))
    for key in unsets:
        _put(changes, key, UNSET)
    return changes


def _put(changes: Changes, key: str, value: Any) -> None:
    path = tuple(part.strip() for part in key.split("."))
    if not all(path):
        raise click.UsageError(f"expected a setting like update or attributes.rpm, got {key!r}")
    if path[0] in ("code", "name"):
        raise click.UsageError(f"{path[0]} is no setting: it comes before the options, and cannot be changed")
    for other in changes:
        shorter = min(len(other), len(path))
        if other[:shorter] == path[:shorter]:
            raise click.UsageError(f"{'.'.join(other)} and {'.'.join(path)} do not go together")
    changes[path] = value


def read_value(text: str) -> Any:
    """A TOML value if it is one that JSON has too, else the text itself."""
    try:
        found = tomllib.loads(f"value = {text}")
        json.dumps(found, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return text
    return found["value"] if found.keys() == {"value"} else text


def apply_changes(changes: Changes, stream: Mapping[str, Any]) -> dict[str, Any]:
    """The fields to be sent: a setting whole, with what it holds now where only a part of it changes. `stream` as
    listed. None: the default.

    :raises RtaError: there is no such part.
    """
    fields: dict[str, Any] = {}
    for path, value in changes.items():
        *tables, last = path
        if not tables:
            fields[last] = None if value is UNSET else value
            continue
        if path[0] not in fields:
            fields[path[0]] = copy.deepcopy(stream.get(path[0], {}))
        table: Any = fields
        for depth, key in enumerate(tables, 1):
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                raise RtaError(f"{'.'.join(tables[:depth])} has no parts")
        if value is not UNSET:
            table[last] = value
        elif table.pop(last, UNSET) is UNSET:
            raise RtaError(f"{'.'.join(path)} is not set")
    return fields
