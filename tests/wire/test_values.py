"""Time ranges: both ends inclusive, and only ever expanding what is known."""

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.wire import TimeRange

times = st.integers(-(2**63), 2**63 - 1)
ranges = st.tuples(times, times).map(lambda t: TimeRange(min(t), max(t)))


@given(st.lists(ranges, min_size=1, max_size=5))
@settings(deadline=None, max_examples=examples(50))
def test_the_union_reaches_from_the_smallest_start_to_the_largest_end(known: list[TimeRange]) -> None:
    assert TimeRange.union_of(*known) == TimeRange(min(r.start for r in known), max(r.end for r in known))


def test_what_is_not_known_adds_nothing() -> None:
    assert TimeRange.union_of(None, TimeRange(3, 4), None) == TimeRange(3, 4)
    assert TimeRange(3, 4).union(None) == TimeRange(3, 4)


def test_nothing_known_is_no_range() -> None:
    assert TimeRange.union_of() is TimeRange.union_of(None, None) is None


def test_a_range_of_one_instant_is_a_range() -> None:
    assert TimeRange.union_of(TimeRange(0, 0)) == TimeRange(0, 0)
