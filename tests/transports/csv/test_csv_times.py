"""The text of a time cell becomes ns, exactly."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from csv_replay import SECOND
from rta_transports.csv.times.times import iso_times, numeric_times

from rta.ports import MalformedError, find_zone


def iso(text, zone="UTC"):
    """ns and what was noted."""
    notes = []
    return iso_times(find_zone(zone), lambda kind, detail: notes.append(kind))(text), notes


def utc(text):
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("unit", "text", "ns"),
    [
        ("s", "0", 0),
        ("s", "0.129", 129_000_000),
        ("s", " 1.5e3 ", 1500 * SECOND),
        ("s", "-2.5", -2_500_000_000),
        ("s", "1620129055.123456789", 1_620_129_055_123_456_789),
        ("s", "0.0000000014", 1),
        ("s", "0.0000000016", 2),
        ("ms", "1.5", 1_500_000),
        ("us", "1.5", 1_500),
        ("ns", "1620129055000000001", 1_620_129_055_000_000_001),
        ("s", "1e-999999999", 0),
    ],
)
def test_numbers_are_taken_in_their_unit_without_loss(unit, text, ns):
    assert numeric_times(unit)(text) == ns


@pytest.mark.parametrize("text", ["", " ", "x", "nan", "sNaN", "inf", "1_0", "1\0", "١", "12:00", "\udcff"])
def test_what_is_not_a_number_is_no_time(text):
    with pytest.raises(MalformedError, match="is not a number of s") as caught:
        numeric_times("s")(text)
    assert caught.value.kind == "time"


@pytest.mark.parametrize("text", ["3500000000.1", "-3.6e9", "1e30", "1e999999", "9" * 1000])
def test_a_time_no_timestamp_can_hold_is_refused(text):
    with pytest.raises(MalformedError, match="more than 110 years") as caught:
        numeric_times("s")(text)
    assert caught.value.kind == "time"


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2021-05-04T11:50:55Z", 1_620_129_055 * SECOND),
        ("2021-05-04T13:50:55+02:00", 1_620_129_055 * SECOND),
        (" 2021-05-04 11:50:55 ", 1_620_129_055 * SECOND),
        ("20210504T115055Z", 1_620_129_055 * SECOND),
        ("2021-05-04", 1_620_086_400 * SECOND),
        ("2021-05-04T11:50:55.1234567Z", 1_620_129_055_123_456_700),
        ("2021-05-04T11:50:55,123456789", 1_620_129_055_123_456_789),
        ("2021-05-04T11:50:55.25", 1_620_129_055_250_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
    ],
)
def test_iso_times_are_taken_to_the_nanosecond(text, ns):
    assert iso(text) == (ns, [])


@pytest.mark.parametrize("text", ["", "x", "12.5", "2021-13-01", "2021-05-04T25:00:00", "\udcff", "2021-05-04T1\0"])
def test_what_is_not_iso_is_no_time(text):
    with pytest.raises(MalformedError, match="is not in ISO 8601") as caught:
        iso(text)
    assert caught.value.kind == "time"


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31T23:59:59", "1800-01-01"])
def test_an_iso_time_no_timestamp_can_hold_is_refused(text):
    with pytest.raises(MalformedError, match="more than 110 years from 0, or from 1970"):
        iso(text, "Europe/London")


def test_a_time_without_a_zone_is_of_the_zone_that_is_set():
    assert iso("2021-01-04T12:00", "America/Chicago") == (utc("2021-01-04T18:00"), [])
    assert iso("2021-07-04T12:00", "America/Chicago") == (utc("2021-07-04T17:00"), [])


def test_a_time_with_a_zone_is_of_its_own():
    assert iso("2021-01-04T12:00Z", "America/Chicago") == (utc("2021-01-04T12:00"), [])


def test_an_ambiguous_time_is_the_first_and_is_noted():
    assert iso("2021-11-07T01:30", "America/Chicago") == (utc("2021-11-07T06:30"), ["ambiguous_time"])


def test_a_time_that_never_was_is_an_hour_later_and_is_noted():
    ns, notes = iso("2021-03-14T02:30", "America/Chicago")
    assert (ns, []) == iso("2021-03-14T03:30", "America/Chicago")
    assert notes == ["skipped_time"]
