"""A session as its clients see it: what is known of it, what goes to whoever is live, and what the others are owed.

`state.py` has what the two halves share, `fan_out.py` what comes by the stream, `catch_up.py` what a client is owed,
with the table of a client's states.
"""

from __future__ import annotations

from collections.abc import Callable

from rta.clock_bounds import ClockBounds
from rta.hot_counters import HotCounters
from rta.ports.values import Position, SessionRecord
from rta.session.catch_up import CatchUp
from rta.session.client import Client, ClientBeginning, Ending, Sink
from rta.session.fan_out import FanOut
from rta.session.merged_frames import Cutter
from rta.session.state import FeedState
from rta.session.subscription import NOTHING
from rta.session.summary import SessionSummary

__all__ = ["SessionFeed"]


_CLOCKS = ClockBounds()


class SessionFeed:
    """One session, followed for as long as it has clients or observers."""

    def __init__(
        self,
        record: SessionRecord,
        position: Position,
        ring_bytes: int,
        counters: HotCounters,
        now: float,
        range_due: Callable[[SessionFeed], None] = lambda feed: None,
        clocks: ClockBounds = _CLOCKS,
    ) -> None:
        """`position`: up to where the stream has been read; what comes after it is given to `fan_out`. `ring_bytes`:
        bursts and merged frames together.

        `range_due` is called when `fan_out.tell_ranges` may have something to tell. `clocks`: what time ranges may say.
        """
        self.identity = record.identity
        cutter = Cutter()
        self.summary = SessionSummary(record.identity, clocks)
        self.state = FeedState(self.summary, record, position, ring_bytes // 2, counters, lambda: range_due(self))
        self.fan_out = FanOut(self.state, cutter)
        self.catch_up = CatchUp(self.state, cutter, ring_bytes // 2)
        self.summary.arrived_ms = self.state.position.ms
        self.summary.learn_of(record)
        if record.json is not None:
            self.summary.begin(record.json, now)
        self.summary.expand(record.time_range)

    @property
    def streamable(self) -> bool:
        """Clients can be served once there is a session JSON."""
        return self.summary.json is not None

    @property
    def wanted(self) -> bool:
        """Whether it has clients or observers."""
        return bool(self.state.clients) or self.fan_out.observed

    @property
    def held(self) -> int:
        """Bytes that the ring and the merged frames hold."""
        return self.state.ring.bytes + self.catch_up.merged_frames.bytes

    @property
    def lag(self) -> float:
        """Seconds of arrival between the leading edge and the client furthest behind it in this run."""
        state = self.state
        behind = [c.position.ms for c in state.clients if not c.live and c.run is state.run and c.position.ms]
        return max(state.position.ms - min(behind), 0) / 1000 if behind else 0.0

    # ---- clients

    def attach(self, sink: Sink, wake: Callable[[], None], beginning: ClientBeginning | None = None) -> Client:
        """A new client; it is first owed the session JSON, then the time range.

        `beginning`: instead of the back scan. It holds at the moment at which it has been found out.
        """
        client = Client(sink, wake, self.state.run, self.state.position, self.state.view(NOTHING), beginning)
        client.queued, client.json_version = self.summary.json_frame(), self.summary.json_version
        self.state.clients.add(client)
        return client

    def detach(self, client: Client) -> None:
        """The client is gone; idempotent."""
        if client in self.state.clients:
            self.state.clients.discard(client)
            self.state.leave_view(client)
            client.back_fills.clear()

    def blocked(self, client: Client) -> None:
        """The client's socket is busy with something else: it is no longer live."""
        self.state.leave_live(client, self.state.position)

    def release_finished(self, now: float, linger: float) -> None:
        """Have those clients leave that have had all of a closed session for `linger` s."""
        closed_since = self.summary.closed_since
        if closed_since is None:
            return
        for client in self.state.clients:
            if client.caught_up is not None and now >= max(closed_since, client.caught_up) + linger:
                client.leave(Ending.SESSION_CLOSED)
