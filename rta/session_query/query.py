"""A query for sessions, and the properties that sessions have. Source: docs/rest.md, "Sessions"."""

from __future__ import annotations

from attrs import frozen

from rta.session_query.criteria import AllOf, Criterion, Scalar

__all__ = ["EVERYTHING", "Property", "SessionQuery", "SortKey"]

EVERYTHING = AllOf(())
"""The criterion that all sessions meet."""


@frozen
class SortKey:
    """A property to sort by."""

    path: str
    descending: bool = False


@frozen
class SessionQuery:
    """Which sessions are wanted. Only top-level ones are given: nobody's child or alternate."""

    criterion: Criterion = EVERYTHING
    sort: tuple[SortKey, ...] = (SortKey("timestamp", descending=True),)
    """The highest priority first."""
    offset: int = 0
    limit: int | None = None
    folder: str | None = None
    without: frozenset[str] = frozenset()
    """Identities that are left out."""


@frozen
class Property:
    """A property that sessions have."""

    path: str
    """As `SortKey.path`."""
    values: tuple[Scalar, ...]
    """Those there are; empty: too many."""
    minimum: Scalar = None
    maximum: Scalar = None
