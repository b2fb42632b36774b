"""Where a session stands: the run that is followed, what of it is in the ring, and which clients are live.

Everything that fan-out and catch-up share. Plain code: time comes in. Nothing here awaits, so every method is atomic
to the actors around it.
"""

from __future__ import annotations

from collections.abc import Callable

from rta.hot_counters import HotCounters
from rta.ports.archive import RecordedRun
from rta.ports.values import Entry, Position, SessionRecord, StreamSessionId
from rta.session.client import Client, SessionRun
from rta.session.ring import Ring
from rta.session.subscription import Subscription
from rta.session.summary import SessionSummary
from rta.session.view import MOST_CLIENTS, View
from rta.wire.values import TimeRange

__all__ = ["FeedState"]


class FeedState:
    """One followed session."""

    def __init__(
        self,
        summary: SessionSummary,
        record: SessionRecord,
        position: Position,
        ring_bytes: int,
        counters: HotCounters,
        range_due: Callable[[], None],
    ) -> None:
        """`position`: up to where the stream has been read. `range_due` is called when live clients have to be told the
        time range."""
        self.summary = summary
        self._range_due = range_due
        self.counters = counters
        self.run = SessionRun.from_record(record, 0)
        """The run that is followed. Clients may still be in earlier ones."""
        self.position = self.run.joined = max(position, self.run.start)
        """The leading edge: up to here the run has been read."""
        self._ring_bytes = ring_bytes
        self.ring = Ring(ring_bytes, self.position)
        self.newest: Position | None = None
        """Where the last samples or events of the session are, up to the leading edge; None: there are none."""
        self.newest_known = False
        """Whether `newest` holds: nobody has had to search for it until somebody wants to know."""
        self.views: dict[View, None] = {}
        self._joinable: dict[Subscription, dict[View, None]] = {}
        """The views that have room for further clients."""
        self.clients: set[Client] = set()
        self._recorded: dict[tuple[str, StreamSessionId, Position], SessionRun] = {}

    # ---- views

    def view(self, subscription: Subscription) -> View:
        """The view of a subscription, with one more client."""
        joinable = self._joinable.setdefault(subscription, {})
        view = next(iter(joinable), None)
        if view is None:
            view = View(subscription, self.summary.range_version)
            self.views[view] = joinable[view] = None
        view.clients += 1
        if view.clients >= MOST_CLIENTS:
            del joinable[view]
        return view

    def leave_view(self, client: Client) -> None:
        """The client is no longer of its view; the last one takes the view along."""
        view = client.view
        view.live.pop(client, None)
        client.live = False
        view.clients -= 1
        joinable = self._joinable.setdefault(view.subscription, {})
        if view.clients:
            joinable[view] = None
            return
        del self.views[view]
        joinable.pop(view, None)
        if not joinable:
            del self._joinable[view.subscription]

    # ---- live or not

    def join_live(self, client: Client) -> None:
        """The client has all up to the leading edge: from now on it gets what comes at once."""
        view, summary = client.view, self.summary
        known = client.range_version
        view.range_version = min(known, view.range_version) if view.live else known
        view.range_at = max(client.range_at, view.range_at)
        client.live = True
        view.live[client] = client.sink.send
        if known != summary.range_version:
            self._range_due()

    def leave_live(self, client: Client, position: Position) -> None:
        """The client has all up to `position`; from now on its actor brings it forward."""
        if client.live:
            client.live = False
            del client.view.live[client]
            client.run, client.position = self.run, position
            client.range_version = client.view.range_version
            client.range_at = max(client.range_at, client.view.range_at)
            client.caught_up = None
            client.wake()

    def _all_leave_live(self) -> None:
        for client in self.clients:
            self.leave_live(client, self.position)

    def _wake_all(self) -> None:
        for client in self.clients:
            client.wake()

    def announce(self, text: str | None, now: float) -> None:
        """A session JSON that did not come by the stream: each client is told when it is at the leading edge."""
        if text is None:
            return
        self.summary.announce(text, now)
        self._all_leave_live()
        self._wake_all()

    def expand(self, span: TimeRange | None) -> None:
        """The session covers this too, as its record says."""
        known = self.summary.range_version
        self.summary.expand(span)
        self.owe_range(known)

    def owe_range(self, known: int) -> None:
        """The time range may have changed since version `known`: live clients that lack it are to be told."""
        version = self.summary.range_version
        if version != known and any(view.live and view.range_version != version for view in self.views):
            self._range_due()

    # ---- the stream

    def is_ours(self, run: SessionRun, entry: Entry) -> bool:
        """Whether an entry with our id is of our session. Ids are used again where a counter got lost."""
        if entry.burst.inspected is not None:
            self.summary.learn(entry.burst.session_json, entry.burst.inspected)
        for text in entry.burst.session_json:
            identity = self.summary.inspect(text).identity
            if identity is not None and identity != self.summary.identity:
                self.leave(entry.position, run)
        return run.left is None or entry.position < run.left

    def leave(self, position: Position, run: SessionRun | None = None) -> None:
        """From here on the id of this run (by default the current one) is another session's."""
        run = run or self.run
        run.left = position if run.left is None else min(position, run.left)

    def brings_data(self, position: Position) -> None:
        """The entry at the leading edge has samples or events."""
        self.newest, self.newest_known = position, True

    @property
    def searched(self) -> tuple[Position, Position]:
        """Where the last data of the run are to be searched for: behind the first, up to the second."""
        left = self.run.left
        return self.run.start, self.position if left is None else min(self.position, left.before())

    def find_newest(self, run: SessionRun, found: Position | None) -> None:
        """What a search of a run has found. Of a run without data, those of the run before it are the last ones."""
        if run is self.run and not self.newest_known:
            self.newest, self.newest_known = found or self.newest, True

    def advance(self, position: Position) -> None:
        """The stream has been read up to here. What others lost there is no loss to us."""
        self.position = max(self.position, position)

    def lose(self, upto: Position) -> None:
        """Entries up to here were trimmed before the reader had them: the clients look for them elsewhere."""
        self.counters.lost += 1
        self._all_leave_live()
        self.newest_known = False
        self.position = max(self.position, upto)
        self.ring = Ring(self._ring_bytes, self.position)
        self._wake_all()

    # ---- runs

    def refresh(self, record: SessionRecord, now: float) -> None:
        """A record of this run, read just after the feed was made."""
        if self.run.is_run(record):
            self.summary.learn_of(record)
            if record.json != self.summary.json and not self.summary.came_by_stream:
                self.announce(record.json, now)
            self.expand(record.time_range)

    def reconcile(self, record: SessionRecord, now: float) -> bool:
        """Compare with a fresh record; False if it speaks of another run, so that the feed must be moved there."""
        if not self.run.is_run(record):
            return False
        self.summary.learn_of(record)
        self.expand(record.time_range)
        if self.summary.believes(record.json):
            self.announce(record.json, now)
        return True

    def move(self, record: SessionRecord, position: Position, now: float) -> None:
        """A new run of the session: whoever is still in the old one reads that to its end first.

        `position`: up to where the new run's stream has been read.
        """
        new = SessionRun.from_record(record, self.run.serial + 1)
        self._enter(new, self.position, max(position, new.start))
        new.joined = self.position
        self.summary.learn_of(record)
        self.expand(record.time_range)
        self.announce(record.json, now)
        self._wake_all()

    def rewind(self, position: Position) -> None:
        """The log has forgotten what was behind `position` and begins anew from there."""
        old = self.run
        for client in self.clients:
            for back_fill in client.back_fills:
                if back_fill.run is old:
                    back_fill.upto = min(back_fill.upto, position)
        new = SessionRun(old.serial + 1, old.stream, old.session_id, position, position)
        self._enter(new, min(self.position, position), position)
        self.newest = None
        self._wake_all()

    def recorded_run(self, run: RecordedRun) -> SessionRun:
        """A run as the archive knows it, the same one each time: clients that read it share frames."""
        key = (run.stream, run.session_id, run.start)
        found = self._recorded.get(key)
        if found is None:
            serial = -1 - len(self._recorded)
            found = self._recorded[key] = SessionRun(serial, run.stream, run.session_id, run.start, run.start)
        return found

    def _enter(self, new: SessionRun, end: Position, position: Position) -> None:
        self._all_leave_live()
        self.run.end, self.run.successor = end, new
        self.run, self.position = new, position
        self.newest_known = False
        self.ring = Ring(self._ring_bytes, position)
