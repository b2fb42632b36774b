"""The ranges attrs validators put on options, for docs and schema. Loading asks the validators themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

__all__ = ["Constraint", "limits"]

_SCHEMA = {">=": "minimum", ">": "exclusiveMinimum", "<=": "maximum", "<": "exclusiveMaximum"}
_SIGN = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}


@frozen
class Constraint:
    """One thing a value must satisfy."""

    keyword: str
    """Of JSON Schema."""
    value: Any
    text: str
    """For people."""


def limits(validator: Any) -> Iterator[Constraint]:
    """What is known of a validator: number ranges and patterns, also combined, or for what is not None."""
    for inner in getattr(validator, "_validators", ()):  # and_()
        yield from limits(inner)
    if hasattr(validator, "validator"):  # optional()
        yield from limits(validator.validator)
    if hasattr(validator, "compare_op") and validator.compare_op in _SCHEMA:  # ge(), gt(), le(), lt()
        op, bound = validator.compare_op, validator.bound
        yield Constraint(_SCHEMA[op], bound, f"{_SIGN[op]} {bound}")
    elif hasattr(validator, "pattern"):  # matches_re()
        pattern = validator.pattern.pattern
        yield Constraint("pattern", f"^(?:{pattern})$", getattr(validator, "words", f"matching `{pattern}`"))
