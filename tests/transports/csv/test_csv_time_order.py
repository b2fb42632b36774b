"""Time that goes back: midnight, roll-over, appended runs, wrong and late rows; and what the setting makes of them."""

from __future__ import annotations

import random

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from rta_transports.csv.rows import Row
from rta_transports.csv.times.time_formats import TimeScale
from rta_transports.csv.times.time_order import LEFT_OUT, TimeOrder

SECOND = 10**9
DAY = 86400
EPOCH, CLOCK, ELAPSED = TimeScale.EPOCH, TimeScale.DAY, TimeScale.ELAPSED
QUICK = settings(max_examples=examples(150), deadline=None)
NOW = 1_700_000_000


def order(times, scale=ELAPSED, on_back="auto", unit=SECOND, headers=(), batch=1024):
    """Sessions as lists of times in counts of the unit, and kind and line of each report; a row's value is its line."""
    told = []
    unit_ns = 0 if scale is CLOCK else unit
    ordered = TimeOrder(scale, unit_ns, on_back, lambda kind, line, detail: told.append((kind, line)))
    rows = [Row(round(time * unit), [line], line) for line, time in enumerate(times)]
    cuts = sorted({0, *headers, *range(0, len(rows), batch)})
    segments = []
    for begin, end in zip(cuts, [*cuts[1:], len(rows)], strict=True):
        segments += ordered.feed(rows[begin:end], after_header=begin in headers)
    segments += ordered.end()
    sessions = [[]]
    for segment in segments:
        if segment.begins:
            sessions.append([])
        sessions[-1] += segment.rows
    for session in sessions:
        assert all(row.values == [row.line] for row in session)
    left_out = sum(kind == LEFT_OUT for kind, _ in told)
    assert left_out + sum(map(len, sessions)) == len(rows)
    return [[row.time / unit for row in session] for session in sessions], told


def steps(begin, end, step=1):
    """Times from begin up to end."""
    return [round(begin + i * step, 9) for i in range(round((end - begin) / step))]


class TestInOrder:
    @pytest.mark.parametrize("batch", [1, 7, 1024])
    def test_rows_go_out_as_they_came(self, batch):
        assert order(steps(0, 3000, 0.5), batch=batch) == ([steps(0, 3000, 0.5)], [])

    def test_equal_times_and_long_gaps_are_fine(self):
        times = [0, 0, 1, 1, 2, 90_000, 90_001, 90_001, 8_000_000, 8_000_001]
        assert order(times) == ([times], [])
        months = [NOW, NOW + 900, NOW + 900, NOW + 30 * DAY, NOW + 30 * DAY + 900, NOW + 200 * DAY]
        assert order(months, EPOCH) == ([months], [])

    def test_only_a_few_rows_are_held_back(self):
        ordered = TimeOrder(ELAPSED, SECOND, "auto", lambda *_: None)
        fed = [Row(i, [i], i) for i in range(1000)]
        assert sum(len(segment.rows) for segment in ordered.feed(fed)) >= 960

    def test_no_rows_are_no_segments(self):
        ordered = TimeOrder(ELAPSED, SECOND, "auto", lambda *_: None)
        assert [*ordered.feed([], after_header=True), *ordered.feed([]), *ordered.end()] == []


class TestMidnight:
    @pytest.mark.parametrize("step", [0.01, 1, 60, 900, 3600, 21_600, 43_200])
    @pytest.mark.parametrize("begin", [0, 7 * 3600, 86_000])
    def test_a_clock_carries_on_over_midnight(self, step, begin):
        begin -= begin % step
        end = max(begin + 2 * step, 2.5 * DAY) if step >= 60 else DAY + 100 * step
        begin = begin if step >= 60 else DAY - 100 * step
        true = steps(begin, end, step)
        sessions, told = order([time % DAY for time in true], CLOCK)
        assert sessions == [pytest.approx(true)]
        assert {kind for kind, _ in told} == {"midnight"}

    def test_two_rows_on_each_side_are_enough(self):
        sessions, told = order([0.04, 0.1, 86399.99, 0.05], CLOCK)
        assert (sessions, told) == ([[0.04, 0.1, 86399.99, 86400.05]], [("midnight", 3)])

    def test_a_late_row_from_before_midnight_is_of_the_day_before(self):
        sessions, told = order([86399, 86399.9, 0.1, 86399.95, 0.2, 0.3], CLOCK)
        assert sessions == [[86399, 86399.9, 86400.1, 86399.95, 86400.2, 86400.3]]
        assert told == [("midnight", 2), ("late", 3)]

    @pytest.mark.parametrize("wrong", [0, 86_399])
    def test_a_wrong_row_is_no_midnight(self, wrong):
        times = [*steps(36_000, 36_040), wrong, *steps(36_040, 36_080)]
        assert order(times, CLOCK) == ([steps(36_000, 36_080)], [(LEFT_OUT, 40)])

    def test_a_run_that_begins_earlier_the_same_day_is_a_session(self):
        times = [*steps(54_000, 54_100), *steps(50_000, 50_100)]
        assert order(times, CLOCK) == ([times[:100], times[100:]], [("new_session", 100)])


