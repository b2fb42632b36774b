"""The options `--set` and `--unset`: settings of a stream that are to change."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import click

from rta.cli.arguments import read_value
from rta.errors import RtaError

__all__ = ["UNSET", "Changes", "apply_changes", "read_changes"]

UNSET = object()
"""Stands for a value: the setting is to be the default again."""

Changes = dict[tuple[str, ...], Any]
"""The new value of each setting, by the parts of its dotted key."""


def read_changes(sets: Iterable[str], unsets: Iterable[str] = ()) -> Changes:
    """Read the values of `--set` and `--unset`.

    :raises UsageError: one cannot be read, or two contradict each other.
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
        raise click.UsageError(f"{path[0]} is no setting: it stands before the options, and cannot be changed")
    for other in changes:
        shorter = min(len(other), len(path))
        if other[:shorter] == path[:shorter]:
            raise click.UsageError(f"{'.'.join(other)} and {'.'.join(path)} do not go together")
    changes[path] = value


def apply_changes(changes: Changes, stream: Mapping[str, Any]) -> dict[str, Any]:
    """The fields to send. A setting is sent whole: where only a part of it changes, with the rest as it is now.

    `stream` is the stream as it is listed. None in a field stands for the default.

    :raises RtaError: a part that is to change is not there.
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
