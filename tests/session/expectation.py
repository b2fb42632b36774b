"""What a client has to get, worked out the naive way: item by item, from what happened, after the fact.

Must not know rings, views, chunks or cursors. Everything that happens has a number, in order.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum

from attrs import define, field

from rta.ports import START, Position
from rta.session.subscription import Subscription
from rta.wire import TimeRange, glance

from .simulation import Item, Received, tag_of, whole

__all__ = ["Asked", "Due", "Expectation", "Sent", "Story"]


class Due(Enum):
    """How often an item may come."""

    ONCE = "exactly once"
    PERHAPS = "at most once"
    NEVER = "never"


@define
class Sent:
    """One burst in the log."""

    position: Position
    stream: str
    run: int | None
    """Which run of the session it belongs to; None: it is somebody else's."""
    items: list[Item]
    session_jsons: list[str]
    span: TimeRange | None
    taken: int | None = None
    """When the feed was given it, or told that it is there."""
    adopted: bool = False
    """It was there before the feed followed its run: trimmed before a client's first look, it is no gap."""
    trimmed: int | None = None
    """When the log dropped it."""


@define
class Asked:
    """One subscribe request that was granted."""

    at: int
    want: Subscription
    total: Subscription
    """Everything the client had then asked for."""
    back_from: Position
    run: int
    """The run that the feed followed at the time."""
    idle: bool
    """Nothing was owed to the client at the time."""
    promised: int
    """Up to where the client's byte stream was decided."""
    started: int | None = None
    """When the log was read for it, as long as it had nothing of it, and when it had something first."""


@define
class Story:
    """Everything that happened to the session."""

    sent: list[Sent] = field(factory=list)
    told: list[tuple[int, str]] = field(factory=list)
    """Session JSONs that did not come by the stream, and when."""
    session_json: str = ""
    """The current one, as far as the feed has heard."""
    span: TimeRange | None = None
    """The union of all time ranges that the feed has heard of."""

    def back_from(self, run: int, back_scan: float | None) -> Position:
        """From where on a subscription that is made now is filled, in a run."""
        data = [s.position for s in self.sent if s.run == run and s.taken is not None and s.items]
        if back_scan is None or not data:
            return START
        return Position((max(data).ms - int(back_scan * 1000)) // 1000 * 1000, 0)


def covers(want: Subscription, item: Item) -> bool:
    """Whether a request names an item."""
    if item.kind == "event":
        return want.events
    return want.all_data or any(c in want.channels for c in item.channels)


@define
class Expectation:
    """What one client is due."""

    story: Story
    attached: int
    run: int
    """The run that the feed followed when the client came."""
    first_json: str
    """The session JSON of that moment."""
    first_range: bool
    """Whether a time range was known then."""
    asked: list[Asked] = field(factory=list)

    def due(self, sent: Sent, item: Item) -> Due:
        first = next((a for a in self.asked if covers(a.want, item)), None)
        if first is None or sent.run is None or sent.run < self.run:
            return Due.NEVER
        if sent.taken is None:
            return Due.PERHAPS
        if sent.taken > first.at:
            held = sent.trimmed is None or not sent.adopted
            return Due.ONCE if held and sent.position >= first.back_from else Due.PERHAPS
        # It had gone by when the client asked.
        if sent.run < first.run or sent.position < first.back_from:
            return Due.NEVER if first.idle else Due.PERHAPS
        looked = first.at if first.started is None else first.started
        return Due.PERHAPS if sent.trimmed is not None and sent.trimmed <= looked else Due.ONCE

    def check(self, received: Received, stream: bytes, *, complete: bool) -> None:
        """Raise AssertionError unless the client got what it was due; `complete` unless it was cut off."""
        if complete:
            assert whole(stream), "the byte stream ends within a frame"
        self._check_opening(received, complete)
        self._check_items(received, complete)
        self._check_jsons(received.session_jsons, complete)
        if complete:
            self._check_ranges(received)

    def _check_opening(self, received: Received, complete: bool) -> None:
        if complete:
            assert received.messages, "no message at all"
        if received.messages:
            assert received.messages[0].only == "session_json", "the first message is not just the JSON"
        if self.first_range and len(received.messages) > 1:
            assert received.messages[1].only == "time_range", "the second message is not just the time range"

    def _check_items(self, received: Received, complete: bool) -> None:
        known = {i.tag: (s, i) for s in self.story.sent for i in s.items}
        count: Counter[int] = Counter()
        for message, data in received.items:
            tag = tag_of(data)
            sent, item = known[tag]
            count[tag] += 1
            assert data.SerializeToString() == item.data, f"item {tag} is not what was sent"
            assert self.due(sent, item) is not Due.NEVER, f"item {tag} at {sent.position} was not asked for"
            asked_later = [a for a in self.asked if message.offset < a.promised]
            if asked_later:
                before = self.asked[: self.asked.index(asked_later[0])]
                assert any(covers(a.want, item) for a in before), f"item {tag} came before it was asked for"
        for tag, n in count.items():
            assert n == 1, f"item {tag} came {n} times"
        if complete:
            missing = [t for t, (s, i) in known.items() if self.due(s, i) is Due.ONCE and t not in count]
            assert not missing, f"items {missing} never came"

    def _check_jsons(self, got: list[str], complete: bool) -> None:
        """The current one, then each that comes by the stream, once, in order; the last is the truth."""
        ours = [s for s in self.story.sent if s.run is not None and (s.taken or 0) > self.attached]
        ours.sort(key=lambda s: (s.taken or 0, s.position))
        by_stream = [text for s in ours for text in s.session_jsons]
        # What was told ahead of the stream comes by the stream once more.
        told = [text for at, text in self.story.told if at > self.attached or text == self.first_json]
        if not got:
            return
        assert got[0] in [self.first_json, *by_stream, *told], "the first JSON was never the current one"
        rest = by_stream[by_stream.index(got[0]) + 1 :] if got[0] in by_stream else by_stream
        if not told:
            assert got[1:] == rest[: len(got) - 1], "session JSONs are missing, out of order or came twice"
            if complete:
                assert got[1:] == rest, f"session JSONs are missing: {got} of {rest}"
            return
        count, bound = Counter(got), Counter([self.first_json, *by_stream, *told])
        assert count <= bound, "a session JSON came too often"
        if complete:
            # Of those that a new run had before the feed took it up, the latest is told.
            passed = {text for s in ours if s.adopted for text in s.session_jsons}
            assert set(rest) - passed <= set(got), "session JSONs are missing"
            assert got[-1] == self.story.session_json, "the client's last session JSON is not the current one"

    def _check_ranges(self, received: Received) -> None:
        spans = [*received.time_ranges, *(glance(j).span for j in received.session_jsons)]
        assert TimeRange.union_of(*spans) == self.story.span, "the client does not know what the session covers"