class TestRollOver:
    @QUICK
    @given(
        st.sampled_from([1, 10**3, 10**6, SECOND]), st.sampled_from([*(2**bits for bits in (16, 24, 31, 32)),
        *(10**k for k in range(4, 11))]), st.integers(1, 40), st.integers(2, 60), st.integers(0, 39), st.booleans(),
        st.sampled_from([5, 1024]),
    )  # fmt: skip
    def test_a_counter_of_any_width_carries_on(self, unit, width, step, rows, offset, signed, batch):
        signed = signed and width == 2**32
        begin = width - rows * step + offset % step
        true = [begin + i * step for i in range(2 * rows)]
        limit = width // 2 if signed else width
        true = [time - width // 2 for time in true] if signed else true
        counts = [time - width if time >= limit else time for time in true]
        sessions, told = order(counts, unit=unit, batch=batch)
        assert sessions == [true]
        assert [kind for kind, _ in told] == ["roll_over"]

    def test_32_bits_of_ms_are_known_in_seconds(self):
        true = steps(4_294_960, 4_294_975, 0.5)
        times = [time if time < 4_294_967.296 else time - 4_294_967.296 for time in true]
        assert order(times)[0] == [pytest.approx(true)]

    @pytest.mark.parametrize("width", [3600, 86_400, 604_800])
    def test_seconds_of_the_hour_the_day_and_the_week_carry_on(self, width):
        true = steps(width - 50, width + 50)
        assert order([time % width for time in true])[0] == [true]

    def test_minutes_of_an_hour_carry_on(self):
        true = steps(3590, 3610, 0.1)
        reports = []
        ordered = TimeOrder(ELAPSED, 0, "auto", lambda kind, *_: reports.append(kind))
        rows = [Row(round(time % 3600 * SECOND), [1], 0) for time in true]
        out = [row.time / SECOND for segment in [*ordered.feed(rows), *ordered.end()] for row in segment.rows]
        assert (out, reports) == (pytest.approx(true), ["roll_over"])

    def test_it_does_so_again_and_again(self):
        true = list(range(0, 400_000, 40))
        sessions, told = order([time % 65_536 for time in true], unit=1000)
        assert (sessions, len(told)) == ([true], 6)

    def test_no_session_of_49_days(self):
        times = [4_294_967_000, 4_294_967_200, 104, 304]
        sessions, _ = order(times, unit=10**6)
        assert max(sessions[0]) - min(sessions[0]) < 1000


class TestAnew:
    @pytest.mark.parametrize("rows", [3, 10, 33, 500])
    @pytest.mark.parametrize("header", [False, True])
    def test_an_appended_run_is_a_session(self, rows, header):
        run = steps(0, rows / 10, 0.1)
        sessions, told = order([*run, *run, *run], headers=(rows, 2 * rows) if header else ())
        assert sessions == [run, run, run]
        assert told == [("new_session", rows), ("new_session", 2 * rows)]

    def test_a_run_may_be_cut_short(self):
        assert order([0, 0.1, 0.2, 0, 0.1])[0] == [[0, 0.1, 0.2], [0, 0.1]]

    def test_a_header_that_stands_again_without_a_new_time_is_nothing(self):
        assert order(steps(0, 100), headers=(50,)) == ([steps(0, 100)], [])

    def test_a_single_row_behind_a_header_is_a_session(self):
        assert order([0, 1, 2, 1], headers=(3,)) == ([[0, 1, 2], [1]], [("new_session", 3)])

    def test_a_clock_that_is_set_back_far_begins_a_session(self):
        times = [*steps(NOW, NOW + 100), *steps(NOW - 5000, NOW - 4900)]
        assert order(times, EPOCH) == ([times[:100], times[100:]], [("new_session", 100)])

    def test_a_clock_that_is_set_by_years_begins_a_session(self):
        times = [*steps(0, 100), *steps(NOW, NOW + 100)]
        assert order(times, EPOCH) == ([times[:100], times[100:]], [("new_session", 100)])


class TestWrong:
    @pytest.mark.parametrize("wrong", [[99_999.5], [-99_999.5], [0], [7e5, 8e5, 7.5e5]])
    @pytest.mark.parametrize("place", [1, 5, 40, 99])
    def test_a_row_that_is_far_off_is_left_out(self, wrong, place):
        good = steps(1000, 1100)
        sessions, told = order([*good[:place], *wrong, *good[place:]])
        assert (sessions, told) == ([good], [(LEFT_OUT, place + i) for i in range(len(wrong))])

    def test_the_first_row_may_be_the_wrong_one(self):
        assert order([7e5, *steps(0, 50)]) == ([steps(0, 50)], [(LEFT_OUT, 0)])
        assert order([4e9, *steps(NOW, NOW + 50)], EPOCH) == ([steps(NOW, NOW + 50)], [(LEFT_OUT, 0)])

    def test_a_clock_that_is_not_set_yet_is_left_out(self):
        assert order([0, 1, *steps(NOW, NOW + 9)], EPOCH) == ([steps(NOW, NOW + 9)], [(LEFT_OUT, 0), (LEFT_OUT, 1)])

    def test_what_has_no_order_is_left_out_and_not_sent_at_once(self):
        times = steps(0, 3000)[::-1]
        _, told = order(times)
        assert sum(kind == LEFT_OUT for kind, _ in told) > 2900


class TestLate:
    def test_rows_a_little_late_are_taken_as_they_are(self):
        assert order([0, 2, 1, 1, 3]) == ([[0, 2, 1, 1, 3]], [("late", 2), ("late", 3)])

    @QUICK
    @given(
        st.integers(0, 2**32), st.integers(40, 300), st.integers(1, 6), st.sampled_from([0.1, 1, 900]), st.booleans()
    )
    def test_any_order_with_a_little_lateness_loses_nothing(self, seed, rows, by, step, small):
        shuffled = random.Random(seed)
        places = sorted(range(rows), key=lambda i: i + shuffled.uniform(0, by))
        times = [NOW + i * step for i in places]
        sessions, told = order(times, EPOCH, batch=10 if small else 1024)
        assert [time for session in sessions for time in session] == times
        assert not any(kind == LEFT_OUT for kind, _ in told)

    @QUICK
    @given(st.lists(st.integers(0, 2**40), max_size=80), st.sampled_from([ELAPSED, CLOCK, EPOCH]),
           st.sampled_from(["auto", "continue", "session", "skip", "keep"]))  # fmt: skip
    def test_every_row_is_taken_or_told(self, times, scale, on_back):
        order([time % (DAY * 10**6) if scale is CLOCK else time for time in times], scale, on_back, unit=1000)


MIDNIGHT = [*steps(DAY - 50, DAY), *steps(0, 50)]
AGAIN = [*steps(0, 50), *steps(0, 50)]
LATE = [0, 1, 3, 2, 4, 5]


class TestSettings:
    @pytest.mark.parametrize(
        ("on_back", "midnight", "again", "late"),
        [
            ("auto", [steps(DAY - 50, DAY + 50)], [steps(0, 50), steps(0, 50)], [LATE]),
            ("continue", [steps(DAY - 50, DAY + 50)], [steps(0, 100)], [LATE]),
            ("session", [MIDNIGHT[:50], MIDNIGHT[50:]], [steps(0, 50), steps(0, 50)], [LATE]),
            ("skip", [MIDNIGHT[:50]], [[*steps(0, 50), 49]], [[0, 1, 3, 4, 5]]),
            ("keep", [MIDNIGHT], [AGAIN], [LATE]),
        ],
    )
    def test_a_setting_says_what_becomes_of_the_rows(self, on_back, midnight, again, late):
        assert order(MIDNIGHT, CLOCK, on_back)[0] == midnight
        assert order(AGAIN, ELAPSED, on_back)[0] == again
        assert order(LATE, ELAPSED, on_back)[0] == late

    @pytest.mark.parametrize("on_back", ["auto", "continue", "session", "skip", "keep"])
    def test_that_time_goes_back_is_told_with_its_line(self, on_back):
        for times, scale in ((MIDNIGHT, CLOCK), (AGAIN, ELAPSED)):
            assert order(times, scale, on_back)[1][0][1] == 50

    def test_the_way_back_is_said_in_seconds(self):
        details = []
        ordered = TimeOrder(CLOCK, 0, "auto", lambda *told: details.append(told))
        ordered.feed(
            [Row(round(time * SECOND), [1], line) for line, time in enumerate([86399.5, 86399.75, 0, 0.25], 1)]
        )
        ordered.end()
        assert details == [("midnight", 3, "the time goes back by 86399.75 s; carried on over midnight")]
