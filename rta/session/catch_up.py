"""Catch-up: what a client is owed that it does not get at once.

For one client every entry is on exactly one side of its position: at or before it, it has been delivered or is covered
by a back-fill; behind it, it will be delivered by what the client subscribes *then*. That is all there is to the join
of back-fill and leading edge.

A client is in one of these states; `CatchUp.step` asks from the top and says what its actor does next:

| state | it is there when | what it is given | what ends it |
| --- | --- | --- | --- |
| holding | a frame was made while the log was read | `Write` that frame | the frame is written |
| untold | it is not live and lacks the time range | `Write` the range, ten times a second | it is told |
| in an earlier run | a later run has begun | `ReadLog` or `Write`, to its end | it enters the next run, or leaves |
| behind the ring | its position is before the ring's floor | `ReadLog` or `Write` | it reaches the floor |
| in the ring | its position is before the leading edge | `Write` a merged frame | it reaches the leading edge |
| unannounced | at the leading edge, a session JSON came by another way | `Write` the JSON | it is told |
| back-filling | live, and widened subscriptions are owed the past | `ReadLog` or `Write` | all of them have ended |
| unmarked | nothing is owed, and it has come with a flush point | `Write` a mark, once a second | it is told |
| caught up | live, and nothing is owed | `Idle`; `Close` if it is to leave | something is owed again |

A client that has come with a flush point is back-filled from behind that point, through all later runs, instead of from
the back scan. What of this has been recorded is read from the archive: the buffer may have forgotten some of it, and
begun anew, since. Marks tell it behind which point to begin on its next connection. At the end of a run it leaves and
is to come again: a run that came and went between two looks at the session's record is known to the archive alone.

A live client becomes not live, where it stands, when its socket does not take all of a frame, when its subscription is
widened, when a session JSON is announced, when another run begins, and when the reader has missed entries. Where the
answer to a `ReadLog` is that neither buffer nor archive holds what comes next, the client ends.

Plain code: what needs the log is asked for as a `ReadLog`. Nothing here awaits.
"""

from __future__ import annotations

from attrs import evolve

from rta.ports.archive import FlushPoint
from rta.ports.values import Batch, Position
from rta.session.client import BackFill, Client, Close, Ending, Idle, ReadLog, SessionRun, Step, Write
from rta.session.fan_out import RANGE_INTERVAL
from rta.session.merged_frames import Cutter, MergedFrame, MergedFrameCache
from rta.session.state import FeedState
from rta.session.subscription import NOTHING, Filter, Subscription
from rta.wire.websocket import text_frame

__all__ = ["MARK_INTERVAL", "MAX_BACK_FILLS", "CatchUp"]

MARK_INTERVAL = 1.0
"""Seconds between marks."""

MAX_BACK_FILLS = 64
"""Back-fills one client may have waiting; widenings beyond that take effect when they have ended."""


