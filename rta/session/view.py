"""The clients of a session that want the same and are at its leading edge: cut once, sent to each."""

from __future__ import annotations

from collections.abc import Callable

from rta.session.client import Client
from rta.session.subscription import Filter, Subscription

__all__ = ["MOST_CLIENTS", "View"]

MOST_CLIENTS = 250
"""Of one view: a frame goes to all of them without a checkpoint, so that this is about 2 ms. More clients that want the
same are of further views."""


class View:
    """Clients of one subscription. `live` maps each client to its socket's `send`."""

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

    def send(self, out: bytes) -> list[tuple[Client, int]]:
        """Send one or more whole frames to every live client; those that did not take all of it, with how many bytes
        they took (-1: the socket is broken).

        No checkpoint in here: a frame goes to all, or the next one would overtake it.
        """
        size = len(out)
        behind: list[tuple[Client, int]] = []
        for client, send in self.live.items():
            try:
                taken = send(out)
            except BlockingIOError:
                behind.append((client, 0))
                continue
            except OSError:
                behind.append((client, -1))
                continue
            if taken != size:
                behind.append((client, taken))
        return behind
