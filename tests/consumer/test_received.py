"""Numbers: what is new, what is a double, what is missing."""

from __future__ import annotations

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.consumer.events import StatusEntry
from rta.consumer.received import REMEMBERED, Placement, Received
from rta.wire.values import Ns


def entry(seq: int | None, ts: int | None = None) -> StatusEntry:
    return StatusEntry(Ns((seq or 0) if ts is None else ts), seq, {})


def live(received: Received, *numbers: int) -> list[Placement]:
    return [received.live(entry(n), retained=False).place for n in numbers]


FIRST, NEWEST, DOUBLE, EARLIER = Placement.FIRST, Placement.NEWEST, Placement.DOUBLE, Placement.EARLIER


def test_numbers_that_rise_by_one_are_new():
    assert live(Received(), 4, 5, 6) == [FIRST, NEWEST, NEWEST]


def test_a_jump_is_a_gap_between_two_entries():
    received = Received()
    live(received, 1)
    gap = received.live(entry(5), retained=False).opened
    assert gap is not None
    assert (gap.after_seq, gap.before_seq, gap.since, gap.until, gap.missing) == (1, 5, 1, 5, 3)


def test_the_first_entry_ever_heard_is_no_gap():
    assert Received().live(entry(50), retained=True).opened is None


def test_what_comes_twice_is_a_double_however_it_comes():
    received = Received()
    assert live(received, 1, 2, 1, 2) == [FIRST, NEWEST, DOUBLE, DOUBLE]
    assert received.live(entry(2), retained=True).place is DOUBLE
    assert received.late(entry(1), "replay").place is DOUBLE


def test_a_double_is_known_long_after():
    received = Received()
    live(received, *range(1, 10 * REMEMBERED))
    assert live(received, 3) == [DOUBLE]
    assert received.late(entry(5), "history").place is DOUBLE
    assert received.live(entry(7), retained=True).place is DOUBLE


def test_a_lower_number_at_a_later_time_is_another_run():
    received = Received()
    live(received, 1, 2, 3)
    taken = received.live(entry(1, 10), retained=False)
    assert (taken.place, taken.opened) == (FIRST, None)


def test_a_run_whose_beginning_was_missed_has_a_gap_there():
    received = Received()
    live(received, 1, 2, 3)
    gap = received.live(entry(2, 12), retained=False).opened
    assert gap is not None
    assert (gap.after_seq, gap.before_seq, gap.since, gap.until) == (0, 2, 3, 12)


def test_after_a_stop_higher_numbers_are_of_another_run_too():
    received = Received()
    live(received, 1, 2)
    received.stopped()
    taken = received.live(entry(9, 20), retained=False)
    assert (taken.place, taken.opened) == (FIRST, None)


def test_after_a_stop_a_lower_number_than_the_last_has_a_gap_before_it():
    received = Received()
    live(received, 1, 2, 3)
    received.stopped()
    opened = received.live(entry(2, 20), retained=False).opened
    assert opened is not None
    assert (opened.after_seq, opened.before_seq) == (0, 2)


def test_a_stream_that_never_counts_from_1_has_lost_nothing_when_it_begins_anew():
    received = Received()
    for start, stopped in enumerate([True, False, True, False]):
        taken = [received.live(entry(17 + n, 100 * start + n), retained=False) for n in range(3)]
        assert [t.place for t in taken] == [FIRST, NEWEST, NEWEST]
        if stopped:
            received.stopped()
    assert received.gaps == []


def test_a_stream_that_goes_on_counting_over_a_stop_still_has_gaps_of_its_own():
    received = Received()
    live(received, 1, 2)
    received.stopped()
    assert live(received, 3, 4) == [NEWEST, NEWEST]
    opened = received.live(entry(7, 7), retained=False).opened
    assert opened is not None
    assert (opened.after_seq, opened.before_seq) == (4, 7)


def test_what_is_sent_just_before_a_stop_may_come_behind_it():
    received = Received()
    live(received, 1, 2)
    received.stopped()
    assert live(received, 3) == [NEWEST]
    assert received.live(entry(1, 20), retained=False).place is FIRST


def test_a_clock_that_is_set_back_does_not_stop_the_numbers():
    received = Received()
    live(received, 1, 2)
    assert received.live(entry(3, -500), retained=False).place is NEWEST


