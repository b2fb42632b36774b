"""Files that mean no good, or are broken in odd ways: an answer in words, in bounded time."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from csv_replay import play, problems
from rta_transports.csv import CsvOptions
from rta_transports.csv.file_lines import LINE_LIMIT
from rta_transports.csv.layout.units import split_unit
from rta_transports.csv.opening import open_file

CLOCKS = "".join(f"10:{m:02},{m}\n" for m in range(40))


@pytest.mark.parametrize(
    "text",
    [
        f"time,a\n{CLOCKS}foo:bar,1\n",
        "time,a\n" + "".join(f"0 days 00:00:{s:02},1\n" for s in range(20)) + "1" * 5000 + " days 00:00:01,2\n",
        "time,a\n" + "".join(f"PT{s}S,1\n" for s in range(20)) + "PT" + "1" * 5000 + "S,2\n",
        "t,x" + " *a" * 1500 + "\n0,1\n1,2\n",
    ],
    ids=["a colon in a word", "days of 5000 digits", "seconds of 5000 digits", "1500 stars in a title"],
)
def test_no_cell_and_no_title_is_too_odd(text):
    assert problems(text) == []
    assert play(text).error is None


def test_a_title_of_many_colons_does_not_take_long():
    start = time.process_time()
    split_unit("x, y (" + ":" * 60_000)
    assert time.process_time() - start < 1


def test_a_mark_of_wrong_bytes_is_told_as_far_as_it_can_be():
    played = play(b"time,a,b,c\n" + b"".join(b"%d,1,2,3\n" % i for i in range(20)) + b"Lap \xff,,,\n", encoding="utf-8")
    assert [text for _, _, text in played.events()] == ["Lap ?"]


def test_a_mark_that_has_a_time_is_at_that_time():
    rows = "".join(f"{i},1,2,3\n" for i in range(4))
    played = play(f"time,a,b,c\n{rows}100,Pit stop\n101,1,2,3\n", origin="file")
    assert played.events() == [(100_000_000_000, "Mark", "Pit stop")]


def test_rows_of_years_are_all_taken():
    played = play(
        "date,a\n" + "".join(f"{year}-01-31,{year}\n" for year in range(1975, 2020)), origin="file", speed=1e9
    )
    assert (len(played.values()), played.malformed) == (45, [])


def test_a_session_of_many_midnights_ends_before_its_time_does():
    text = "clock,a\n" + "00:00:00,1\n12:00:00,2\n" * 40_000
    played = play(text, speed=1e12, burst_interval=1000, kind="row")
    assert (played.error, len(played.closed)) == (None, 3)
    assert [kind for kind, _ in played.notices][-1] in ("midnight", "new_session")


def test_columns_that_change_in_a_file_that_is_sorted_are_refused():
    def run(day, titles, row):
        return titles + "".join(f"2024-01-{day:02}T00:{m:02}:00Z,{row}\n" for m in range(15))

    first, other = "time,speed,temp\n", "time,temp,speed\n"
    text = run(20, first, "1,2") + run(10, other, "2,1") + run(5, other, "2,1")
    assert "the columns are others from here on, so the rows cannot be sorted" in str(play(text, sort=True).error)


def test_a_unit_of_one_wrong_byte_is_a_unit():
    text = b"t,a\ns,\xb0C\n" + b"".join(b"%d,%d\n" % (i, i) for i in range(9)) + "# Grüße\n".encode()
    (parameter,) = play(text, encoding="utf-8", header=1, units=2).configuration.applications["csv"].parameters
    assert parameter.unit == "°C"


def test_two_options_that_say_the_same_are_one_too_many():
    (line,) = problems("t,a\n0,1\n", time_unit="ms", time_format="s")
    assert line.endswith("time_unit and time_format both say what the times are: one of them is enough")


def test_a_unit_that_changes_within_a_thing_costs_those_rows():
    rows = "".join(f"{i},a,{i},{'C' if i < 30 else 'F'}\n" for i in range(40))
    played = play(f"time,id,value,unit\n{rows}", channel="id")
    assert (len(played.values()), set(played.kinds), len(played.kinds)) == (30, {"unit"}, 10)


def read_to_the_end(table):
    while not table.ended:
        table.read()


def test_a_file_that_changes_while_it_is_played_in_another_order_is_an_outage(tmp_path):
    rows = [f"2024-01-01T{i // 60:02}:{i % 60:02}:00Z,{i}\n" for i in range(1400)]
    file = tmp_path / "newest.csv"
    file.write_text("time,a\n" + "".join(reversed(rows)))
    opened = open_file(file, CsvOptions(path="newest.csv"), None, None)
    with closing(opened.table) as table:
        while not table.read().rows:
            pass
        file.write_text("time,a\n")
        with pytest.raises(OSError, match="it has changed while it was read"):
            read_to_the_end(table)


def test_a_line_without_an_end_is_skipped_piece_by_piece(tmp_path):
    file = tmp_path / "room.csv"
    file.write_bytes(b"t,a\n" + b"".join(b"%d,%d\n" % (i, i) for i in range(100)) + bytes(40 * LINE_LIMIT))
    reads = rows = 0
    with closing(open_file(file, CsvOptions(path="room.csv")).table) as table:
        while not table.ended:
            reads, rows = reads + 1, rows + len(table.read().rows)
    assert (rows, reads > 30) == (100, True)


def test_a_cell_in_quotes_may_be_as_long_as_a_line():
    played = play('t,a,note\n0,1,"' + "x" * 200_000 + '"\n1,2,\n')
    assert (played.values(1), len(played.events()[0][2]), played.malformed) == ([1, 2], 200_000, [])
