"""Boundaries of the local clock."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from rta.stream.days import Boundaries, LocalDays
from rta.wire.values import Ns

from .engine_scene import SECOND, moment
from .naive_clock import next_boundary

CHICAGO = ZoneInfo("America/Chicago")
HOUR = 3600 * SECOND


def boundaries(hours: float, zone: tzinfo) -> Boundaries:
    return Boundaries(Ns(round(hours * HOUR)), LocalDays(zone))


def of_day(hours: float, zone: tzinfo, day: str) -> list[Ns]:
    """From one midnight to the next."""
    found, days = [moment(day, zone)], LocalDays(zone)
    _, end = days.day(found[0])
    while found[-1] < end:
        found.append(Boundaries(Ns(round(hours * HOUR)), days).after(found[-1]))
    return found


def lengths(hours: float, zone: tzinfo, day: str) -> list[float]:
    return [(b - a) / HOUR for a, b in pairwise(of_day(hours, zone, day))]


def test_a_quarter_begins_on_the_quarter_hour() -> None:
    quarters = boundaries(0.25, UTC)
    assert quarters.window(moment("2026-03-01T10:07")) == (moment("2026-03-01T10:00"), moment("2026-03-01T10:15"))
    assert quarters.after(moment("2026-03-01T10:15")) == moment("2026-03-01T10:30")


def test_a_boundary_is_not_before_itself() -> None:
    hours = boundaries(1, UTC)
    assert hours.not_before(moment("2026-03-01T10:00")) == moment("2026-03-01T10:00")
    assert hours.not_before(Ns(moment("2026-03-01T10:00") + 1)) == moment("2026-03-01T11:00")


@pytest.mark.parametrize(
    ("day", "hours"), [("2018-03-11", 23), ("2018-11-04", 25), ("2018-06-01", 24), ("2018-12-31", 24)]
)
def test_a_local_day_has_as_many_windows_of_an_hour_as_it_has_hours(day: str, hours: int) -> None:
    assert lengths(1, CHICAGO, day) == [1.0] * hours


def test_a_repeated_hour_is_two_windows() -> None:
    found = of_day(1, CHICAGO, "2018-11-04")
    assert moment("2018-11-04T06:00+00:00") in found  # 01:00 CDT
    assert moment("2018-11-04T07:00+00:00") in found  # 01:00 CST
    shown = [datetime.fromtimestamp(ts // SECOND, CHICAGO).hour for ts in found[:4]]
    assert shown == [0, 1, 1, 2]


@pytest.mark.parametrize(("day", "hours"), [("2018-03-11", 23), ("2018-11-04", 25), ("2018-11-05", 24)])
def test_a_day_is_one_window_however_long_it_is(day: str, hours: int) -> None:
    assert lengths(24, CHICAGO, day) == [hours]


@pytest.mark.parametrize(
    ("hours", "day", "expected"),
    [
        (6, "2018-11-04", [7, 6, 6, 6]),
        (6, "2018-03-11", [5, 6, 6, 6]),
        (2, "2018-11-04", [3] + [2] * 11),
        (2, "2018-03-11", [2, 1] + [2] * 10),
        (0.5, "2018-11-04", [0.5] * 50),
        (0.5, "2018-03-11", [0.5] * 46),
    ],
)
def test_windows_begin_where_the_local_clock_shows_a_multiple(hours: float, day: str, expected: list[float]) -> None:
    assert lengths(hours, CHICAGO, day) == expected


def test_what_is_repeated_for_less_than_the_interval_is_one_window() -> None:
    """At Lord Howe the clock goes back by half an hour, from two to half past one."""
    assert lengths(1, ZoneInfo("Australia/Lord_Howe"), "2026-04-05") == [1, 1.5] + [1] * 22
    assert lengths(1, ZoneInfo("Australia/Lord_Howe"), "2026-10-04") == [1, 1, 0.5] + [1] * 21


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/Chicago", "2018-03-10"),
        ("America/Chicago", "2018-11-03"),
        ("Australia/Lord_Howe", "2026-04-04"),
        ("Australia/Lord_Howe", "2026-10-03"),
        ("America/Sao_Paulo", "2017-10-14"),
        ("America/Sao_Paulo", "2018-02-17"),
        ("America/Havana", "2025-11-01"),
        ("Africa/Cairo", "2026-04-23"),
        ("Asia/Kathmandu", "2026-01-01"),
    ],
)
@pytest.mark.parametrize("hours", [0.25, 0.5, 1, 1.5, 2, 3, 6, 12, 24])
def test_all_boundaries_are_where_a_look_at_the_clock_every_minute_finds_them(
    zone: str, day: str, hours: float
) -> None:
    interval, where = round(hours * HOUR), ZoneInfo(zone)
    windows, at = Boundaries(Ns(interval), LocalDays(where)), moment(day)
    end = at + 60 * HOUR
    while at < end:
        following = windows.after(at)
        assert following == next_boundary(where, interval, at)
        assert windows.window(following)[0] == following
        assert windows.window(Ns(following - 1))[1] == following
        at = following


def test_an_interval_that_does_not_divide_a_day_begins_anew_at_midnight() -> None:
    assert lengths(7, UTC, "2026-03-01") == [7, 7, 7, 3]


def test_a_zone_that_is_no_whole_hours_from_utc_has_its_own_full_hours() -> None:
    hours = boundaries(1, ZoneInfo("Asia/Kathmandu"))
    assert hours.after(moment("2026-03-01T00:00")) == moment("2026-03-01T00:15")


def test_half_an_hour_put_back_leaves_a_day_of_24_and_a_half_hours() -> None:
    assert sum(lengths(1, ZoneInfo("Australia/Lord_Howe"), "2026-04-05")) == 24.5


def test_a_day_without_midnight_begins_when_its_clock_begins() -> None:
    zone = ZoneInfo("America/Sao_Paulo")  # 00:00 -03 became 01:00 -02
    assert LocalDays(zone).day(moment("2017-10-15T12:00", zone))[0] == moment("2017-10-15T03:00+00:00")


def test_a_day_with_two_midnights_begins_with_the_first() -> None:
    zone = ZoneInfo("America/Havana")  # 01:00 -04 became 00:00 -05
    assert lengths(24, zone, "2025-11-02") == [25]
    second = moment("2025-11-02T05:30+00:00")
    assert LocalDays(zone).day(second)[0] == moment("2025-11-02T04:00+00:00")


def test_a_clock_put_back_over_midnight_leaves_the_old_day_where_it_ended() -> None:
    zone = ZoneInfo("America/St_Johns")  # at 00:01 it became 23:01 of the day before
    again = moment("2010-11-07T03:00+00:00")
    assert datetime.fromtimestamp(again // SECOND, zone).day == 6
    assert LocalDays(zone).day(again)[0] == moment("2010-11-07T02:30+00:00")


def test_the_years_before_1970_have_days_too() -> None:
    assert lengths(24, CHICAGO, "1955-04-24") == [23]


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 ns has no boundaries"):
        boundaries(0, UTC)
