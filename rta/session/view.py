"""The clients of a session that want the same and are at its leading edge: cut once, sent to each."""

from __future__ import annotations

from collections.abc import Callable

from rta.hot_counters import HotCounters
from rta.session.client import Client
from rta.session.subscription import Filter, Subscription

__all__ = ["View"]


class View:
    """One distinct subscription. `live` maps each client to its socket's `send`."""

    __slots__ = ("clients", "live", "range_at", "range_due", "range_version", "subscription", "want")

    def __init__(self, subscription: Subscription, range_version: int) -> None:
        self.subscription = subscription
        self.want = Filter(subscription)
        self.clients = 0
        self.live: dict[Client, Callable[[bytes], int]] = {}
        self.range_version = range_version
        """Which time range the live clients have been told."""
        self.range_at = float("-inf")
        """When one of them was last told on its own (Trio time)."""
        self.range_due: float | None = None

    def deliver(self, frame: bytes, frames: int, bursts: int, tally: HotCounters) -> list[tuple[Client, int]]:
        """Send to every live client; those that did not take all of it, with how much they took (-1: broken).

        `frame` may be several frames; whoever took some of it is counted with all.

        No checkpoint in here: a frame goes to all, or the next one would overtake it.
        """
        size = len(frame)
        behind: list[tuple[Client, int]] = []
        for client, send in self.live.items():
            try:
                taken = send(frame)
            except BlockingIOError:
                behind.append((client, 0))
                continue
            except OSError:
                behind.append((client, -1))
                continue
            if taken != size:
                behind.append((client, taken))
        reached = len(self.live)
        if behind:
            reached -= sum(taken <= 0 for _, taken in behind)
        tally.frames_out += reached * frames
        tally.bursts_out += reached * bursts
        tally.bytes_out += reached * size
        return behind
