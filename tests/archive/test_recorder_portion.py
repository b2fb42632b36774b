"""What a recorder gathers before it has it appended."""

from __future__ import annotations

from math import inf

from rta.actors.recorder_portion import GatheredPortion
from rta.actors.recorder_roster import RosterRun
from rta.ports import START, Entry, Hole, Position, StreamSessionId
from rta.testing.bursts import json_burst, numbered_burst, session_json


def run_of(identity: str, session_id: int = 1) -> RosterRun:
    return RosterRun(identity, "s", StreamSessionId(session_id), START, START)


def entry(number: int, session_id: int = 1) -> Entry:
    return Entry(Position(number, 0), StreamSessionId(session_id), numbered_burst(number))


def test_a_portion_names_the_runs_of_its_entries_and_holes():
    gathered = GatheredPortion()
    assert gathered.is_empty
    assert gathered.since == inf
    hole = Hole(START, Position(1, 0), "trimmed")
    gathered.add(entry(2), run_of("a"), 7.0)
    gathered.add_hole(run_of("b", 2), hole, 5.0)
    portion = gathered.portion("s", Position(3, 0))
    assert portion.runs == {1: ("a", START), 2: ("b", START)}
    assert [e.position for e in portion.entries] == [Position(2, 0)]
    assert portion.holes == {2: hole}
    assert gathered.bytes == len(entry(2).burst.packed)
    assert gathered.since == 5.0


def test_a_portion_admits_one_run_of_an_id():
    gathered, run = GatheredPortion(), run_of("a")
    gathered.add(entry(1), run, 0.0)
    assert gathered.admits(run)
    assert gathered.admits(run_of("b", 2))
    assert not gathered.admits(run_of("a"))


def test_holes_of_one_run_become_one():
    gathered, run = GatheredPortion(), run_of("a")
    gathered.add_hole(run, Hole(Position(5, 0), Position(6, 0), "first"), 0.0)
    gathered.add_hole(run, Hole(Position(2, 0), Position(9, 0), "second"), 1.0)
    assert gathered.holes == {1: Hole(Position(2, 0), Position(9, 0), "first")}


def test_what_is_recorded_is_known_of_its_runs():
    gathered, run, other = GatheredPortion(), run_of("a"), run_of("b", 2)
    closed = session_json("a", "closed")
    gathered.add(Entry(Position(1, 0), StreamSessionId(1), json_burst(closed)), run, 0.0)
    gathered.add_hole(other, Hole(START, Position(1, 0), "trimmed"), 0.0)
    gathered.note_recorded()
    assert (run.recorded, run.json, run.closed) == (True, closed, True)
    assert (other.recorded, other.json, other.closed) == (True, None, False)
