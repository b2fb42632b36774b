"""A thousands mark is never a decimal point, and what is no number is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rta_transports.csv.layout.number_format import NumberFormat, detect_number_format

from rta.ports import RtaError


def found(*cells, delimiter=";", **options):
    return detect_number_format([cells], delimiter, **options)[0]


@pytest.mark.parametrize(
    ("decimal", "thousands", "text", "value"),
    [
        (".", "", "5", 5),
        (".", "", " +5 ", 5),
        (".", "", ".5", 0.5),
        (".", "", "5.", 5),
        (".", "", "-1e3", -1000),
        (".", "", "1.860", 1.86),
        (".", "", "−2.5", -2.5),
        (".", ",", "1,234.5", 1234.5),
        (".", ",", "1,234,567", 1234567),
        (".", "'", "1'234.5", 1234.5),
        (",", ".", "1.860", 1860),
        (",", ".", "0,38", 0.38),
        (",", ".", "1.234,5", 1234.5),
        (",", ".", ",5", 0.5),
        (",", ".", "12", 12),
        (",", ".", "1234,5e1", 12345),
        (",", " ", "1 234,5", 1234.5),
        (",", "\u202f", "1\u202f234\u202f567,5", 1234567.5),
        (",", "\u00a0", "-1\u00a0234", -1234),
        (".", "", "inf", float("inf")),
        (".", "", "-Infinity", float("-inf")),
    ],
)
def test_numbers(decimal, thousands, text, value):
    assert float(NumberFormat(decimal, thousands).normalise(text)) == value


@pytest.mark.parametrize(
    ("decimal", "thousands", "text"),
    [
        *((".", ",", text) for text in ["1,2345.6", "12,34", "0,38", "1,23,456", "1234,567", ",123", "1,234,56"]),
        *((",", ".", text) for text in ["1.86", "1.8605", "0.380", "12.34,5", "1,234.5", "0.38", "1.234.56", "1,5,5"]),
        *((".", "", text) for text in ["1,234", "0x1F", "1_000", "", " ", "-", "1F", "1e", "1 2", "٣", "--1", "+-inf"]),
        *((".", "", text) for text in ["80%", "1.2.3", "12:30", "n", "e5", ".", "+"]),
    ],
)
def test_what_is_no_number(decimal, thousands, text):
    assert NumberFormat(decimal, thousands).normalise(text) is None


@pytest.mark.parametrize(
    ("cells", "decimal"),
    [
        (["0,38", "860"], ","),
        (["1.860", "0,5"], ","),
        (["1.234,5"], ","),
        (["1.234.567"], ","),
        (["12,3", "1.860", "2.000", "3.000"], ","),
        (["1,860", "2,125", "0,375"], ","),
        (["1,860", "2,125"], ","),
        (["0.38", "860"], "."),
        (["1.860", "860"], ","),
        (["1.860", "1"], "."),
        (["1.860"], "."),
        (["1,234.5"], "."),
        (["1,234,567"], "."),
        (["27.10.2024", "00:00:01,5", "x,y"], "."),
        ([], "."),
    ],
)
def test_the_decimal_mark_is_found(cells, decimal):
    assert found(*cells).decimal == decimal


@pytest.mark.parametrize(
    ("cells", "delimiter", "marks"),
    [
        (["1,860", "860"], ",", ".,"),
        (["1,860", "860"], "\t", ".,"),
        (["1'860.5"], ";", ".'"),
        (["1’860.5"], ";", ".’"),
        (["1\u202f860,5"], ";", ",\u202f"),
        (["0,5"], ";", ",."),
        (["0.5"], ";", "."),
        (["1.860"], ";", "."),
    ],
)
def test_the_thousands_mark_is_found(cells, delimiter, marks):
    numbers = found(*cells, delimiter=delimiter)
    assert numbers.decimal + numbers.thousands == marks


def test_what_is_set_wins():
    assert found("0,5", decimal=".", thousands=",") == NumberFormat(".", ",")
    assert found("0.5", decimal=",") == NumberFormat(",", ".")
    assert found("1.234,5", thousands="") == NumberFormat(",", "")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"decimal": "x"}, "decimal is 'x'"),
        ({"thousands": "x"}, "thousands is 'x'"),
        ({"decimal": ",", "thousands": ","}, "cannot both be"),
    ],
)
def test_what_is_set_must_be_marks(options, words):
    with pytest.raises(RtaError, match=words):
        found("1", **options)


@given(
    st.floats(-1e9, 1e9).map(lambda v: round(v, 2)),
    st.sampled_from([".", ","]),
    st.sampled_from(["", ".", ",", "'", " ", "\u00a0", "\u202f"]),
)
def test_a_number_that_was_written_is_read(value, decimal, thousands):
    if decimal != thousands:
        text = f"{value:,.2f}".translate({ord(","): thousands, ord("."): decimal})
        assert float(NumberFormat(decimal, thousands).normalise(text)) == value


@given(st.text("0123456789.,' +-eE_x", max_size=12), st.sampled_from([".", ","]), st.sampled_from(["", ".", ",", "'"]))
def test_what_comes_out_is_always_for_float(text, decimal, thousands):
    normal = NumberFormat(decimal, thousands).normalise(text)
    assert normal is None or isinstance(float(normal), float)
