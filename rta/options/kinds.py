"""What the types of options are called, in messages ("expected a whole number") and in the documentation."""

from __future__ import annotations

import enum
import types
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, NewType, Union, get_args, get_origin

import attrs

from rta.formatting import shown
from rta.ports import Duration, Size

__all__ = ["arms", "choices", "elements", "is_list", "is_table", "is_union", "kind", "nested", "phrase", "takes_none"]

_NOUNS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    Duration: "duration",
    Size: "size",
    Any: "any value",
}
_SCALARS = (str, int, float, bool)
_UNCOUNTED = ("text", "true or false", "any value")


def is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def is_list(annotation: Any) -> bool:
    """Whether it is a list, a set or a tuple of any length; all of these are written as lists."""
    origin = get_origin(annotation) or annotation
    if not isinstance(origin, type) or is_table(annotation) or issubclass(origin, (str, bytes)):
        return False
    if issubclass(origin, tuple):
        return get_args(annotation)[1:] == (...,)
    return issubclass(origin, Collection) and not issubclass(origin, enum.Enum)


def is_table(annotation: Any) -> bool:
    """Whether it is a mapping with keys of the user's choice."""
    origin = get_origin(annotation) or annotation
    return isinstance(origin, type) and issubclass(origin, Mapping)


def choices(annotation: Any) -> dict[Any, Any] | None:
    """The values of a `Literal` or an enum, by how they are written; None: it is neither."""
    if get_origin(annotation) is Literal:
        return {choice: choice for choice in get_args(annotation)}
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return {member.value: member for member in annotation}
    return None


def arms(annotation: Any) -> list[Any]:
    """The types of a union without None; the type itself if it is not a union."""
    if not is_union(annotation):
        return [annotation]
    found = [arm for arm in get_args(annotation) if arm is not types.NoneType]
    if all(arm in _SCALARS for arm in found):
        found.sort(key=_SCALARS.index)  # Python shares equal unions, in the order in which the first was written
    return found


def takes_none(annotation: Any) -> bool:
    """Whether "none" unsets the option, since TOML has no null. Not where text is allowed, which could be that word."""
    return is_union(annotation) and types.NoneType in get_args(annotation) and str not in get_args(annotation)


def nested(annotation: Any) -> type[Any] | None:
    """The options class of an option that is a table of options; None: it is not."""
    for arm in arms(annotation):
        if isinstance(arm, type) and attrs.has(arm):
            return arm
    return None


def elements(annotation: Any) -> type[Any] | None:
    """The options class of the elements of a list or table; None: they are not tables of options."""
    if is_list(annotation):
        return nested(_element(annotation, 0))
    return nested(_element(annotation, 1)) if is_table(annotation) else None


def kind(annotation: Any) -> str:
    """The name of a type, as in "duration", "list of text", "auto or a number"."""
    if is_union(annotation):
        names = [kind(arm) for arm in arms(annotation)]
        return " or ".join([*names, '"none"'] if takes_none(annotation) else names)
    written = choices(annotation)
    if written is not None:
        return _or([shown(choice) for choice in written])
    if is_list(annotation):
        return f"list of {_plural(_element(annotation, 0))}"
    if is_table(annotation):
        return f"table of {_plural(_element(annotation, 1))}"
    if isinstance(annotation, type) and attrs.has(annotation):
        return "table"
    if annotation in _NOUNS:
        return _NOUNS[annotation]
    if isinstance(annotation, NewType):
        return kind(annotation.__supertype__)
    return str(getattr(annotation, "__name__", annotation))


def phrase(annotation: Any) -> str:
    """The name of a type as it follows "expected"."""
    if is_union(annotation):
        names = [phrase(arm) for arm in arms(annotation)]
        return " or ".join([*names, '"none"'] if takes_none(annotation) else names)
    name = kind(annotation)
    return name if name in _UNCOUNTED or choices(annotation) is not None else f"a {name}"


def _element(annotation: Any, place: int) -> Any:
    args = get_args(annotation)
    return args[place] if len(args) > place else Any


def _plural(annotation: Any) -> str:
    name = kind(annotation)
    simple = name == "table" or (annotation in _NOUNS and name not in _UNCOUNTED)
    return f"{name}s" if simple else name


def _or(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
