"""TEMPORARY"""

from __future__ import annotations

from collections.abc import Sequence

from rta.ports import ChannelOverview, ChannelRanges
from rta_transports.sqlite.store import ArchiveStore

__all__ = ["read_overview"]


def read_overview(
    store: ArchiveStore, identity: str, channels: ChannelRanges, start: int | None, end: int | None, points: int
) -> Sequence[ChannelOverview]:
    return []
