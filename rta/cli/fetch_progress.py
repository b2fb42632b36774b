"""The progress of `rta fetch`: over the time range."""

from __future__ import annotations

from attrs import define

from rta.cli.times import format_time
from rta.consumer import HistoryPage
from rta.wire.values import Ns

__all__ = ["FetchProgress"]


@define
class FetchProgress:
    """How much of a time range has been fetched."""

    since: Ns | None
    """None: from the first entry on, whose time is known when it has come."""
    until: Ns
    entries: int = 0
    newest: Ns | None = None

    def add(self, page: HistoryPage) -> None:
        """Count a page that has come."""
        self.entries += len(page.entries)
        if page.entries:
            if self.since is None or page.beginning:
                self.since = page.entries[0].ts
            self.newest = max(self.newest or page.entries[-1].ts, page.entries[-1].ts)

    @property
    def share(self) -> float:
        """From 0 to 1; entries come mostly in the order of their times."""
        if self.newest is None or self.since is None:
            return 0.0
        whole = self.until - self.since
        return 1.0 if whole <= 0 else min(max((self.newest - self.since) / whole, 0.0), 1.0)

    def text(self) -> str:
        """The progress in words."""
        return f"{self.entries} entries" + (f", up to {format_time(self.newest)}" if self.newest is not None else "")
