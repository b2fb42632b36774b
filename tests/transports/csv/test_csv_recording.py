"""What stands before the rows becomes details of the session, and its time where the rows have none."""

from __future__ import annotations

import pytest
from csv_replay import NOW, SECOND, play, problems

HEAD = '"Vehicle","Car 1"\n"Racer","A. Smith"\n"Date","Sunday, March 10, 2024"\n"Time","10:22 AM"\n\n'
ROWS = '"Time","RPM"\n"s","rpm"\n"0.5","900"\n"1.0","950"\n'
START = 1_710_066_120 * SECOND
"""2024-03-10T10:22Z."""


def test_facts_are_details_of_the_session():
    (session,) = play(HEAD + ROWS).opened
    assert session.details == {
        "Vehicle": "Car 1",
        "Racer": "A. Smith",
        "Date": "Sunday, March 10, 2024",
        "Time": "10:22 AM",
    }


def test_details_that_are_set_come_before_them():
    (session,) = play(HEAD + ROWS, details={"Racer": "B"}).opened
    assert session.details["Racer"] == "B"


def test_facts_do_not_take_the_place_of_what_the_session_says_of_its_time():
    (session,) = play("time: noon\n\nt,a\n0,1\n1,2\n", speed=2).opened
    assert session.details == {"Time": "noon", "time": "kept", "speed": 2, "delay": 0.1}


def test_times_of_the_file_stay_as_they_are_and_the_session_says_when_it_was_recorded():
    played = play(HEAD + ROWS, origin="file")
    assert played.timestamps() == [500_000_000, SECOND]
    assert played.opened[0].timestamp == "2024-03-10T10:22:00.500000+00:00"


def test_times_can_be_counted_from_the_moment_that_the_file_names():
    played = play(HEAD + ROWS, origin="recording")
    assert played.timestamps() == [START + 500_000_000, START + SECOND]
    assert play(HEAD + ROWS, origin="recording", timezone="Europe/Berlin").timestamps()[0] == played.timestamps()[0] - (
        3600 * SECOND
    )


def test_a_clock_without_a_date_is_of_the_day_that_the_file_names():
    text = "Date: 10.03.2024\nDriver: A\n\nClock,RPM\n10:22:00.5,900\n10:22:01.0,950\n"
    assert play(text, origin="recording").timestamps() == [START + 500_000_000, START + SECOND]


def test_rows_that_have_dates_need_no_moment():
    text = "Date: 01.01.1999\n\nt,a\n2024-03-10T10:22:00Z,1\n2024-03-10T10:22:01Z,2\n"
    assert play(text, origin="recording").timestamps() == [START, START + SECOND]


def test_what_the_file_says_of_its_time_is_taken_where_it_says_something():
    assert play(HEAD + ROWS, origin="auto").timestamps() == play(HEAD + ROWS, origin="recording").timestamps()
    dated = "t,a\n2024-03-10T10:22:00Z,1\n2024-03-10T10:22:01Z,2\n"
    assert play(dated, origin="auto").timestamps() == [START, START + SECOND]
    for head in ("", "Date: 03/04/2024\nTime: 10:22:00\n\n"):  # nothing, and what may be read in two ways
        played = play(head + ROWS.replace('"', ""), origin="auto")
        assert (problems(head + ROWS.replace('"', ""), origin="auto"), played.timestamps()[0]) == ([], NOW)


def test_timestamps_of_now_are_the_default():
    assert play(HEAD + ROWS).timestamps() == [NOW, NOW + SECOND // 2]


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("Vehicle: Car 1\n\n", "the file does not say when it was recorded"),
        ("Date: 03/04/2024\nTime: 10:22:00\n\n", "may be day first or month first (03/04/2024)"),
    ],
)
def test_a_moment_that_is_needed_and_not_clear_is_a_problem(head, reason):
    (line,) = problems(head + ROWS.replace('"', ""), origin="recording")
    assert 'origin = "recording": ' in line
    assert reason in line
    assert problems(head + ROWS.replace('"', "")) == []
