"""Fan-out: what comes by the stream goes to the clients at the leading edge, at once and to all of them.

Each view cuts a burst once, and every client of it gets the same bytes with a non-blocking `send`. A client whose
socket does not take all of it leaves the leading edge: from then on catch-up brings it forward.

The reader calls this directly, not over a memory channel, on purpose; `rta.actors.stream_reader` has the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rta.ports.values import Entry
from rta.session.frame_batch import BATCH_BYTES, FrameBatch
from rta.session.merged_frames import Cutter, OpenBurst
from rta.session.state import FeedState
from rta.session.view import View
from rta.wire.block import TARGET
from rta.wire.burst import Burst

__all__ = ["RANGE_INTERVAL", "FanOut"]

RANGE_INTERVAL = 0.1
"""Seconds between time ranges sent on their own."""


class FanOut:
    """From the entries of one session to the sockets of its live clients."""

    def __init__(self, state: FeedState, cutter: Cutter) -> None:
        self._state = state
        self._cutter = cutter
        self._observers: list[Callable[[Entry], None]] = []

    @property
    def observed(self) -> bool:
        """Whether there are observers."""
        return bool(self._observers)

    def observe(self, observer: Callable[[Entry], None]) -> Callable[[], None]:
        """Have every entry behind the leading edge from now on, in order and whatever is in it. What is returned ends
        it.

        Called while entries are handed out: an observer must not block, and is to be quick. It keeps the feed alive.
        """
        self._observers = [*self._observers, observer]

        def end() -> None:
            self._observers = [other for other in self._observers if other is not observer]

        return end

    # ---- entries

    def deliver(self, entries: Sequence[Entry], now: float) -> None:
        """The next entries, each in a frame of its own; small ones that follow each other leave in one `send`."""
        state, summary = self._state, self._state.summary
        range_before = summary.range_version
        batches: dict[View, FrameBatch] = {}
        for entry in entries:
            known = summary.range_version
            if self._absorb(entry, now):
                opened = OpenBurst(entry.burst)
                for view in state.views:
                    if view.live:
                        out = self._cutter.single(opened, view.want)
                        if out is not None:
                            batch = batches.get(view)
                            if batch is None:
                                batch = batches[view] = FrameBatch(state.position, view.range_version)
                            elif batch.size + len(out) > BATCH_BYTES:
                                self._send(view, batch)
                                batch = batches[view] = FrameBatch(state.position, view.range_version)
                            batch.add(out, entry.position)
                            if entry.burst.time_range is not None and batch.range_version == known:
                                batch.range_version = summary.range_version
            state.position = entry.position
        for view, batch in batches.items():
            self._send(view, batch)
        state.owe_range(range_before)

    def deliver_merged(self, entries: Sequence[Entry], now: float) -> None:
        """The next entries, merged to about 64 KiB."""
        state = self._state
        range_before = state.summary.range_version
        group: list[Burst] = []
        size = 0
        for i, entry in enumerate(entries):
            if self._absorb(entry, now):
                group.append(entry.burst)
                size += entry.burst.raw_size
            following = entries[i + 1].burst.raw_size if i + 1 < len(entries) else TARGET
            if group and size + following > TARGET:
                for view in state.views:
                    if view.live:
                        merged = self._cutter.merged(group, view.want, entry.position)
                        if merged.frame is not None:
                            batch = FrameBatch(state.position, view.range_version)
                            batch.add(merged.frame, entry.position, merged.bursts)
                            self._send(view, batch)
                group, size = [], 0
            if not group:
                state.position = entry.position
        state.owe_range(range_before)

    def _absorb(self, entry: Entry, now: float) -> bool:
        """What an entry says of the session itself; whether it has anything for clients besides a time range."""
        state, burst = self._state, entry.burst
        if not state.is_ours(state.run, entry):
            return False
        state.counters.bursts_in += 1
        state.counters.bytes_in += len(burst.packed)
        state.summary.arrived_ms = entry.position.ms
        for text in burst.session_json:
            state.summary.receive(text, now)
        if burst.time_range is not None and not state.summary.expand(burst.time_range):
            state.counters.odd_ranges += 1
        for observer in self._observers:
            observer(entry)
        if burst.has_data or burst.has_events:
            state.brings_data(entry.position)
        if burst.has_data or burst.has_events or burst.session_json:
            state.ring.append(entry.position, burst)
            return True
        return False

    def _send(self, view: View, batch: FrameBatch) -> None:
        """One batch to all live clients of a view.

        A frame that was begun counts as delivered; one that was not, not even in part, is still to come.
        """
        state, counters = self._state, self._state.counters
        out = batch.joined()
        behind = view.send(out)
        reached = len(view.live) - len(behind)
        counters.frames_out += reached * len(batch)
        counters.bursts_out += reached * batch.bursts
        counters.bytes_out += reached * len(out)
        for client, sent in behind:
            part = batch.cut(sent)
            state.leave_live(client, part.position)
            if part.frames == len(batch):
                client.range_version = batch.range_version
            if sent < 0:
                client.sink.abort()
                continue
            counters.fell_behind += 1
            counters.frames_out += part.frames
            counters.bursts_out += part.bursts
            counters.bytes_out += sent + part.rest
            if part.rest:
                client.sink.hold(memoryview(out)[sent : sent + part.rest])
        view.range_version = batch.range_version

    # ---- time ranges

    def tell_ranges(self, now: float) -> tuple[int, float | None]:
        """Send the time range to the live clients of one view that lack it, at most every `RANGE_INTERVAL`. To how many
        it went, and when to call again; None: when something has changed."""
        told = 0
        again: float | None = None
        for view in self._state.views:
            if not view.live or view.range_version == self._state.summary.range_version:
                continue
            if view.range_due is None:
                view.range_due = view.range_at + RANGE_INTERVAL  # whoever joins meanwhile does not put it off
            if now >= view.range_due and not told:
                told = len(view.live)
                self._tell_range(view, now)
            else:
                again = view.range_due if again is None else min(again, view.range_due)
        return told, again

    def _tell_range(self, view: View, now: float) -> None:
        state = self._state
        out = state.summary.range_frame()
        assert out is not None, "a range version without a range"
        view.range_at, view.range_due = now, None
        batch = FrameBatch(state.position, state.summary.range_version)
        batch.add(out, state.position, bursts=0)
        self._send(view, batch)
