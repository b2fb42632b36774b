"""What nodes, statuses, streams, attributes and components may be called. Source: docs/rsmp.md, "Nodes, topics,
payloads" and "Components".
"""

from __future__ import annotations

import re
from typing import Any

import attrs
from attrs import frozen

from rta.formatting import shown
from rta.ports import Spelled
from rta.rsmp.topics import NODE_ID, RESERVED

__all__ = ["ATTRIBUTE", "CODE", "COMPONENT", "NODE", "STREAM", "Keyed", "read_code", "read_stream_name"]

_WORD = "[A-Za-z0-9_-]+"
_SHORT = "(?=.{1,200}$)"  # topics are made of them, and must not grow beyond what a bus takes

NODE = Spelled(
    NODE_ID,
    'a node id: levels joined by "/", without blanks, "+" and "#", and with no "$" at the beginning',
)
CODE = Spelled(
    re.compile(rf"{_SHORT}({_WORD}(\.{_WORD})+|{_WORD}/{_WORD})"),
    'a status code: module and status, as in "traffic.volume"',
)
STREAM = Spelled(
    re.compile(r"([A-Za-z0-9_][A-Za-z0-9._-]{0,99})?"),
    'letters, digits, ".", "_" and "-", no "." or "-" at the beginning, and 100 characters at most',
)
ATTRIBUTE = Spelled(re.compile(r"[\w-]+"), 'an attribute\'s name: letters, digits, "_" and "-"')
COMPONENT = Spelled(
    re.compile(r"([\w.-]+/)*(?![0-9]+-[0-9]+$)[\w.-]+"), 'the id of one component, as in "sg/1"; no list and no range'
)


@frozen
class Keyed:
    """A validator of what the keys of a table are made of."""

    spelled: Spelled

    def __call__(self, _: object, attribute: attrs.Attribute[Any], value: dict[str, Any]) -> None:
        for key in value:
            if not self.spelled.pattern.fullmatch(key):
                raise ValueError(f"expected as a key {self.spelled.words}, got {shown(key)}")


def read_code(text: str) -> str:
    """A status code as we write it: `tlc/2` is `tlc.2`.

    :raises ValueError: it is none.
    """
    if not CODE.pattern.fullmatch(text):
        raise ValueError(f"expected {CODE.words}, got {shown(text)}")
    return text.replace("/", ".")


def read_stream_name(text: str) -> str:
    """The name of a stream; empty, or the reserved name: the unnamed one.

    :raises ValueError: no stream can be called so.
    """
    if not STREAM.pattern.fullmatch(text):
        raise ValueError(f"expected {STREAM.words}, got {shown(text)}")
    return "" if text == RESERVED else text
