"""Where a client begins that comes with a flush point: which stretches are behind it, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rta.ports import START, FlushPoint, Position, RecordedRun
from rta.session.beginning import JoinRefusal, beginning_behind, unrecorded_beginning
from rta.session.client import ClientBeginning

from .simulation import Table, at, record

NONE: Mapping[str, Position] = {}


def recorded(
    start: int, upto: int, *, stream: str = "a", session_id: int = 1, held_from: Position = START
) -> RecordedRun:
    return RecordedRun(stream, session_id, at(start), at(upto), held_from)


def point(ms: int, *, stream: str = "a", session_id: int = 1) -> FlushPoint:
    return FlushPoint(stream, session_id, at(ms))


def table(stream: str = "a", session_id: int = 1, start: int = 0, position: int = 100) -> Table:
    about = record(stream=stream, session_id=session_id, start=at(start).after())
    return Table(about=about, position=at(position))


Shown = tuple[list[tuple[str, int, Position, Position, bool]], Position]


def found(
    about: Table, wanted: FlushPoint, *runs: RecordedRun, heads: Mapping[str, Position] = NONE, buffered: bool = False
) -> Shown | JoinRefusal:
    beginning = beginning_behind(wanted, runs, about.feed.state, heads, buffered)
    return shown(beginning) if isinstance(beginning, ClientBeginning) else beginning


def shown(beginning: ClientBeginning) -> Shown:
    stretches = [(s.run.stream, s.run.session_id, s.after, s.upto, s.recorded) for s in beginning.earlier]
    return stretches, beginning.after


def test_what_is_recorded_comes_from_the_archive_and_the_rest_of_the_run_from_the_buffer() -> None:
    assert found(table(), point(30), recorded(0, 80)) == ([("a", 1, at(30), at(80), True)], at(80))


def test_at_the_flush_point_only_the_buffer_has_more() -> None:
    assert found(table(), point(80), recorded(0, 80)) == ([], at(80))


def test_later_runs_are_behind_the_point_from_their_start() -> None:
    runs = [recorded(0, 40), recorded(40, 60, session_id=2), recorded(60, 80, session_id=3)]
    assert found(table(session_id=3, start=60), point(30), *runs) == (
        [("a", 1, at(30), at(40), True), ("a", 2, at(40), at(60), True), ("a", 3, at(60), at(80), True)],
        at(80),
    )


def test_the_buffer_has_the_rest_of_a_run_on_another_stream() -> None:
    runs = [recorded(0, 40), recorded(5, 80, stream="b")]
    assert found(table("b", start=5), point(30), *runs, heads={"a": at(50), "b": at(90)}) == (
        [("a", 1, at(30), at(40), True), ("a", 1, at(40), at(50), False), ("b", 1, at(5), at(80), True)],
        at(80),
    )


def test_a_mark_may_be_ahead_of_what_is_recorded() -> None:
    assert found(table(), point(90), recorded(0, 80)) == ([], at(90))


def test_where_one_run_ends_and_the_next_begins_is_one_point() -> None:
    runs = [recorded(0, 40), recorded(40, 80, session_id=2)]
    one = found(table(session_id=2, start=40), point(40), *runs)
    assert one == found(table(session_id=2, start=40), point(40, session_id=2), *runs)


def test_a_session_that_the_buffer_does_not_know_ends_with_the_archive() -> None:
    ended = table(position=80)
    beginning = beginning_behind(point(30), [recorded(0, 80)], ended.feed.state, None, False)
    assert isinstance(beginning, ClientBeginning)
    assert shown(beginning) == ([("a", 1, at(30), at(80), True)], at(80))


@pytest.mark.parametrize(
    "wanted",
    [point(30, stream="b"), point(30, session_id=2), FlushPoint("a", 1, START)],
    ids=["another stream", "another id", "before the run"],
)
def test_a_point_of_something_else_is_lost(wanted: FlushPoint) -> None:
    assert found(table(), wanted, recorded(10, 80)) is JoinRefusal.LOST


def test_a_point_that_may_be_in_two_runs_is_lost() -> None:
    runs = [recorded(0, 60), recorded(20, 80)]
    assert found(table(start=20), point(30), *runs) is JoinRefusal.LOST


def test_where_an_id_was_given_again_places_tell_the_runs_apart() -> None:
    runs = [recorded(0, 40), recorded(40, 60, session_id=2), recorded(60, 80)]
    third = table(start=0)  # by its record it begins with the stream
    assert found(third, point(30), *runs) == (
        [("a", 1, at(30), at(40), True), ("a", 2, at(40), at(60), True), ("a", 1, at(60), at(80), True)],
        at(80),
    )
    assert found(third, point(70), *runs) == ([("a", 1, at(70), at(80), True)], at(80))
    assert found(third, point(90), *runs) == ([], at(90))


def test_a_mark_ahead_of_runs_that_overlap_may_be_of_the_earlier_one() -> None:
    assert found(table(), point(90), recorded(0, 60), recorded(20, 80)) is JoinRefusal.LOST


def test_what_is_not_held_one_by_one_any_more_is_lost() -> None:
    assert found(table(), point(30), recorded(0, 80, held_from=at(40))) is JoinRefusal.LOST


def test_unless_the_buffer_still_has_the_entry_at_the_point() -> None:
    assert found(table(), point(30), recorded(0, 80, held_from=at(40)), buffered=True) == ([], at(30))


def test_a_buffer_is_not_trusted_with_a_run_that_is_over() -> None:
    runs = [recorded(0, 50, held_from=at(40)), recorded(50, 80, session_id=2)]
    assert found(table(session_id=2, start=50), point(30), *runs, buffered=True) is JoinRefusal.LOST


def test_a_run_that_the_archive_does_not_know_yet_is_waited_for() -> None:
    assert found(table(session_id=2, start=90), point(30), recorded(0, 80)) is JoinRefusal.NOT_YET


def test_a_feed_that_has_not_come_to_the_run_of_the_point_is_waited_for() -> None:
    runs = [recorded(0, 80), recorded(80, 90, session_id=2)]
    assert found(table(), point(85, session_id=2), *runs) is JoinRefusal.NOT_YET


def test_without_an_archive_the_start_of_the_run_and_what_is_buffered_can_be_begun_at() -> None:
    run = table(start=10).feed.state.run
    for ms, buffered in ((10, False), (30, True)):
        beginning = unrecorded_beginning(point(ms), run, buffered)
        assert isinstance(beginning, ClientBeginning)
        assert shown(beginning) == ([], at(ms))
    assert unrecorded_beginning(point(30), run, False) is JoinRefusal.LOST
    assert unrecorded_beginning(point(5), run, True) is JoinRefusal.LOST
    assert unrecorded_beginning(point(30, session_id=2), run, True) is JoinRefusal.LOST
