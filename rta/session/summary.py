"""What is known of a session itself: its JSON, its time range, and since when it is closed."""

from __future__ import annotations

from collections.abc import Sequence

from rta.clock_bounds import ClockBounds
from rta.ports.values import SessionRecord
from rta.session.doubt import Doubt
from rta.session.session_range import SessionRange
from rta.wire.burst import json_item, make_burst, range_item
from rta.wire.session_json import Glance, glance
from rta.wire.values import TimeRange
from rta.wire.websocket import frame

__all__ = ["SessionSummary"]


class SessionSummary:
    """Versions count what clients have to be told: a client that knows the current version lacks nothing."""

    def __init__(self, identity: str, clocks: ClockBounds) -> None:
        """`clocks`: what time ranges may say."""
        self.identity = identity
        self.json: str | None = None
        self.json_version = 0
        """Counts the session JSONs that did not come by the stream."""
        self.announced = False
        """The latest session JSON did not come by the stream."""
        self.came_by_stream = False
        """Some session JSON has come by the stream."""
        self.range = SessionRange(clocks)
        self.arrived_ms = 0
        """When the latest entry came, by the log's clock, ms since the Unix epoch; 0: none has."""
        self.range_version = 0
        self.closed_since: float | None = None
        """Since when the session JSON has been in a closed state (Trio time)."""
        self._doubt = Doubt()
        self._inspected: Sequence[tuple[str, Glance]] = ()
        self._json_frame: bytes | None = None
        self._range_frame: bytes | None = None

    # ---- what comes

    def inspect(self, text: str) -> Glance:
        """What the service needs of a session JSON. It is parsed once, however often it is asked for in a row: it may
        be megabytes long."""
        for known, seen in self._inspected:
            if known == text:
                return seen
        seen = glance(text)
        self._inspected = [(text, seen)]
        return seen

    def learn(self, texts: Sequence[str], inspected: Sequence[Glance]) -> None:
        """What is in session JSONs that are about to come: they are large, and somebody has looked elsewhere."""
        self._inspected = list(zip(texts, inspected, strict=True))

    def learn_of(self, record: SessionRecord) -> None:
        """The same for the one of a record."""
        if record.json is not None and record.inspected is not None:
            self.learn([record.json], [record.inspected])

    def receive(self, text: str, now: float) -> None:
        """A session JSON that came by the stream."""
        self._set_json(text, now)
        self.came_by_stream, self.announced = True, False

    def announce(self, text: str, now: float) -> None:
        """A session JSON that did not come by the stream: every client has to be told."""
        self._set_json(text, now)
        self.announced = True
        self.json_version += 1

    def begin(self, text: str, now: float) -> None:
        """The session JSON that clients are told when they join."""
        self._set_json(text, now)

    def end(self, now: float) -> None:
        """Nothing more will come, whatever the session JSON says."""
        if self.closed_since is None:
            self.closed_since = now

    def _set_json(self, text: str, now: float) -> None:
        self.json = text
        self._doubt.settle()
        self._json_frame = None
        seen = self.inspect(text)
        if not seen.state.is_closed:
            self.closed_since = None
        elif self.closed_since is None:
            self.closed_since = now
        self.expand(seen.span)

    @property
    def time_range(self) -> TimeRange | None:
        """What the session covers, as clients are told."""
        return self.range.told

    def expand(self, span: TimeRange | None) -> bool:
        """The session covers this too; False where something of it cannot be right."""
        if span is None:
            return True
        told = self.range.told
        good = self.range.expand(span, self.arrived_ms)
        if self.range.told != told:
            self.range_version += 1
            self._range_frame = None
        return good

    def believes(self, text: str | None) -> bool:
        """Whether the session JSON of a fresh record is to be announced."""
        return self._doubt.believes(self.json, text)

    # ---- what goes out

    def json_frame(self) -> bytes | None:
        """The current session JSON on its own; None while there is none."""
        if self._json_frame is None and self.json is not None:
            self._json_frame = frame(make_burst([json_item(self.json)]).packed)
        return self._json_frame

    def range_frame(self) -> bytes | None:
        """The current time range on its own; None while there is none."""
        if self._range_frame is None and self.time_range is not None:
            self._range_frame = frame(make_burst([range_item(self.time_range)]).packed)
        return self._range_frame
