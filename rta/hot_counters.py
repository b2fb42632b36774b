"""Counts made on the hot path: plain integers, read out when metrics are scraped."""

from __future__ import annotations

from attrs import define

__all__ = ["HotCounters"]


@define(slots=True)
class HotCounters:
    """Everything since the start of the process."""

    bursts_in: int = 0
    bytes_in: int = 0
    bursts_out: int = 0
    bytes_out: int = 0
    frames_out: int = 0
    backfill_bursts: int = 0
    backfill_bytes: int = 0
    fell_behind: int = 0
    rewound: int = 0
    dropped: int = 0
    lost: int = 0
    odd_ranges: int = 0
    stream_messages: int = 0
    stream_events: int = 0
    stream_bytes: int = 0
    stream_unsent: int = 0
