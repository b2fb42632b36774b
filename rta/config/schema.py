"""The JSON Schema (draft 2020-12) of the TOML file, for editors, from the options classes."""

from __future__ import annotations

from typing import Any, get_args

import attrs

from rta.config.reference import constraints, default_of, help_of, summary_of, written_default
from rta.config.tables import LISTS, ORDER, SETTINGS, SLOTS, Slot, installed
from rta.options import options_fields
from rta.options.kinds import arms, choices, is_list, is_table, takes_none
from rta.options.values import DURATION_PATTERN, SIZE_PATTERN
from rta.ports import Duration, Size

__all__ = ["config_schema"]

Schema = dict[str, Any]

_PLAIN: dict[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Any: {},
}
_ONLY_FOR_NUMBERS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


def config_schema() -> Schema:
    """The schema of a file, with the transports that are installed here."""
    definitions: Schema = {}
    properties: Schema = {}
    for table in ORDER:
        if table in SETTINGS:
            properties[table] = _table(SETTINGS[table])
        elif table in LISTS:
            properties[table] = {"type": "array", "items": _table(LISTS[table])}
        else:
            slot = _slot(SLOTS[table], definitions)
            properties[table] = {"type": "array", "items": slot} if table == "source" else slot
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of rta",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "$defs": definitions,
    }


def _slot(slot: Slot, definitions: Schema) -> Schema:
    """Which definition holds depends on `transport`, or on its default."""
    found, _ = installed(slot)
    ours = options_fields(slot.keys)
    default = ours["transport"].default
    branches = []
    for name, (transport, offer) in found.items():
        whole = _table(offer.options, slot.keys)
        whole["description"] = transport.summary or whole["description"]
        whole["properties"]["transport"] = {"const": name, "description": help_of(ours["transport"])}
        definitions[f"{slot.table}.{name}"] = whole
        condition: Schema = {"properties": {"transport": {"const": name}}}
        if name != default:
            condition["required"] = ["transport"]
        branches.append({"if": condition, "then": {"$ref": f"#/$defs/{slot.table}.{name}"}})
    transport_key = _option(ours["transport"]) | {"enum": list(found)}
    required = [] if default is not attrs.NOTHING else ["transport"]
    return {
        "type": "object",
        "description": summary_of(slot.keys),
        "properties": {"transport": transport_key},
        "required": required,
        "allOf": branches,
    }


def _table(*classes: type[Any]) -> Schema:
    """The options of the classes in one table, with the description of the first."""
    options = {name: option for cls in reversed(classes) for name, option in options_fields(cls).items()}
    required = [name for name, option in options.items() if option.default is attrs.NOTHING]
    return {
        "type": "object",
        "description": summary_of(classes[0]),
        "properties": {name: _option(option) for name, option in options.items()},
        "required": required,
        "additionalProperties": False,
    }


def _option(option: attrs.Attribute[Any]) -> Schema:
    schema = _type(option.type)
    for constraint in constraints(option.validator):
        if constraint.keyword not in _ONLY_FOR_NUMBERS or schema.get("type") in ("integer", "number"):
            schema[constraint.keyword] = constraint.value
    if help_of(option):
        schema["description"] = help_of(option)
    default = None if option.default is attrs.NOTHING else default_of(option)
    if default is not None and not attrs.has(type(default)):
        schema["default"] = written_default(option, default)
    return schema


def _type(annotation: Any) -> Schema:
    alternatives = [_arm(arm) for arm in arms(annotation)]
    if takes_none(annotation):
        alternatives.append({"const": "none"})
    return dict(alternatives[0]) if len(alternatives) == 1 else {"anyOf": alternatives}


def _arm(annotation: Any) -> Schema:
    if annotation is Duration:
        return {"type": ["number", "string"], "minimum": 0, "pattern": DURATION_PATTERN}
    if annotation is Size:
        return {"type": ["integer", "string"], "minimum": 0, "pattern": SIZE_PATTERN}
    written = choices(annotation)
    if written is not None:
        return {"enum": list(written)}
    if is_table(annotation):
        return {"type": "object", "additionalProperties": _type((*get_args(annotation), Any, Any)[1])}
    if is_list(annotation):
        return {"type": "array", "items": _type((*get_args(annotation), Any)[0])}
    if isinstance(annotation, type) and attrs.has(annotation):
        return _table(annotation)
    if annotation in _PLAIN:
        return dict(_PLAIN[annotation])
    supertype = getattr(annotation, "__supertype__", None)
    return {"type": "string"} if supertype is None else _arm(supertype)
