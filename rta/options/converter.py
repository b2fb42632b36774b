"""TOML values and texts of the environment become options: strict for a file, lenient for a text.

It shares nothing with the JSON of the protocol (`rta.wire.json_model`), which is lenient where this is strict: keys in
any case, unknown ones kept, nulls as absent.

Knows nothing of tables and files. What is wrong is raised as cattrs collects it; `rta.options.faults` puts it
into words.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs
from cattrs import Converter, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from rta.formatting import shown
from rta.options.kinds import arms, choices, is_list, is_table, is_union, phrase, takes_none
from rta.options.values import parse_duration, parse_size
from rta.ports import SECRET, Duration, Size, key_of

__all__ = ["CONVERTER", "EnvironmentText"]

Hook = Callable[[Any, Any], Any]

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INT = re.compile(r"[+-]?[0-9]+(_[0-9]+)*", re.ASCII)


class EnvironmentText(str):
    """A value from the environment: text that is read as the type of its option."""

    __slots__ = ()


def _refuse(value: Any, annotation: Any) -> ValueError:
    return ValueError(f"expected {phrase(annotation)}, got {shown(value)}")


def _str(value: Any, _: Any) -> str:
    if isinstance(value, str):
        return str(value)
    raise _refuse(value, str)


def _int(value: Any, _: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, EnvironmentText) and len(value) < 400 and _INT.fullmatch(value.strip()):
        return int(value)
    raise _refuse(value, int)


def _float(value: Any, _: Any) -> float:
    if type(value) in (int, float) or isinstance(value, EnvironmentText):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise _refuse(value, float)


def _bool(value: Any, _: Any) -> bool:
    if isinstance(value, EnvironmentText):
        value = _TRUTH.get(value.strip().casefold(), value)
    if isinstance(value, bool):
        return value
    raise _refuse(value, bool)


def _path(value: Any, _: Any) -> Path:
    if isinstance(value, str) and value and "\0" not in value:
        return Path(value)
    raise _refuse(value, Path)


def _duration(value: Any, _: Any) -> Duration:
    return parse_duration(str(value) if isinstance(value, EnvironmentText) else value)


def _size(value: Any, _: Any) -> Size:
    return parse_size(str(value) if isinstance(value, EnvironmentText) else value)


def _any(value: Any, _: Any) -> Any:
    if not isinstance(value, EnvironmentText):
        return value
    try:
        return _toml(value)
    except ValueError:
        return str(value)


def _toml(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except RecursionError as e:
        raise ValueError("nested too deeply") from e


def _choice(annotation: Any) -> Hook:
    written = choices(annotation)
    assert written is not None

    def hook(value: Any, _: Any) -> Any:
        for text, meaning in written.items():
            as_text = isinstance(value, EnvironmentText) and str(text).casefold() == value.strip().casefold()
            if as_text or (type(text) is type(value) and text == value):
                return meaning
        raise _refuse(value, annotation)

    return hook


def _or_choice(plain: Hook) -> Hook:
    """cattrs takes an enum of texts or numbers for a plain text or number; here it is a choice."""

    def hook(value: Any, annotation: Any) -> Any:
        structure = plain if choices(annotation) is None else _choice(annotation)
        return structure(value, annotation)

    return hook


def _union(annotation: Any, converter: Converter) -> Hook:
    strict = (bool, int, float)  # text comes last, since anything is text; narrower types come before wider ones
    ordered = sorted(arms(annotation), key=lambda a: strict.index(a) if a in strict else 3 + (a is str))
    hooks = [(arm, converter.get_structure_hook(arm)) for arm in ordered]
    none = takes_none(annotation)

    def hook(value: Any, _: Any) -> Any:
        if (
            none
            and isinstance(value, str)
            and (value == "none" or (isinstance(value, EnvironmentText) and not value.strip()))
        ):
            return None
        if len(hooks) == 1:
            return hooks[0][1](value, hooks[0][0])
        for arm, structure in hooks:
            try:
                return structure(value, arm)
            except (ValueError, ExceptionGroup):
                continue
        raise _refuse(value, annotation)

    return hook


def _list(annotation: Any, converter: Converter) -> Hook:
    element = (*get_args(annotation), Any)[0]
    structure = converter.get_structure_hook(element)
    origin = get_origin(annotation) or annotation
    collect = origin if origin in (set, frozenset, tuple) else list

    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, EnvironmentText):
            brackets = value.strip().startswith("[")
            value = _toml(value) if brackets else [EnvironmentText(v.strip()) for v in value.split(",") if v.strip()]
        if not isinstance(value, list):
            raise _refuse(value, annotation)
        return collect(_each(list(enumerate(value)), structure, element, annotation).values())

    return hook


def _table(annotation: Any, converter: Converter) -> Hook:
    element = (*get_args(annotation), Any, Any)[1]
    structure = converter.get_structure_hook(element)

    def hook(value: Any, _: Any) -> Any:
        value = _inline(value)
        if not isinstance(value, dict):
            raise _refuse(value, annotation)
        return _each(list(value.items()), structure, element, annotation)

    return hook


def _inline(value: Any) -> Any:
    if not isinstance(value, EnvironmentText):
        return value
    return _toml(value if value.strip().startswith("{") else f"{{{value}}}")


def _each(items: list[tuple[Any, Any]], structure: Hook, element: Any, annotation: Any) -> dict[Any, Any]:
    good, bad = {}, []
    for place, value in items:
        try:
            good[place] = structure(value, element)
        except (ValueError, ExceptionGroup) as e:
            e.add_note(IterableValidationNote(f"at {place}", place, element))
            bad.append(e)
    if bad:
        raise IterableValidationError("elements", bad, annotation)
    return good


def _options(cls: type[Any], converter: Converter) -> Hook:
    """An options class: only its own keys, and every validator is run, so that all faults are found."""
    overrides: dict[str, Any] = {
        f.name: override(
            rename=key_of(f.name),
            struct_hook=_of_option(cls, f, converter),
        )
        for f in attrs.fields(attrs.resolve_types(cls))
        if f.init
    }
    fill = make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True, **overrides)

    def hook(value: Any, _: Any) -> Any:
        value = _inline(value)
        if not isinstance(value, Mapping):
            raise _refuse(value, cls)
        return fill(value, cls)

    return hook


def _of_option(cls: type[Any], field: attrs.Attribute[Any], converter: Converter) -> Hook | None:
    """How to structure an option in another way than its type says; None: there is no other way."""
    hook = None
    if field.validator is not None:
        hook = _validated(cls, field, converter.get_structure_hook(field.type))
    if field.metadata.get(SECRET):
        hook = _silent(hook or converter.get_structure_hook(field.type))
    return hook


def _silent(structure: Hook) -> Hook:
    """Like another one, but what is wrong does not say what there is."""

    def hook(value: Any, annotation: Any) -> Any:
        try:
            return structure(value, annotation)
        except (ValueError, ExceptionGroup):
            raise ValueError(f"expected {phrase(annotation)}; what is there is a secret, and not shown") from None

    return hook


def _validated(cls: type[Any], field: attrs.Attribute[Any], structure: Hook) -> Hook:
    def hook(value: Any, annotation: Any) -> Any:
        result = structure(value, annotation)
        assert field.validator is not None
        try:
            field.validator(object.__new__(cls), field, result)
        except AttributeError:
            pass  # it compares with another field; `__init__` runs it again, when all are there
        return result

    return hook


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for plain, hook in ((str, _str), (int, _int), (float, _float), (bool, _bool), (Path, _path)):
        converter.register_structure_hook(plain, _or_choice(hook))
    converter.register_structure_hook(Duration, _duration)
    converter.register_structure_hook(Size, _size)
    converter.register_structure_hook_func(lambda t: t is Any, _any)
    converter.register_structure_hook_factory(attrs.has, _options)
    converter.register_structure_hook_factory(is_list, _list)
    converter.register_structure_hook_factory(is_table, _table)
    converter.register_structure_hook_factory(is_union, _union)
    converter.register_structure_hook_factory(lambda t: choices(t) is not None, _choice)
    return converter


CONVERTER = _converter()
"""Turns a table into an options object: `CONVERTER.structure(table, OptionsClass)`."""
