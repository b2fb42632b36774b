"""How an option is declared: default, unit and help in one place, for loading, `rta config docs` and the schema."""

from __future__ import annotations

import re
from typing import Any, NewType

import attrs

from rta.formatting import shown

__all__ = ["HELP", "LAST", "SECRET", "Duration", "Size", "Spelled", "key_of", "option"]

HELP = "rta.help"
LAST = "rta.last"
SECRET = "rta.secret"  # noqa: S105 - the mark of an option that is one

Duration = NewType("Duration", float)
"""Seconds; written as people do: "30s", "1.5 min", "2h"."""

Size = NewType("Size", int)
"""Bytes; written as people do: "64KiB", "1MB"."""


def option(
    help: str,  # noqa: A002
    default: Any = attrs.NOTHING,
    *,
    factory: Any = None,
    validator: Any = None,
    secret: bool = False,
    last: bool = False,
) -> Any:
    """One setting of an attrs options class; without a default it is required.

    `secret`: neither messages about it nor the `repr` of the options show its value. `last`: it is listed behind those
    of classes that inherit it.
    """
    metadata = {HELP: " ".join(help.split()), SECRET: secret, LAST: last}
    if factory is not None:
        return attrs.field(factory=factory, validator=validator, metadata=metadata, repr=not secret)
    return attrs.field(default=default, validator=validator, metadata=metadata, repr=not secret)


def key_of(name: str) -> str:
    """The key of an option by the name of its field: what is a word of Python's has an underscore behind it there."""
    return name.removesuffix("_")


@attrs.frozen
class Spelled:
    """A validator of what a text is made of. The pattern is for the schema too."""

    pattern: re.Pattern[str]
    words: str

    def __call__(self, _: object, attribute: attrs.Attribute[Any], value: str) -> None:
        if not self.pattern.fullmatch(value):
            raise ValueError(f"expected {self.words}, got {shown(value)}")
