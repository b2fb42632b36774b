"""Where a connection begins that comes with a flush point: which stretches of which runs are behind the point.

The archive tells the runs, and up to where each is recorded; so far it is read from there. The feed's own run goes on
in the buffer from where the archive ends. Whatever cannot be told for certain is refused: the client then reads over
REST again, and comes with a newer point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from rta.ports.archive import FlushPoint, RecordedRun
from rta.ports.values import START, Position
from rta.session.client import Beginning, SessionRun, Stretch
from rta.session.state import FeedState

__all__ = ["Refusal", "beginning_behind", "unrecorded_beginning"]


class Refusal(Enum):
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
) -> Beginning | Refusal:
    """The beginning of a client that attaches now. The feed is not behind what has been recorded.

    `recorded`: the runs of the session in the archive. `heads`: of their streams in the buffer; None: the buffer does
    not know the session, and the feed ends where the archive does. `buffered`: the buffer still holds the very entry
    that is at the point.
    """
    named = _runs_of(point, recorded)
    if len(named) != 1:
        return Refusal.LOST
    first = named[0]
    live = None if heads is None else _index_of(state, recorded)
    if heads is not None and (live is None or live < first):
        return Refusal.NOT_YET
    earlier: list[Stretch] = []
    for i, run in enumerate(recorded[first:], first):
        after = point.position if i == first else run.start
        if after < run.upto:
            if after < run.held_from:
                only = i == first == live == len(recorded) - 1
                return unrecorded_beginning(point, state.run) if only and buffered else Refusal.LOST
            earlier.append(Stretch(state.recorded_run(run), after, run.upto, recorded=True))
        if heads is not None and i != live:
            earlier += _unrecorded(run, recorded[i + 1 :], state, heads)
    return Beginning(earlier, state.position if live is None else recorded[live].upto)


def unrecorded_beginning(point: FlushPoint, run: SessionRun) -> Beginning | Refusal:
    """The same without an archive, of a point that the buffer still holds: in the feed's own run."""
    ours = (run.stream, run.session_id) == (point.stream, point.session_id) and run.start <= point.position
    return Beginning([], point.position) if ours else Refusal.LOST


def _runs_of(point: FlushPoint, recorded: Sequence[RecordedRun]) -> list[int]:
    """Which runs the point may be in. One may begin where another ends: that is in either the same point."""
    here = [(i, r) for i, r in enumerate(recorded) if (r.stream, r.session_id) == (point.stream, point.session_id)]
    within = [i for i, r in here if r.start < point.position <= r.upto]
    return within or [i for i, r in here if r.start == point.position][:1]


def _index_of(state: FeedState, recorded: Sequence[RecordedRun]) -> int | None:
    """Which of the recorded runs the feed follows."""
    run = state.run
    same = [i for i, r in enumerate(recorded) if (r.stream, r.session_id) == (run.stream, run.session_id)]
    return same[-1] if same and run.start <= recorded[same[-1]].upto else None


def _unrecorded(
    run: RecordedRun, later: Sequence[RecordedRun], state: FeedState, heads: Mapping[str, Position]
) -> list[Stretch]:
    """What the buffer has of a run that is over, behind what has been recorded of it."""
    followers = [r.start for r in later if r.stream == run.stream]
    end = min(followers, default=heads.get(run.stream, START))
    return [Stretch(state.recorded_run(run), run.upto, end, recorded=False)] if run.upto < end else []
