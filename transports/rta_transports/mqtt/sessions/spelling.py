"""How remote nodes and their streams are written in options: validators, and what they mean."""

from __future__ import annotations

from typing import Any

from attrs import Attribute

from rta.formatting import shown
from rta.rsmp.names import NODE, read_code, read_stream_name
from rta.rsmp.topics import valid_node

__all__ = ["NODES", "ONE_NODE", "STREAMS", "read_stream"]

ONE_NODE = NODE
"""A node's id."""


def NODES(_: object, attribute: Attribute[Any], value: list[str]) -> None:  # noqa: N802 - named like the others
    """Ids of nodes, in which `+` may stand for a level."""
    if not value:
        raise ValueError('expected at least one node, as in ["45fe", "dk/cph/+"]')
    for pattern in value:
        if not valid_node("/".join("x" if level == "+" else level for level in pattern.split("/"))):
            raise ValueError(f'expected node ids, in which "+" may stand for a level, got {shown(pattern)}')


def STREAMS(_: object, attribute: Attribute[Any], value: list[str]) -> None:  # noqa: N802
    """Streams, as CODE or CODE/STREAM."""
    for text in value:
        read_stream(text)


def read_stream(text: str) -> tuple[str, str]:
    """Code and name of `car.engine/live`; the name of `car.engine` is empty.

    :raises ValueError: it is neither.
    """
    code, _, name = text.partition("/")
    return read_code(code), read_stream_name(name)
