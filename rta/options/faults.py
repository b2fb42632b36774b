"""What is wrong with a table that did not become an object: cattrs' collection, one fault after another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
from cattrs import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from rta.formatting import nearest, shown
from rta.ports import key_of

__all__ = ["Key", "faults", "options_fields", "written"]

Key = tuple[str | int, ...]
"""A path of keys and places in lists, from the top of the document."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def written(key: Key) -> str:
    """As in `source[1].details."driver name"`; places count from 0."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else shown(part))
    return text


def options_fields(cls: type[Any]) -> dict[str, attrs.Attribute[Any]]:
    """The options of a class by key, with their types resolved."""
    return {key_of(f.name): f for f in attrs.fields(attrs.resolve_types(cls)) if f.init}


def faults(error: BaseException, key: Key, also_known: Iterable[str] = ()) -> Iterator[tuple[Key, str]]:
    """Every fault of a table that did not convert: its key, and the message.

    `also_known` are the keys of the table itself that are read elsewhere.

    :raises Exception: what was raised is no fault of the configuration, but of the program.
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
        for name in sorted(error.extra_fields):
            yield (*key, name), f"there is no such option; {nearest(name, known)}"
    elif isinstance(error, (ValueError, TypeError)):
        yield key, _sentence(error)
    else:
        raise error


def _sentence(error: ValueError | TypeError) -> str:
    message: Any = error.args[0] if error.args else "is not valid"  # attrs' validators add themselves to the arguments
    return str(message)
