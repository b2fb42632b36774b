"""The back scan: how far back a new subscription is filled.

It counts from the session's own leading edge, its last samples or events, and not from now: a session that is closed,
or has nothing to say for a while, has its last stretch all the same. Neither session JSON nor time ranges count: they
may come long after the last data, as when a session is closed.
"""

from __future__ import annotations

from rta.ports.values import START, Position
from rta.session.client import SessionRun
from rta.session.state import FeedState

__all__ = ["back_scan_start", "must_search"]

_NOWHERE = Position(1 << 62, 0)


def must_search(state: FeedState, seconds: float | None) -> bool:
    """Whether the log has to be searched for the session's last data before `back_scan_start` can be told."""
    return seconds is not None and not state.newest_known


def back_scan_start(state: FeedState, run: SessionRun, seconds: float | None) -> Position:
    """Where the back-fill of a subscription made now begins. `run`: the one that the client is in. `seconds`: how far
    back; None: all there is.

    Whole seconds: clients that come together share frames.
    """
    if seconds is None:
        return START
    if state.newest is None:
        return _NOWHERE if run is state.run else START  # of earlier runs it is not known any more
    return Position(max((state.newest.ms - int(seconds * 1000)) // 1000 * 1000, 0), 0)
