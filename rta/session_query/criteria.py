"""Criteria of the query dialect as a typed tree. Source: docs/rest.md, "Queries"."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

__all__ = ["AllOf", "AnyOf", "Comparison", "Criterion", "Not", "Operator", "Scalar"]

Scalar = str | int | float | bool | None


class Operator(Enum):
    """How a property is compared."""

    EQ = "$eq"
    NEQ = "$neq"
    GT = "$gt"
    GTE = "$gte"
    LT = "$lt"
    LTE = "$lte"
    STARTS_WITH = "$startsWith"
    ENDS_WITH = "$endsWith"
    CONTAINS = "$contains"
    IN = "$in"
    NIN = "$nin"


@frozen
class Comparison:
    """A property against a value; of `IN` and `NIN`, against several."""

    path: str
    """As it is asked for: `identifier`, `details.Lab Tech`."""
    operator: Operator
    value: Scalar | tuple[Scalar, ...]


@frozen
class AllOf:
    """True if all are; without any it is true."""

    criteria: tuple[Criterion, ...]


@frozen
class AnyOf:
    """True if one is; without any it is false."""

    criteria: tuple[Criterion, ...]


@frozen
class Not:
    """True if the other is false."""

    criterion: Criterion


Criterion = Comparison | AllOf | AnyOf | Not
