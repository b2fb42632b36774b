"""Arguments of commands: nodes, streams, command codes and values."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from typing import Any

import click

from rta.consumer.patterns import read_pattern
from rta.rsmp.names import read_code, read_stream_name
from rta.rsmp.topics import valid_node

__all__ = ["read_command_code", "read_node", "read_patterns", "read_stream", "read_valid_stream", "read_value"]


def read_node(text: str) -> str:
    """Read the id of a node.

    :raises BadParameter: it is no id.
    """
    if not valid_node(text):
        raise click.BadParameter(f"expected the id of a node, as dk/cph/tlc-001, got {text!r}", param_hint="NODE")
    return text


def read_patterns(texts: Iterable[str]) -> tuple[str, ...]:
    """Read ids of nodes in which `+` stands for a whole level.

    :raises BadParameter: one of them is no such pattern.
    """
    for text in texts:
        try:
            read_pattern(text)
        except ValueError as e:
            raise click.BadParameter(str(e), param_hint="NODE") from None
    return tuple(dict.fromkeys(texts))


def read_stream(code: str, stream: str | None) -> tuple[str, str]:
    """Read status code and name of `CODE [STREAM]` or `CODE/STREAM`; a code has a dot or, as in `tlc/2`, a slash.

    :raises UsageError: it is neither.
    """
    parts = code.split("/")
    if "." not in parts[0] and len(parts) > 1:
        parts[:2] = [f"{parts[0]}.{parts[1]}"]
    if stream is not None:
        parts.append(stream)
    if len(parts) > 2 or not parts[0]:
        raise click.UsageError("expected the code of a status and the name of one of its streams: car.engine/live")
    return parts[0], parts[1] if len(parts) > 1 else ""


def read_valid_stream(code: str, stream: str | None = None) -> tuple[str, str]:
    """Read a stream as `read_stream` does, where no node says afterwards what is wrong with it.

    :raises UsageError: no status or stream can be called so.
    """
    status, name = read_stream(code, stream)
    try:
        return read_code(status), read_stream_name(name)
    except ValueError as e:
        raise click.UsageError(str(e)) from None


def read_command_code(text: str) -> str:
    """Read the code of a command.

    :raises BadParameter: no command can be called so.
    """
    try:
        return read_code(text)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="CODE") from None


def read_value(text: str) -> Any:
    """Read a value as TOML if JSON can have it too; otherwise it is the text itself."""
    try:
        found = tomllib.loads(f"value = {text}")
        json.dumps(found, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return text
    return found["value"] if found.keys() == {"value"} else text