class CatchUp:
    """Brings each client of one session to the leading edge, and fills in what its widenings are owed."""

    def __init__(self, state: FeedState, cutter: Cutter, merged_bytes: int) -> None:
        self._state = state
        self._cutter = cutter
        self.merged_frames = MergedFrameCache(merged_bytes)

    def widen(self, client: Client, more: Subscription, back_scan_from: Position) -> bool:
        """Add to what a client gets, from its position on, and owe it what the log holds before that.

        `back_scan_from` means nothing to a client with a beginning of its own.

        False, and nothing has changed, when the client has too many back-fills waiting.
        """
        state = self._state
        old = client.subscription
        new = old.widened(more)
        if new is old:
            return True
        if len(client.back_fills) >= MAX_BACK_FILLS:
            return False
        state.leave_live(client, state.position)
        state.leave_view(client)
        client.view = state.view(new)
        client.subscription = client.view.subscription  # equal ones are one object: look-ups stay cheap
        want = Filter(new, old)
        start = max(client.run.start, back_scan_from.before())
        if (beginning := client.beginning) is not None:
            start = beginning.after
            for s in beginning.earlier:
                client.back_fills.append(BackFill(want, s.run, s.after, s.upto, started=True, recorded=s.recorded))
        if start < client.position:
            started = beginning is not None
            client.back_fills.append(BackFill(want, client.run, start, client.position, started))
        client.caught_up = None
        client.wake()
        return True

    def step(self, client: Client, now: float) -> Step:
        """What the client's actor is to do next. The socket must be free. Writing is assumed to succeed."""
        summary = self._state.summary
        if client.queued is not None:
            out, client.queued = client.queued, None
            return Write(out)
        if not client.live:
            if client.range_version != summary.range_version and now >= client.range_at + RANGE_INTERVAL:
                client.range_version, client.range_at = summary.range_version, now
                if (told := summary.range_frame()) is not None:
                    return Write(told)
            step = self._towards_head(client)
            if step is not None:
                return step
            if client.run is not self._state.run:
                return self._leave_run(client, now)
            # At the leading edge, so that it does not overtake older ones that came by the stream.
            if client.json_version != summary.json_version:
                client.json_version = summary.json_version
                if summary.announced and (announced := summary.json_frame()) is not None:
                    return Write(announced)
            self._state.join_live(client)
        step = self._back_fill(client)
        if step is not None:
            return step
        if client.caught_up is None:
            client.caught_up = now
        mark = self._mark(client, self._state.position, now)
        if mark is not None:
            return mark
        return Idle() if client.leaving is None else Close(client.leaving)

    # ---- towards the leading edge

    def _towards_head(self, client: Client) -> Step | None:
        """What lies between the client and the leading edge; None when it is there, or is to leave before."""
        state, want = self._state, client.view.want
        while True:
            run = client.run
            if run is state.run and client.position >= state.ring.floor:
                merged = self.merged_frames.get(want, run.serial, client.position, state.position, gapless=True)
                if merged is None:
                    found = state.ring.piece(client.position)
                    if found is None:
                        return None
                    bursts, end = found
                    merged = self._cutter.merged(bursts, want, end)
                    self.merged_frames.put(want, run.serial, client.position, merged)
            else:
                end_of_run = run.end if run.end is not None else state.ring.floor
                if run.successor is not None and client.position >= end_of_run:
                    if client.beginning is not None:
                        return None
                    self._enter_run(client, run.successor)
                    continue
                line = state.ring.grid_end(client.position) if run is state.run else None
                upto = end_of_run if line is None else line
                merged = self.merged_frames.get(want, run.serial, client.position, upto, gapless=True)
                if merged is None:
                    return ReadLog(want, run, client.position, upto, None)
            client.position = merged.end
            if merged.frame is not None:
                self._count(merged)
                return Write(merged.frame)

    @staticmethod
    def _enter_run(client: Client, run: SessionRun) -> None:
        """On to the next run: live from where the feed took it up, and what was there already as a back-fill."""
        client.run, client.position = run, run.joined
        if run.start < run.joined and client.subscription is not NOTHING:
            want = Filter(client.subscription, NOTHING)
            client.back_fills.append(BackFill(want, run, run.start, run.joined))

    # ---- clients that have come with a flush point

    def _leave_run(self, client: Client, now: float) -> Step:
        """The end of a run: what is still owed of it, then a mark, and a farewell."""
        step = self._back_fill(client) or self._mark(client, client.position, now, last=True)
        return Close(Ending.RUN_OVER) if step is None else step

    @staticmethod
    def _mark(client: Client, position: Position, now: float, last: bool = False) -> Write | None:
        """Tell the client that it has all that it has subscribed up to here."""
        due = last or client.leaving is not None or now >= client.marked_at + MARK_INTERVAL
        told = client.marked is not None and client.marked >= position
        if client.beginning is None or client.subscription is NOTHING or told or not due:
            return None
        client.marked, client.marked_at = position, now
        point = FlushPoint(client.run.stream, client.run.session_id, position)
        return Write(text_frame(str(point)))

    # ---- back-fills

    def _back_fill(self, client: Client) -> Step | None:
        ring, run = self._state.ring, self._state.run
        while client.back_fills:
            owed = client.back_fills[0]
            if owed.after >= owed.upto:
                client.back_fills.popleft()
                continue
            line = ring.grid_end(owed.after) if owed.run is run else None
            upto = owed.upto if line is None else min(line, owed.upto)
            merged = self.merged_frames.get(owed.want, owed.run.serial, owed.after, upto, owed.started)
            if merged is None:
                return ReadLog(owed.want, owed.run, owed.after, upto, owed)
            self._filled(owed, merged)
            if merged.frame is not None:
                self._count(merged)
                return Write(merged.frame)
        return None

    def _filled(self, owed: BackFill, merged: MergedFrame) -> None:
        owed.after, owed.started = merged.end, owed.started or not merged.gone
        self._state.counters.backfill_bursts += merged.bursts
        self._state.counters.backfill_bytes += len(merged.frame or b"")

    # ---- what the log brought

    def receive(self, client: Client, read: ReadLog, batch: Batch) -> Ending | None:
        """What a `ReadLog` brought; the next `step` goes on from there. Why the client is to be closed, if it is."""
        state, owed, run = self._state, read.back_fill, read.run
        if batch.lost and read.gapless:
            state.counters.dropped += 1
            return Ending.FELL_BEHIND if owed is None or client.beginning is None else Ending.POINT_LOST
        if client not in state.clients:
            return None
        if owed is None and (client.run is not run or client.position != read.after):
            return None
        bursts = [e.burst for e in batch.entries if e.session_id == run.session_id and state.is_ours(run, e)]
        want = read.want if owed is not None else client.view.want
        merged = self._cutter.merged(bursts, want, batch.position)
        if batch.lost:
            merged = evolve(merged, lost=True, gone=not batch.entries)
        self.merged_frames.put(want, run.serial, read.after, merged)
        if owed is not None:
            self._filled(owed, merged)
        else:
            client.position = merged.end
            state.counters.rewound += 1
        self._count(merged)
        client.queued = merged.frame
        return None

    def _count(self, merged: MergedFrame) -> None:
        if merged.frame is not None:
            counters = self._state.counters
            counters.frames_out += 1
            counters.bursts_out += merged.bursts
            counters.bytes_out += len(merged.frame)
