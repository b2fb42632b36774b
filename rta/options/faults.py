"""What is wrong with a table that did not become an object, and where: the file and key, or the variable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen
from cattrs import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from rta.errors import Problem
from rta.formatting import nearest, shown
from rta.ports import LAST, key_of

__all__ = ["FaultLocation", "Key", "faults", "options_fields", "written"]

Key = tuple[str | int, ...]
"""A path of keys and places in lists, from the top of the document."""

_UNKNOWN = 20  # keys of one table that are named: for each, what was meant is looked for
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def written(key: Key) -> str:
    """A key as text, as in `source[1].details."driver name"`; places count from 0."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else shown(part))
    return text


def options_fields(cls: type[Any]) -> dict[str, attrs.Attribute[Any]]:
    """The options of a class by key, in the order in which they are listed, with their types resolved."""
    fields = [f for f in attrs.fields(attrs.resolve_types(cls)) if f.init]
    return {key_of(f.name): f for f in sorted(fields, key=lambda f: bool(f.metadata.get(LAST)))}


def faults(error: BaseException, key: Key, also_known: Iterable[str] = ()) -> Iterator[tuple[Key, str]]:
    """Every fault of a table that could not be converted: its key, and the message.

    `also_known`: keys of the table that are read elsewhere.

    :raises Exception: the error itself, if it is a fault of the program and not of the configuration.
    """
    if isinstance(error, ClassValidationError):
        noted, others = error.group_exceptions()
        for inner, attribute in noted:
            name = key_of(attribute.name)
            if isinstance(inner, KeyError) and inner.args == (name,):
                yield (*key, name), "is required, and not there"
            else:
                yield from faults(inner, (*key, name))
        for inner in others:
            yield from faults(inner, key, also_known)
    elif isinstance(error, IterableValidationError):
        elements, _ = error.group_exceptions()
        for inner, element in elements:
            yield from faults(inner, (*key, element.index))
    elif isinstance(error, ForbiddenExtraKeysError):
        known = [*also_known, *options_fields(error.cl)]
        unknown = sorted(error.extra_fields)
        if len(unknown) > _UNKNOWN:
            yield key, f"has {len(unknown)} keys that are no options; these are the first {_UNKNOWN}"
        for name in unknown[:_UNKNOWN]:
            yield (*key, name), f"there is no such option; {nearest(name, known)}"
    elif isinstance(error, (ValueError, TypeError)):
        yield key, _sentence(error)
    else:
        raise error


def _sentence(error: ValueError | TypeError) -> str:
    message: Any = error.args[0] if error.args else "is not valid"  # attrs' validators add themselves to the arguments
    return str(message)


@frozen
class FaultLocation:
    """Puts the place of a fault before its message."""

    file: Path | None
    variables: dict[Key, str] = field(factory=dict)
    """The environment variable that set a key."""
    sources: dict[int, str] = field(factory=dict)
    """The names of those sources that have one, by place."""
    statuses: dict[int, str] = field(factory=dict)
    """The codes of those statuses that have one, by place."""

    def problem(self, key: Key, message: str) -> Problem:
        """One line about one fault."""
        return Problem(f"{self.describe(key)}: {message}")

    def describe(self, key: Key) -> str:
        """The place as text, as in `site.toml: edge.port`."""
        where = written(key)
        for table, names in (("source", self.sources), ("status", self.statuses)):
            if key[:1] == (table,) and len(key) > 1 and isinstance(key[1], int) and key[1] in names:
                where += f" ({table} {shown(names[key[1]])})"
        for length in range(len(key), 0, -1):
            if key[:length] in self.variables:
                return f"{self.variables[key[:length]]} ({where})"
        return where if self.file is None else f"{self.file}: {where}"
