"""What is malformed is left out and counted, and nothing else is lost."""

from __future__ import annotations

import math

import pytest
from csv_replay import NOW, SECOND, play
from rta_transports.csv.file_lines import LINE_LIMIT

from rta.wire import SampleType


def test_blank_cells_are_no_samples_and_no_fault():
    played = play("t,a,b\n0,,1\n1,2, \n2,,\n3,3,3\n")
    assert (played.values(1), played.values(2), played.malformed) == ([2, 3], [1, 3], [])


def test_blank_lines_are_nothing():
    played = play("\n \nt,a\n\n0,1\n  \n1,2\n\n")
    assert (played.values(), played.malformed) == ([1, 2], [])


def test_a_cell_that_is_no_number_costs_that_cell_only():
    played = play("t,a,b\n0,1,0x1\n1,1_0,2\n")
    assert (played.values(1), played.values(2), played.kinds) == ([1], [2], ["cell", "cell"])


def test_a_fault_says_where_it_is():
    played = play("\nt,a,RPM (rpm)\n0,1,2\n\n1,1,1_0\n")
    assert [detail.split("drive.csv")[1] for _, detail in played.malformed] == [
        ": line 5: column 'RPM (rpm)': '1_0' is not a number"
    ]


def test_faults_are_reported_for_the_source():
    played = play("t,a\n0,1\n1,1_0\n", identity="one")
    assert played.kinds == ["cell"]
    assert played.closed[0].identity == "one"


def test_a_number_outside_its_integer_type_costs_that_cell_only():
    played = play("t,a,b\n0,256,1\n1,255,2\n2,-1,3\n", types={"a": SampleType.U8})
    assert (played.values(1), played.values(2), played.kinds) == ([255], [1, 2, 3], ["range", "range"])


def test_nan_and_inf_are_samples():
    played = play("t,a\n0,inf\n1,-inf\n2,nan\n")
    assert played.values()[:2] == [math.inf, -math.inf]
    assert math.isnan(played.values()[2])
    assert played.malformed == []


@pytest.mark.parametrize("time", ["", " ", "x", "nan", "inf", "1e30", "1:30", "\0"])
def test_a_row_without_a_time_is_left_out(time):
    played = play(f"t,a\n0,1\n{time},2\n2,3\n")
    assert (played.values(), played.kinds) == ([1, 3], ["time"])


@pytest.mark.parametrize("row", ["1", "1,2,3", "1;2"])
def test_a_row_with_another_number_of_cells_is_left_out(row):
    played = play(f"t,a\n0,1\n{row}\n2,3\n")
    assert (played.values(), played.kinds) == ([1, 3], ["row"])


def test_a_row_that_was_cut_off_at_the_end_is_left_out():
    played = play("t,a,b\n0,1,2\n1,2")
    assert (played.values(1), played.kinds) == ([1], ["row"])


def test_the_last_line_needs_no_end():
    assert play("t,a\n0,1\n1,2").values() == [1, 2]


def test_nul_bytes_cost_their_cell_only():
    played = play("t,a,b\n0,1\0,2\n1,3,4\n")
    assert (played.values(1), played.values(2), played.kinds) == ([3], [2, 4], ["cell"])


def test_bytes_that_are_not_utf_8_cost_their_cell_only():
    played = play(b"t,a,b\n0,\xff1,2\n1,3,4\n", encoding="utf-8")
    assert (played.values(1), played.values(2), played.kinds) == ([3], [2, 4], ["cell"])
    assert played.malformed[0][1].isprintable()


@pytest.mark.parametrize("row", ['1,"2', '1,"2"3', '"1,2', '1,"'])
def test_a_quote_that_is_not_closed_costs_one_row(row):
    played = play(f"t,a\n0,1\n{row}\n2,3\n3,4\n")
    assert (played.values(), played.kinds) == ([1, 3, 4], ["quotes"])


def test_quoted_cells_are_read():
    played = play('"t","a, b (V)"\n"0","1"\n1, "2"\n')
    assert played.values() == [1, 2]
    assert played.configuration.applications["csv"].channels[0].name == "a, b"


def test_a_quote_within_a_cell_costs_that_cell_only():
    played = play('t,a,b\n0,5",1\n' + "1,2,3\n" * 20, types={"a": SampleType.F64})
    assert (played.values(1), played.kinds) == ([2] * 20, ["cell"])


@pytest.mark.parametrize("more", [0, 1, LINE_LIMIT, 2 * LINE_LIMIT + 5])
def test_a_line_that_is_too_long_costs_one_row(more):
    long = "1," + "2" * (LINE_LIMIT - 1 + more)
    played = play(f"t,a\n0,1\n{long}\n2,1_0\n3,4\n")
    assert (played.values(), played.kinds) == ([1, 4], ["line", "cell"])
    assert "line 4: " in played.malformed[1][1]


def test_a_line_of_just_the_limit_is_taken():
    spaces = " " * (LINE_LIMIT - 3)
    assert play(f"t,a\n0,1\n1,2{spaces}\n2,3").values() == [1, 2, 3]


def test_a_file_that_ends_in_a_line_that_is_too_long_ends():
    played = play("t,a\n0,1\n" + "2" * (LINE_LIMIT + 1))
    assert (played.values(), played.kinds) == ([1], ["line"])


def test_times_may_go_back_and_are_delivered_at_once():
    played = play("t,a\n0,1\n2,2\n1,3\n-1,4\n2.5,5\n", on_time_back="keep")
    assert played.timestamps() == [NOW + round(t * SECOND) for t in (0, 2, 1, -1, 2.5)]
    assert played.deliveries() == [0, 2, 2, 2, 2.5]
    assert (played.malformed, [kind for kind, _ in played.notices]) == ([], ["time_back"] * 2)
    assert played.closed[0].span.start == NOW - SECOND


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_system(end):
    played = play(end.join(["t,a", "0,1", "1,2", ""]))
    assert (played.values(), played.malformed) == ([1, 2], [])


def test_a_byte_order_mark_is_no_part_of_the_header():
    assert play(b"\xef\xbb\xbft,a\n0,1\n", time_column="t").values() == [1]


def test_a_header_that_is_not_utf_8_is_taken_as_latin_1():
    played = play("t,Temp (°C)\n0,21\n".encode("latin-1"))
    assert played.configuration.applications["csv"].parameters[0].unit == "°C"


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_cells_may_be_separated_otherwise(delimiter):
    played = play('t,"a",b\n0,1,2\n1,"3",4\n'.replace(",", delimiter), delimiter=delimiter)
    assert (played.values(1), played.values(2), played.malformed) == ([1, 3], [2, 4], [])


def test_a_table_without_a_single_good_row_is_no_session():
    played = play("t,a\nx,1\n", loop=True, time_column="t", time_unit="s")
    assert (played.updates, played.kinds, played.error) == ([], ["time"], None)


def test_the_first_sample_defines_the_start():
    played = play("t,a\nx,0\n3,\n5,1\n6,2\n")
    assert (played.timestamps(), played.deliveries()) == ([NOW, NOW + SECOND], [0, 1])