def test_a_gap_over_a_clock_that_is_set_back_is_filled_by_its_numbers():
    received = Received()
    live(received, *range(1, 2 * REMEMBERED))
    missed = [entry(n, n - REMEMBERED) for n in range(2 * REMEMBERED, 4 * REMEMBERED)]
    received.live(entry(4 * REMEMBERED, 10), retained=False)
    assert {received.late(e, "replay").place for e in missed} == {EARLIER}
    assert [g.missing for g in received.gaps] == [0]
    assert {received.late(e, "replay").place for e in missed} == {DOUBLE}


def test_a_clock_that_was_away_for_a_while_within_a_gap_loses_nothing():
    received = Received()
    live(received, *range(1001, 1001 + 2 * REMEMBERED))
    first = 1001 + 2 * REMEMBERED
    received.live(entry(first + 100, first + 100), retained=False)
    missed = [entry(n, n - REMEMBERED) for n in range(first, first + 100)]
    assert {received.late(e, "replay").place for e in missed} == {EARLIER}


def test_a_run_after_the_clock_was_set_back_is_found_out():
    received = Received()
    live(received, 100, 101)
    assert received.live(entry(1, 5), retained=False).place is FIRST
    received = Received()
    live(received, 100, 101)
    places = [received.live(entry(n, n), retained=False).place for n in (7, 8, 9)]
    assert places == [EARLIER, FIRST, NEWEST]


def test_entries_out_of_order_fill_the_gap_they_made():
    received = Received()
    live(received, 1, 4)
    assert live(received, 3, 2, 5) == [EARLIER, EARLIER, NEWEST]
    assert [g.missing for g in received.gaps] == [0]


def test_without_numbers_everything_new_is_new():
    received = Received()
    assert [received.live(entry(None, t), retained=False).place for t in (1, 2, 2)] == [NEWEST, NEWEST, DOUBLE]
    assert received.gaps == []


def test_a_replay_that_comes_before_what_is_live_leads_on():
    received = Received()
    live(received, 1)
    assert received.late(entry(2), "replay").place is NEWEST
    assert live(received, 3) == [NEWEST]
    assert received.gaps == []


def test_numbers_twice_within_a_gap_are_told_apart_by_their_order():
    received = Received()
    live(received, 1)
    received.live(entry(4, 40), retained=False)
    # The stream went on to 2, began anew, and came to 3 before we heard of it again.
    fetched = [entry(2, 2), entry(1, 10), entry(2, 20), entry(3, 30)]
    assert [received.late(e, "history").place for e in fetched] == [EARLIER] * 4


ENTRIES = st.sampled_from(["live", "twice", "lost", "late", "late twice"])


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.tuples(st.lists(ENTRIES, min_size=1, max_size=12), st.booleans()), min_size=1, max_size=4))
def test_every_entry_that_comes_is_new_once_and_what_is_missing_is_known(runs):
    received = Received()
    ts, new, late, came = 0, [], [], []
    for fates, told in runs:
        for seq, fate in enumerate(fates, 1):
            ts += 10
            event = entry(seq, ts)
            if fate != "lost":
                came.append(event)
            for _ in range({"live": 1, "twice": 2}.get(fate, 0)):
                if received.live(event, retained=False).place is not DOUBLE:
                    new.append(event)
            if fate.startswith("late"):
                late += [event] * (2 if fate == "late twice" else 1)
        if told:
            received.stopped()
    for event in late:
        if received.late(event, "history").place is not DOUBLE:
            new.append(event)
    assert sorted(new, key=lambda e: e.ts) == came
    if len(runs) == 1:
        fates = runs[0][0]
        heard = [i for i, fate in enumerate(fates) if fate in ("live", "twice")]
        between = fates[heard[0] : heard[-1]] if heard else []
        assert sum(g.missing for g in received.gaps) == between.count("lost")


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["live", "retained", "late", "stop", "close"]),
            st.none() | st.integers(0, 12) | st.just((1 << 63) - 1),
            st.integers(-5, 30),
        ),
        max_size=60,
    )
)
def test_whatever_numbers_come_nothing_breaks(steps):
    received = Received()
    for what, seq, ts in steps:
        if what == "stop":
            received.stopped()
        elif what == "close":
            for gap in [*received.gaps]:
                received.close(gap)
        elif what == "late":
            received.late(entry(seq, ts), "replay")
        else:
            received.live(entry(seq, ts), retained=what == "retained")
        assert all(g.after_seq < g.before_seq and g.missing >= 0 for g in received.gaps)
