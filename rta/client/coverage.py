"""How much of a session has come to a client: what the session covers, and from when on there are data. No I/O."""

from __future__ import annotations

from attrs import define

from rta.wire import TimeRange

__all__ = ["Coverage"]

_NEAR = 2_000_000_000  # ns; data that begin so soon after the session are all of it


@define
class Coverage:
    """The service sends what its buffer holds of the last stretch of a session, which may be less than the session."""

    span: TimeRange | None = None
    """What the session covers, as far as it has been told."""
    earliest: int | None = None
    """Of all samples and events that have come, ns since the Unix epoch."""

    def add_span(self, span: TimeRange | None) -> None:
        """The session covers this too."""
        self.span = TimeRange.union_of(self.span, span)

    def add_time(self, first: int) -> None:
        """Samples or events have come, the first of them of this time (ns)."""
        self.earliest = first if self.earliest is None else min(self.earliest, first)

    @property
    def is_partial(self) -> bool:
        """Whether the session begins well before what has come of it."""
        return self.span is not None and self.earliest is not None and self.earliest - self.span.start > _NEAR

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come of a session that has something."""
        return self.span is not None and self.span.end > self.span.start and self.earliest is None
