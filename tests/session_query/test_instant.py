"""Moments as texts, exact to the nanosecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.session_query import read_instant

AT = 1_620_323_936_202_890_000


@pytest.mark.parametrize(
    "text",
    [
        "2021-05-06T18:58:56.20289+01:00",
        "2021-05-06T17:58:56.20289Z",
        "2021-05-06t17:58:56.202890000z",
        "2021-05-06 17:58:56,20289",
        "2021-05-06T12:28:56.20289-0530",
        "2021-05-06T20:58:56.20289+03",
    ],
)
def test_one_moment_has_many_texts(text: str) -> None:
    assert read_instant(text) == AT


def test_no_digit_is_lost() -> None:
    assert read_instant("1970-01-01T00:00:00.123456789Z") == 123_456_789
    assert read_instant("1969-12-31T23:59:59.999999999Z") == -1
    assert read_instant("1970-01-01T00:01Z") == 60 * 10**9


@pytest.mark.parametrize(
    "text",
    [
        *("", "17", "2021", "2021-13-01T00:00:00Z", "2021-02-30T00:00:00Z", "2021-05-06T25:00:00Z", "2021-05-06T", "x"),
        *("2021-05-06T17:58:56Z ", "٢٠٢١-05-06T17:58:56Z", "2021-05-06T17:58:56.Z", "2021-05-06T17:58:56+24"),
        *("2021-05-06T17:58:56+00:60", "2021-05-06T17:58:60Z"),
    ],
)
def test_what_is_none_is_none(text: str) -> None:
    assert read_instant(text) is None


def test_a_date_alone_is_its_beginning_if_it_may_be() -> None:
    assert read_instant("1970-01-02") is None
    assert read_instant("1970-01-02", bare_date=True) == 86400 * 10**9


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_it_reads_what_python_writes(at: datetime, minutes: int) -> None:
    moment = at.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert read_instant(moment.isoformat()) == expected
