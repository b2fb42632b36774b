"""The text of a cell becomes a sample, or is refused with a reason."""

from __future__ import annotations

import math

import pytest
from rta_transports.csv.cells import parser
from rta_transports.csv.contents import Content, content_of
from rta_transports.csv.layout.number_format import NumberFormat

from rta.ports import MalformedError
from rta.wire import SampleType, encode_samples

F32, F64, U8, S16, U32 = (SampleType(t) for t in ("f32", "f64", "u8", "s16", "u32"))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (F64, "1.5", 1.5),
        (F64, " -0.25 ", -0.25),
        (F64, "+1e3", 1000.0),
        (F64, ".5", 0.5),
        (F64, "inf", math.inf),
        (F64, "-Infinity", -math.inf),
        (F32, "INF", math.inf),
        (F32, "3.4028235e38", 3.4028235e38),
        (U8, "255", 255),
        (U8, "12.0", 12),
        (U8, "1e2", 100),
        (S16, "-32768", -32768),
        (U32, "4294967295", 4294967295),
    ],
)
def test_a_number_is_a_sample(kind, text, value):
    assert parser(kind)(text) == value


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan"])
def test_nan_is_a_sample_of_a_float_column(text):
    assert math.isnan(parser(F64)(text))


@pytest.mark.parametrize("kind", [F64, F32, U8])
@pytest.mark.parametrize("text", ["x", "1,5", "1 2", "1_000", "0x10", "1\0", "١٢", "\udcff1", "--1", "9" * 50 + "x"])
def test_what_is_not_a_number_is_refused(kind, text):
    with pytest.raises(MalformedError, match="is not a number") as caught:
        parser(kind)(text)
    assert caught.value.kind == "cell"
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 80


def test_nan_is_no_sample_of_an_integer_column():
    assert parser(U8)("nan") is None


@pytest.mark.parametrize("text", ["12.5", "inf"])
def test_an_integer_column_takes_whole_numbers_only(text):
    with pytest.raises(MalformedError, match="is not a whole number") as caught:
        parser(U8)(text)
    assert caught.value.kind == "cell"


@pytest.mark.parametrize(
    ("kind", "text"),
    [(U8, "256"), (U8, "-1"), (S16, "32768"), (U32, "4294967296"), (F32, "3.5e38"), (F64, "1e999"), (F32, "-1e39")],
)
def test_what_does_not_fit_the_type_is_refused(kind, text):
    with pytest.raises(MalformedError) as caught:
        parser(kind)(text)
    assert caught.value.kind == "range"
    assert kind in str(caught.value)


def test_the_largest_f32_is_the_last_that_is_taken():
    most = (2 - 2**-24) * 2.0**127
    assert encode_samples([parser(F32)(repr(math.nextafter(most, 0)))], F32) == b"\xff\xff\x7f\x7f"
    with pytest.raises(MalformedError):
        parser(F32)(repr(most))


@pytest.mark.parametrize(
    "text", ["-", "N/A", "null", "NULL", "None", "#N/A", "undefined", " na ", "<NA>", "#DIV/0!", "--"]
)
@pytest.mark.parametrize("content", list(Content))
def test_words_for_no_value_are_no_sample_no_event_and_no_fault(content, text):
    assert parser(F64, content)(text) is None


def test_further_words_for_no_value_can_be_set():
    assert parser(F64, missing=frozenset({"-1", "off"}))("-1") is None
    assert parser(F64, Content.WORDS, missing=frozenset({"-1", "off"}))("off") is None


@pytest.mark.parametrize(("text", "value"), [("TRUE", 1), ("true", 1), ("False", 0)])
@pytest.mark.parametrize("kind", [F64, U8])
def test_booleans_are_1_and_0(kind, text, value):
    assert parser(kind)(text) == value


def test_yes_and_no_are_1_and_0_in_a_column_of_nothing_else():
    assert [parser(U8, Content.SWITCHES)(text) for text in ("Yes", "no", "ON", "off")] == [1, 0, 1, 0]


def test_words_are_words_where_a_column_has_some():
    assert parser(F64, Content.MIXED)(" Stau ") == "Stau"
    assert parser(F64, Content.MIXED)("2") == 2
    assert parser(F64, Content.WORDS)("2") == "2"


@pytest.mark.parametrize("text", ["1_000", "1\0", "12..3", "\udcff1"])
def test_what_is_neither_a_number_nor_a_word_is_refused(text):
    with pytest.raises(MalformedError):
        parser(F64, Content.MIXED)(text)


def test_numbers_may_have_decimal_commas_and_thousands():
    read = parser(F64, normalise=NumberFormat(",", ".").normalise)
    assert [read(text) for text in ("0,38", "1.860", "1.234,5", "860", " 1e3 ")] == [0.38, 1860, 1234.5, 860, 1000]
    with pytest.raises(MalformedError, match="is not a number"):
        read("1.86")


def test_the_content_of_a_column_is_told_by_its_cells():
    def content(*cells):
        return content_of(cells, NumberFormat().normalise, frozenset())

    assert content("1", "2.5", "NaN", "-", "true") is Content.NUMBERS
    assert content("car", "interpolation", "") is Content.WORDS
    assert content("1", "N", "2", "R") is Content.MIXED
    assert content("", "N/A", "-") is Content.EMPTY
    assert content("Yes", "No", "n/a") is Content.SWITCHES
    assert content("0x1F", "0x20", "1F", "10") is Content.HEXADECIMAL
    assert content("1", "2", "3", "0x20") is Content.NUMBERS
    assert content("7E8", "7E9", "7E8") is Content.WORDS
    assert content("y", "n") is Content.SWITCHES
    assert content("N", "N") is Content.WORDS
    assert content("01.09.2023", "02.09.2023") is Content.WORDS
    assert content("48 km/h", "49 km/h") is Content.WORDS
    assert content(*["1"] * 30, "oops") is Content.NUMBERS
