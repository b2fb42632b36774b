"""Where a connection begins that comes with a flush point: which stretches of which runs are behind the point.

The archive tells the runs, and up to where each is recorded; so far it is read from there. The feed's own run goes on
in the buffer from where the archive ends. Whatever cannot be told for certain is refused: the client then reads over
REST again, and comes with a newer point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from itertools import pairwise

from rta.ports.archive import FlushPoint, RecordedRun
from rta.ports.values import START, Position
from rta.session.client import ClientBeginning, SessionRun, Stretch
from rta.session.state import FeedState

__all__ = ["JoinRefusal", "beginning_behind", "unrecorded_beginning"]


class JoinRefusal(Enum):
    """Why there is no such beginning."""

    LOST = auto()
    """The point is another session's, may be one of two runs, or what is behind it is not held any more."""
    NOT_YET = auto()
    """The archive does not know the run yet that the feed follows: there may be others in between."""


def beginning_behind(
    point: FlushPoint,
    recorded: Sequence[RecordedRun],
    state: FeedState,
    heads: Mapping[str, Position] | None,
    buffered: bool,
) -> ClientBeginning | JoinRefusal:
    """The beginning of a client that attaches now. The feed is not behind what has been recorded.

    `recorded`: the runs of the session in the archive. `heads`: of their streams in the buffer; None: the buffer does
    not know the session, and the feed ends where the archive does. `buffered`: the buffer still holds the very entry
    that is at the point.
    """
    first = _run_of(point, recorded)
    if first is None:
        return JoinRefusal.LOST
    live = None if heads is None else _index_of(state, recorded)
    if heads is not None and (live is None or live < first):
        return JoinRefusal.NOT_YET
    earlier: list[Stretch] = []
    begins = state.position
    for i, run in enumerate(recorded[first:], first):
        after = point.position if i == first else run.start
        ends = max(after, run.upto)
        if after < ends:
            if after < run.held_from:
                only = i == first == live == len(recorded) - 1
                return unrecorded_beginning(point, state.run, buffered) if only else JoinRefusal.LOST
            earlier.append(Stretch(state.recorded_run(run), after, ends, recorded=True))
        if i == live:
            begins = ends
        elif heads is not None:
            followers = [r.start for r in recorded[i + 1 :] if r.stream == run.stream]
            end = min(followers, default=heads.get(run.stream, START))
            if ends < end:  # the buffer has some more of a run that is over
                earlier.append(Stretch(state.recorded_run(run), ends, end, recorded=False))
    return ClientBeginning(earlier, begins)


def unrecorded_beginning(point: FlushPoint, run: SessionRun, buffered: bool) -> ClientBeginning | JoinRefusal:
    """The same where nothing has been recorded: in the feed's own run, from its start or from what is buffered."""
    ours = (run.stream, run.session_id) == (point.stream, point.session_id)
    held = point.position == run.start or (buffered and point.position > run.start)
    return ClientBeginning([], point.position) if ours and held else JoinRefusal.LOST


def _run_of(point: FlushPoint, recorded: Sequence[RecordedRun]) -> int | None:
    """Which run the point is in; None: it may be in several, or is in none.

    One may begin where another ends: that is the same point. A mark may be ahead of what was recorded when the service
    was killed: there is nothing in between any more.
    """
    here = [(i, r) for i, r in enumerate(recorded) if (r.stream, r.session_id) == (point.stream, point.session_id)]
    within = [i for i, r in here if r.start < point.position <= r.upto]
    if not within:
        within = [i for i, r in here if r.start == point.position][:1]
    if not within and here and here[-1][1].upto < point.position and not _overlap([r for _, r in here]):
        within = [here[-1][0]]
    return within[0] if len(within) == 1 else None


def _overlap(runs: Sequence[RecordedRun]) -> bool:
    """Whether a later one has places of an earlier one: the log has begun anew with a clock set back."""
    return any(later.start < earlier.upto for earlier, later in pairwise(runs))


def _index_of(state: FeedState, recorded: Sequence[RecordedRun]) -> int | None:
    """Which of the recorded runs the feed follows."""
    run = state.run
    same = [i for i, r in enumerate(recorded) if (r.stream, r.session_id) == (run.stream, run.session_id)]
    return same[-1] if same and run.start <= recorded[same[-1]].upto else None
