"""The portion that is being gathered for the archive: entries and holes of one stream, and the runs they are of."""

from __future__ import annotations

from math import inf

from attrs import define, field

from rta.actors.recorder_roster import RosterRun
from rta.ports import Entry, Hole, Portion, Position, StreamSessionId
from rta.wire import Burst
from rta.wire.session_json import Glance, glance

__all__ = ["GatheredPortion", "glance_at"]


@define
class GatheredPortion:
    """Times are Trio's."""

    entries: list[Entry] = field(factory=list)
    holes: dict[StreamSessionId, Hole] = field(factory=dict)
    bytes: int = 0
    """Of packed bursts."""
    since: float = inf
    """When the first of it came."""
    _runs: dict[StreamSessionId, RosterRun] = field(factory=dict)

    @property
    def is_empty(self) -> bool:
        return not self.entries and not self.holes

    def admits(self, run: RosterRun) -> bool:
        """A portion has one run of each id."""
        return self._runs.get(run.session_id, run) is run

    def add(self, entry: Entry, run: RosterRun, now: float) -> None:
        self._runs[entry.session_id] = run
        self.since = min(self.since, now)
        self.entries.append(entry)
        self.bytes += len(entry.burst.packed)

    def add_hole(self, run: RosterRun, hole: Hole, now: float) -> None:
        """Holes of one run become one."""
        before = self.holes.get(run.session_id)
        if before is not None:
            hole = Hole(min(before.after, hole.after), max(before.upto, hole.upto), before.reason)
        self.holes[run.session_id], self._runs[run.session_id] = hole, run
        self.since = min(self.since, now)

    def portion(self, stream: str, upto: Position) -> Portion:
        """As the archive takes it. `upto`: all of the stream up to there is in it, or left out."""
        runs = {session_id: (run.identity, run.start) for session_id, run in self._runs.items()}
        return Portion(stream, tuple(self.entries), runs, upto, dict(self.holes))

    def note_recorded(self) -> None:
        """The archive has it: its runs say so."""
        for entry in self.entries:
            seen, run = glance_at(entry.burst), self._runs[entry.session_id]
            if seen is not None:
                run.json, run.closed = entry.burst.session_json[-1], seen.state.is_closed
                run.doubt.settle()
        for run in self._runs.values():
            run.recorded = True


def glance_at(burst: Burst) -> Glance | None:
    """What its last session JSON says, if it has one."""
    if not burst.session_json:
        return None
    return burst.inspected[-1] if burst.inspected is not None else glance(burst.session_json[-1])
