"""Nodes as arguments: an id, or a pattern of ids."""

from __future__ import annotations

from collections.abc import Iterable

import click

from rta.cli.stream_fields import read_stream_argument
from rta.consumer.patterns import read_pattern
from rta.rsmp.names import read_code, read_stream_name
from rta.rsmp.topics import valid_node

__all__ = ["read_command_code", "read_node", "read_patterns", "read_stream"]


def read_node(text: str) -> str:
    """
    :raises BadParameter: it is no id.
    """
    if not valid_node(text):
        raise click.BadParameter(f"expected the id of a node, as dk/cph/tlc-001, got {text!r}", param_hint="NODE")
    return text


def read_patterns(texts: Iterable[str]) -> tuple[str, ...]:
    """Ids in which `+` stands for a whole level.

    :raises BadParameter: one is none.
    """
    for text in texts:
        try:
            read_pattern(text)
        except ValueError as e:
            raise click.BadParameter(str(e), param_hint="NODE") from None
    return tuple(dict.fromkeys(texts))


def read_stream(code: str, stream: str | None = None) -> tuple[str, str]:
    """Status code and name, as in `read_stream_argument`, of what can be a stream.

    :raises UsageError: nothing is called so.
    """
    status, name = read_stream_argument(code, stream)
    try:
        return read_code(status), read_stream_name(name)
    except ValueError as e:
        raise click.UsageError(str(e)) from None


def read_command_code(text: str) -> str:
    """
    :raises BadParameter: no command is called so.
    """
    try:
        return read_code(text)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="CODE") from None
