"""The text of a cell becomes a sample, or is refused with a reason."""

from __future__ import annotations

import math

import pytest
from rta_transports.csv.cells import parser

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


@pytest.mark.parametrize("text", ["12.5", "nan", "inf"])
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
