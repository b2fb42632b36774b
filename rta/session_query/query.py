"""A query for sessions, and the properties that sessions have. Source: docs/rest.md, "Sessions"."""

from __future__ import annotations

from attrs import frozen

from rta.session_query.criteria import AllOf, Criterion, Scalar

__all__ = ["EVERYTHING", "NEWEST_FIRST", "Property", "SessionQuery", "SortKey"]

EVERYTHING = AllOf(())
"""The criterion that all sessions meet."""


@frozen
class SortKey:
    """A property to sort by."""

    path: str
    descending: bool = False


NEWEST_FIRST = (SortKey("timestamp", descending=True),)
"""The order of sessions where none is asked for."""


@frozen
class SessionQuery:
    """Which sessions are wanted."""

    criterion: Criterion = EVERYTHING
    sort: tuple[SortKey, ...] = NEWEST_FIRST
    """The highest priority first. Sessions that are equal in all of them are sorted by identity, ascending."""
    offset: int = 0
    limit: int | None = None
    folder: str | None = None
    """The sessions with this `group`."""
    top_level: bool = True
    """Only those that are no child and no alternate of another one."""
    without: frozenset[str] = frozenset()
    """Identities that are left out."""


@frozen
class Property:
    """A property that sessions have."""

    path: str
    """As `SortKey.path`."""
    values: tuple[Scalar, ...]
    """Those there are, without moments; empty: too many."""
    minimum: Scalar = None
    """Of numbers; of moments, as they are written; None: there are neither."""
    maximum: Scalar = None
    type: str | None = None
    """`boolean`, `integer`, `number`, `string` or `dateTime`; None: of several types."""
