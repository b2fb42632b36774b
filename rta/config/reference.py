"""The reference documentation of every option, from the options classes."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from rta.config.tables import LISTS, ORDER, SETTINGS, SLOTS, Slot, installed
from rta.formatting import listed, shown, wrapped
from rta.options import options_fields
from rta.options.kinds import arms, elements, is_list, kind, nested
from rta.options.values import format_duration, format_size
from rta.ports import HELP, Duration, Size

__all__ = ["Constraint", "config_docs", "constraints", "default_of", "help_of", "summary_of", "written_default"]

_SCHEMA = {">=": "minimum", ">": "exclusiveMinimum", "<=": "maximum", "<": "exclusiveMaximum"}
_SIGN = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}

_INTRODUCTION = """# Configuration

One TOML file. It is the one `--config` names, or `RTA_CONFIG`, or the built-in demo; relative paths in it are
relative to its folder. Every table and every option may be left out unless it is marked *required*.

- A **duration** is a number with a unit, `"100ms"`, `"30s"`, `"1.5 min"`, `"2h"`, `"1d"`, or several of them,
  `"1h30m"`; a plain number is seconds.
- A **size** is `"64KiB"`, `"10 MiB"`, `"1MB"` (1000 × 1000); a plain number is bytes.
- An option that takes `"none"` is unset by it.

Environment variables override the file: `RTA_`, the table, `__`, the option, as in `RTA_EDGE__PORT=9000`; for
a source its name comes between, `RTA_SOURCE__wrx__SPEED=10`. Case and single underscores make no difference.
Lists are written with commas, tables as in TOML: `RTA_SOURCE__wrx__DETAILS='{ driver = "A. Smith" }'`. There are
no variables for statuses and streams. An unknown variable is a warning.
"""


def config_docs() -> str:
    """Markdown: a section for each table, an item for each option, the transports installed here included."""
    sections = [_INTRODUCTION]
    for table in ORDER:
        if table in SLOTS:
            sections.extend(_slot(SLOTS[table]))
        elif table in LISTS:
            sections.extend(_list(table, LISTS[table]))
        else:
            sections.extend(_settings(table, SETTINGS[table]))
    return "\n".join(sections)


def _settings(table: str, cls: type[Any]) -> Iterator[str]:
    yield f"## `[{table}]`\n\n{wrapped(summary_of(cls))}\n"
    yield _items(cls)


def _list(table: str, cls: type[Any]) -> Iterator[str]:
    yield f"## `[[{table}]]`\n\n{wrapped(summary_of(cls))}\n"
    yield _items(cls)
    for name, option in options_fields(cls).items():
        inner = elements(option.type)
        if inner is not None:
            header = f"[[{table}.{name}]]" if is_list(option.type) else f"[{table}.{name}.<name>]"
            yield f"### `{header}`\n\n{wrapped(summary_of(inner))}\n"
            yield _items(inner)


def _slot(slot: Slot) -> Iterator[str]:
    header = "[[source]]" if slot.table == "source" else f"[{slot.table}]"
    about = f"{summary_of(slot.keys)} The other options are those of the transport."
    yield f"## `{header}`\n\n{wrapped(about)}\n"
    yield _items(slot.keys)
    found, broken = installed(slot)
    for name, (transport, offer) in found.items():
        yield f'### `{header}` with `transport = "{name}"`\n\n{_summary(transport.summary, offer.options)}\n'
        yield _items(offer.options)
    for reason in broken:
        yield f"{wrapped(f'*Not documented: {reason}*')}\n"


def _summary(of_transport: str, cls: type[Any]) -> str:
    own = wrapped(summary_of(cls))
    return f"{own}\n\n*{of_transport[0].upper()}{of_transport[1:]}.*" if of_transport else own


def summary_of(cls: type[Any]) -> str:
    """The class's own docstring, in one line."""
    doc = cls.__doc__ or ""
    return " ".join(inspect.cleandoc(doc).split())


def _items(cls: type[Any]) -> str:
    items = [_item(key, option) for key, option in _flat(cls, "")]
    return "\n".join([*items, ""]) if items else "No options.\n"


def _flat(cls: type[Any], prefix: str) -> Iterator[tuple[str, attrs.Attribute[Any]]]:
    """Every option, those of tables within the table too."""
    for name, option in options_fields(cls).items():
        inner = nested(option.type)
        yield f"{prefix}{name}", option
        if inner is not None:
            yield from _flat(inner, f"{prefix}{name}.")


def _item(key: str, option: attrs.Attribute[Any]) -> str:
    kinds = ", ".join([kind(option.type), *(constraint.text for constraint in constraints(option.validator))])
    default = "; required" if option.default is attrs.NOTHING else _default(option)
    return listed(f"`{key}` ({kinds}{default}): {help_of(option)}")


def _default(option: attrs.Attribute[Any]) -> str:
    value = default_of(option)
    if value is None:
        return "; unset by default"
    if attrs.has(type(value)):
        return ""
    return f"; default `{_toml(written_default(option, value))}`"


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return shown(value)


def help_of(option: attrs.Attribute[Any]) -> str:
    """The help of an option."""
    return str(option.metadata.get(HELP, ""))


def default_of(option: attrs.Attribute[Any]) -> Any:
    """The default of an option; None also where it depends on the whole object."""
    factory: Any = option.default
    if not isinstance(factory, attrs.Factory):  # type: ignore[arg-type]
        return factory
    return None if factory.takes_self else factory.factory()


def written_default(option: attrs.Attribute[Any], value: Any) -> Any:
    """A default as people write it, in the types of TOML and JSON."""
    kinds = arms(option.type)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if Duration in kinds:
            return format_duration(value)
        if Size in kinds:
            return format_size(int(value))
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return list(value) if isinstance(value, tuple) else value


@frozen
class Constraint:
    """A range or pattern that a value must be in."""

    keyword: str
    """Of JSON Schema."""
    value: Any
    text: str
    """For people."""


def constraints(validator: Any) -> Iterator[Constraint]:
    """The number ranges and patterns that a validator checks, also combined by `and_` and in `optional`."""
    for inner in getattr(validator, "_validators", ()):  # and_()
        yield from constraints(inner)
    if hasattr(validator, "validator"):  # optional()
        yield from constraints(validator.validator)
    if hasattr(validator, "compare_op") and validator.compare_op in _SCHEMA:  # ge(), gt(), le(), lt()
        op, bound = validator.compare_op, validator.bound
        yield Constraint(_SCHEMA[op], bound, f"{_SIGN[op]} {bound}")
    elif hasattr(validator, "pattern"):  # matches_re()
        pattern = validator.pattern.pattern
        yield Constraint("pattern", f"^(?:{pattern})$", getattr(validator, "words", f"matching `{pattern}`"))
