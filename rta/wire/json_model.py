"""JSON objects as attrs classes: camelCase outside, snake_case inside, unknown keys kept.

Reading is lenient (keys in any case, nulls as absent); writing leaves out nulls, empty collections and defaults
unless an attribute is marked `required`.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import AttributeValidationNote, BaseValidationError, ClassValidationError
from cattrs.v import transform_error

from rta.errors import MalformedError
from rta.wire.json_text import JsonLimits, parse_json

__all__ = ["converter", "dump", "load", "required", "structure"]

T = TypeVar("T")

_REQUIRED = "rta.required"
EXTRA = "extra"


def required(**kwargs: Any) -> Any:
    """An attribute that is always written, whatever its value."""
    return attrs.field(metadata={_REQUIRED: True}, **kwargs)


def camel(name: str) -> str:
    """`channel_offset` as `channelOffset`."""
    head, *rest = name.split("_")
    return head + "".join(w.title() for w in rest)


def _structure(value: Any, cls: type[Any]) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    known = {camel(a.name).lower(): a for a in attrs.fields(attrs.resolve_types(cls)) if a.name != EXTRA}
    kwargs: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    errors: list[Exception] = []
    for key, v in value.items():
        attribute = known.get(str(key).lower())
        if attribute is None:
            extra[key] = v
        elif v is not None:
            try:
                kwargs[attribute.name] = converter.structure(v, attribute.type)
            except (ValueError, TypeError, OverflowError, BaseValidationError) as e:
                note = AttributeValidationNote(f"{cls.__name__}.{key}", str(key), attribute.type)
                e.__notes__ = [*getattr(e, "__notes__", []), note]
                errors.append(e)
    if errors:
        raise ClassValidationError(f"reading {cls.__name__}", errors, cls)
    try:
        return cls(**kwargs, extra=extra)
    except TypeError:
        missing = [camel(a.name) for a in known.values() if a.default is attrs.NOTHING and a.name not in kwargs]
        raise ValueError(f"required: {', '.join(missing)}") from None


def _unstructure(value: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for a in attrs.fields(type(value)):
        if a.name == EXTRA:
            continue
        v = getattr(value, a.name)
        if v is None:
            continue
        default = a.default.factory() if isinstance(a.default, attrs.Factory) else a.default  # type: ignore[arg-type]
        if not a.metadata.get(_REQUIRED) and v == default:
            continue
        out[camel(a.name)] = converter.unstructure(v)
    return {**out, **value.extra}


def _number(value: Any, kind: type[Any]) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, got {value!r}")
    return kind(value)


def _text(value: Any, _: type[Any]) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {value!r}")
    return value


def _list(value: Any, kind: type[Any]) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, got {type(value).__name__}")
    (item,) = get_args(kind)
    return [converter.structure(v, item) for v in value]


def _dict(value: Any, _: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    return value


def _optional(value: Any, kind: Any) -> Any:
    (inner,) = [a for a in get_args(kind) if a is not type(None)]
    return None if value is None else converter.structure(value, inner)


def _is_a(origin: type[Any]) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is origin


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind) and len(get_args(kind)) == 2


converter = cattrs.Converter()
converter.register_structure_hook_func(lambda t: attrs.has(t) and hasattr(attrs.fields(t), EXTRA), _structure)
converter.register_unstructure_hook_func(lambda t: attrs.has(t) and hasattr(attrs.fields(t), EXTRA), _unstructure)
converter.register_structure_hook_func(_is_optional, _optional)
converter.register_structure_hook_func(_is_a(list), _list)
converter.register_structure_hook_func(_is_a(dict), _dict)
converter.register_structure_hook(float, _number)
converter.register_structure_hook(int, _number)
converter.register_structure_hook(str, _text)
converter.register_structure_hook(bool, lambda v, _: _bool(v))
converter.register_structure_hook(Any, lambda v, _: v)
converter.register_unstructure_hook(Enum, lambda e: e.value)


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {value!r}")
    return value


def load(text: str, cls: type[T], what: str, limits: JsonLimits) -> T:
    """Read a JSON document into a model; `what` names it in errors.

    :raises MalformedError: kind `json`, with every fault and where it is; `oversize`.
    """
    return structure(parse_json(text, what, limits), cls, what)


def structure(value: Any, cls: type[T], what: str) -> T:
    """The same for JSON that has been parsed."""
    try:
        return converter.structure(value, cls)
    except BaseValidationError as e:
        faults = "; ".join(transform_error(e, path=what, format_exception=lambda x, _: str(x)))
        raise MalformedError("json", faults) from None
    except (ValueError, OverflowError, RecursionError) as e:
        raise MalformedError("json", f"{what}: {e}") from None


def dump(model: Any) -> str:
    """Write a model as compact JSON. Half a surrogate pair, which JSON allows and UTF-8 does not, stays escaped."""
    text = json.dumps(converter.unstructure(model), ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace").decode()
