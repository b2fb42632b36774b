"""From samples to values: shift, mask, conversion, offset, format."""

import math
import struct
from typing import Any

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.wire import ConfigBinding, Conversion, Parameter, SampleType, decode_samples, read_configuration
from rta.wire.configuration import ConversionTable, Rational, TextConversion
from rta.wire.conversion import BoundParameter, bind, convert, format_value

INF, NAN = math.inf, math.nan


def values(
    samples: Any, conversion: Conversion | None = None, *, of: SampleType = SampleType.F64, **parameter: Any
) -> list[Any]:
    return convert(np.asarray(samples, of.dtype()), Parameter("p:app", **parameter), conversion).tolist()


def by(coeffs: list[float]) -> Conversion:
    return Conversion("c:app", rational=Rational(coeffs))


def in_table(raw: list[float], calibrated: list[float], interpolated: bool = False) -> Conversion:
    return Conversion("c:app", table=ConversionTable(raw, calibrated, interpolated))


ON_OFF = Conversion("c:app", text=TextConversion([0, 1, 2.5], ["off", "on", "half"], "?"))
F = Conversion("c:app", formula={"expression": "x"})


# Shift and mask


def test_the_protocols_shift_and_mask_example() -> None:
    samples = decode_samples(bytes.fromhex("D61D"), SampleType.U16)
    assert samples.tolist() == [7638]
    assert convert(samples, Parameter("p:app", shift=4, mask="1"), None).tolist() == [1]


def test_the_protocols_shift_and_mask_example_in_big_endian_bytes() -> None:
    samples = decode_samples(bytes.fromhex("1DD6"), SampleType.U16, "be")
    assert convert(samples, Parameter("p:app", shift=4, mask="1"), None).tolist() == [1]


@given(st.integers(0, 2**32 - 1), st.integers(0, 31), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=examples(50))
def test_a_shift_to_the_right_comes_before_the_mask(sample: int, shift: int, mask: int) -> None:
    assert values([sample], of=SampleType.U32, shift=shift, mask=f"{mask:x}") == [sample >> shift & mask]


@given(st.integers(0, 2**16 - 1), st.integers(1, 16), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=examples(50))
def test_a_negative_shift_is_one_to_the_left(sample: int, shift: int, mask: int) -> None:
    assert values([sample], of=SampleType.U16, shift=-shift, mask=f"{mask:X}") == [sample << shift & mask]


@pytest.mark.parametrize("shift", [32, 63, 64, 1000, -32, -64, -1000])
def test_a_shift_by_all_bits_leaves_nothing(shift: int) -> None:
    assert values([2**32 - 1], of=SampleType.U32, shift=shift) == [0]


@pytest.mark.parametrize("kind", [SampleType.S8, SampleType.S16, SampleType.S32])
def test_signed_samples_keep_their_sign_where_nothing_is_cut_out(kind: SampleType) -> None:
    assert values([-2], of=kind) == [-2]


@pytest.mark.parametrize("kind", [SampleType.S8, SampleType.S16, SampleType.S32])
def test_a_mask_cuts_bits_out_of_a_signed_sample(kind: SampleType) -> None:
    assert values([-2], of=kind, mask="f") == [0xE]


@pytest.mark.parametrize("kind", [SampleType.F32, SampleType.F64])
def test_shift_and_mask_are_for_integers_only(kind: SampleType) -> None:
    assert values([2.5], of=kind, shift=4, mask="1") == [2.5]


@pytest.mark.parametrize("mask", ["ffffffffffffffff", "FFFFFFFFFFFFFFFFFFFF"])
def test_a_mask_wider_than_any_sample_masks_nothing(mask: str) -> None:
    assert values([7638], of=SampleType.U16, mask=mask) == [7638]


def test_a_mask_that_is_no_number_masks_nothing() -> None:
    assert values([7638], of=SampleType.U16, mask="none") == [7638]


# Rational


@given(st.lists(st.floats(-100, 100), min_size=6, max_size=6), st.floats(-100, 100))
@settings(deadline=None, max_examples=examples(50))
def test_a_rational_conversion_follows_its_formula(c: list[float], x: float) -> None:
    c = [round(v, 2) for v in c]
    bottom = c[3] * x * x + c[4] * x + c[5]
    if abs(bottom) > 1e-3 and not c[3] == c[5] == 0:
        assert values([x], by(c)) == pytest.approx([(c[0] * x * x + c[1] * x + c[2]) / bottom], rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("coeffs", [[0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1]])
def test_both_ways_of_writing_one_to_one_are_one_to_one(coeffs: list[float]) -> None:
    assert values([-3.5, 0.0, 7.0], by(coeffs)) == [-3.5, 0.0, 7.0]


def test_gain_and_offset_are_the_second_and_third_coefficient() -> None:
    assert values([0.0, 10.0], by([0, 2, 5, 0, 0, 1])) == [5.0, 25.0]


def test_the_fifth_coefficient_alone_is_a_constant_denominator() -> None:
    assert values([0.0, 10.0], by([0, 2, 4, 0, 4, 0])) == [1.0, 6.0]


def test_a_denominator_in_x_is_one_where_there_is_a_sixth_coefficient() -> None:
    assert values([3.0], by([0, 0, 8, 0, 1, 1])) == [2.0]


@pytest.mark.parametrize(
    "coeffs", [[0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 1, -2], [0, 1, -2, 0, 1, -2], [1, 0, -4, 1, 0, -4]]
)
def test_a_denominator_of_zero_is_no_number(coeffs: list[float]) -> None:
    assert values([2.0], by(coeffs)) == [pytest.approx(NAN, nan_ok=True)]


def test_integer_samples_are_converted_without_overflow() -> None:
    assert values([65535], by([1, 0, 0, 0, 0, 1]), of=SampleType.U16) == [65535.0**2]


@pytest.mark.parametrize("x", [INF, -INF, NAN, 1e308, -1e308, 5e-324])
@pytest.mark.parametrize("coeffs", [[0, 1, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1], [1e300, 1, 1, 0, 1, 0]])
def test_a_sample_at_the_edge_of_the_numbers_is_converted_without_a_warning(coeffs: list[float], x: float) -> None:
    assert len(values([x], by(coeffs))) == 1


# Tables, text, formulas, offset


@pytest.mark.parametrize(("x", "y"), [(0, 10), (5, 15), (10, 20), (15, 0), (20, -20)])
def test_an_interpolated_table_is_linear_between_its_points(x: float, y: float) -> None:
    assert values([x], in_table([0, 10, 20], [10, 20, -20], True)) == [y]


@pytest.mark.parametrize(("x", "y"), [(-5, 10), (25, -20), (-INF, 10), (INF, -20)])
def test_an_interpolated_table_is_clamped_at_its_ends(x: float, y: float) -> None:
    assert values([x], in_table([0, 10, 20], [10, 20, -20], True)) == [y]


def test_a_table_is_exact_where_it_is_not_interpolated() -> None:
    assert values([0, 10, 20], in_table([0, 10, 20], [7, 8, 9])) == [7, 8, 9]


@pytest.mark.parametrize("x", [-1, 5, 21, NAN, INF])
def test_what_is_not_in_a_table_is_no_number(x: float) -> None:
    assert math.isnan(values([x], in_table([0, 10, 20], [7, 8, 9]))[0])


@pytest.mark.parametrize("interpolated", [False, True])
def test_an_empty_table_has_no_value(interpolated: bool) -> None:
    assert math.isnan(values([1.0], in_table([], [], interpolated))[0])


@pytest.mark.parametrize("interpolated", [False, True])
def test_a_table_ends_where_its_shorter_column_ends(interpolated: bool) -> None:
    assert values([0.0], in_table([0, 10, 20], [7], interpolated)) == [7]


def test_text_is_an_exact_match_or_the_default() -> None:
    assert values([0, 1, 2.5, 2, -1], ON_OFF) == ["off", "on", "half", "?", "?"]


def test_text_is_found_for_integer_samples_after_shift_and_mask() -> None:
    assert values([0x10, 0x00, 0x20], ON_OFF, of=SampleType.U8, shift=4, mask="1") == ["on", "off", "off"]


def test_a_text_conversion_leaves_the_offset_aside() -> None:
    assert values([1], ON_OFF, offset=5.0) == ["on"]


def test_a_formula_has_no_value() -> None:
    assert math.isnan(values([1.0], F)[0])


def test_no_conversion_is_one_to_one() -> None:
    assert values([1.5, -2.0], None) == values([1.5, -2.0], Conversion("c:app")) == [1.5, -2.0]


def test_the_offset_is_added_after_the_conversion() -> None:
    assert values([10.0], by([0, 2, 0, 0, 0, 1]), offset=1.0) == [21.0]


def test_an_offset_is_added_where_there_is_no_conversion() -> None:
    assert values([10], None, of=SampleType.U8, offset=-0.5) == [9.5]


def test_infinite_samples_with_an_offset_are_converted_without_a_warning() -> None:
    assert values([INF], None, offset=1.0) == [INF]


@pytest.mark.parametrize("kind", SampleType)
@given(st.data())
@settings(deadline=None, max_examples=20)
def test_values_are_doubles_of_the_same_shape(kind: SampleType, data: st.DataObject) -> None:
    samples = decode_samples(data.draw(st.binary(max_size=40)), kind)
    found = convert(samples, Parameter("p:app"), None)
    assert (found.shape, found.dtype) == (samples.shape, np.float64)


def test_a_signalling_nan_is_no_number_and_no_warning() -> None:
    samples = decode_samples(bytes.fromhex("0100807F"), SampleType.F32)
    assert math.isnan(convert(samples, Parameter("p:app"), None)[0])


def test_no_samples_have_no_values() -> None:
    assert [values([], c) for c in (None, by([0, 1]), in_table([1], [2]), ON_OFF, F)] == [[]] * 5


# Format


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        ("%d", 12.7, "13"),
        ("%i", -3.0, "-3"),
        ("%u", 3.0, "3"),
        ("%5.2f", 12.7, "12.70"),
        ("%F", 1.5, "1.500000"),
        ("%g", 0.5, "0.5"),
        ("%G", 1e-10, "1E-10"),
        ("%.1e", 12345.0, "1.2e+04"),
        ("%E", 1.0, "1.000000E+00"),
        ("%o", 8.0, "10"),
        ("%x", 255.0, "ff"),
        ("%04X", 255.0, "00FF"),
        ("%c", 65.0, "A"),
        ("%s", 1.5, "1.5"),
        ("%+d", 3.0, "+3"),
        ("%-4d|", 3.0, "3   |"),
        ("%ld", 3.0, "3"),
        ("%.0lf", 2.6, "3"),
    ],
)
def test_a_value_is_written_as_c_writes_it(form: str, value: float, text: str) -> None:
    assert format_value(form, value) == text


@pytest.mark.parametrize(("form", "text"), [("<%d>", "<3>"), ("%d %%", "3 %"), ("100%% of %d km", "100% of 3 km")])
def test_text_around_a_format_is_kept(form: str, text: str) -> None:
    assert format_value(form, 3.0) == text


@pytest.mark.parametrize("form", ["", "none", "%", "%d %d", "%n", "%*d", "%d %s", "%q"])
def test_a_format_that_does_not_fit_falls_back_to_the_plain_value(form: str) -> None:
    assert format_value(form, 1.5) == "1.5"


@pytest.mark.parametrize(
    "form", ["%999999999d", "%.999999999f", "%0999999999.999999999e", "%-99999s", "%" + "9" * 5000 + "d"]
)
def test_width_and_precision_are_bounded(form: str) -> None:
    assert len(format_value(form, 1.5)) < 200


@pytest.mark.parametrize("form", ["%d", "%x", "%c", "%u", "%o"])
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_what_is_no_number_falls_back_to_the_plain_value(form: str, value: float) -> None:
    assert format_value(form, value) == f"{value:g}"


@pytest.mark.parametrize("form", ["%d", "%5.2f", "%x", "%c", ""])
def test_text_under_the_format_of_a_number_is_the_text(form: str) -> None:
    assert format_value(form, "off") == "off"


def test_text_is_written_by_its_own_format() -> None:
    assert format_value("[%5s]", "off") == "[  off]"


@pytest.mark.parametrize("value", [0xD800, -1, 2**40, 7])
def test_a_character_that_is_none_can_still_be_sent_as_utf_8(value: float) -> None:
    assert format_value("%c", value).encode()


@given(st.text(alphabet="%-+ #0123456789.*hlLdiufgGeExXocsnqz<>", max_size=12), st.floats() | st.text(max_size=5))
@settings(deadline=None, max_examples=examples(200))
def test_any_format_gives_a_bounded_text(form: str, value: float | str) -> None:
    assert len(format_value(form, value)) < 500


# Binding

DOCUMENT = """{
    "a": {
        "parameters": [
            {"id": "rpm:a", "conv": "c:a", "channels": [1, 2], "unit": "Hz"},
            {"id": "gear:a", "conv": "none", "channels": [3, 4, 5], "byteOrder": "be"},
            {"id": "plain:a", "conv": "c:a", "format": "", "unit": ""}
        ],
        "channels": [{"id": 1, "type": "u16"}, {"id": 2}, {"id": 3, "type": "s8"}, {"id": 4, "type": "u128"}],
        "conversions": [
            {"name": "c:a", "unit": "1/min", "format": "%d", "rational": {"coeffs": [0, 2, 0, 0, 0, 1]}}
        ]
    },
    "b": {
        "parameters": [{"id": "rpm:b", "conv": "c:a", "channels": [1]}],
        "channels": [{"id": 1, "type": "f32"}]
    }
}"""


def bound(offset: int = 0) -> dict[str, BoundParameter]:
    found = bind(read_configuration(DOCUMENT), ConfigBinding("cfg", offset))
    return {b.parameter.id: b for b in found}


def test_ids_on_the_wire_are_the_configurations_plus_the_offset() -> None:
    assert bound(100)["rpm:a"].channels == {101: SampleType.U16, 102: SampleType.F64}


def test_an_offset_of_zero_leaves_ids_as_they_are() -> None:
    assert bound()["rpm:b"].channels == {1: SampleType.F32}


def test_channels_that_cannot_be_unpacked_are_left_out() -> None:
    assert bound()["gear:a"].channels == {3: SampleType.S8}


def test_a_conversion_is_one_of_the_same_application() -> None:
    assert bound()["rpm:a"].conversion is not None
    assert bound()["rpm:b"].conversion is None


def test_the_format_is_the_conversions_unless_the_parameter_has_one() -> None:
    assert (bound()["rpm:a"].format, bound()["plain:a"].format, bound()["rpm:b"].format) == ("%d", "", "")


def test_the_unit_is_the_parameters_if_it_has_one() -> None:
    assert (bound()["rpm:a"].unit, bound()["plain:a"].unit, bound()["gear:a"].unit) == ("Hz", "", "")


def test_the_byte_order_is_the_parameters() -> None:
    assert (bound()["gear:a"].byte_order, bound()["rpm:a"].byte_order) == ("be", "le")


def test_a_bound_parameter_makes_text_of_samples() -> None:
    parameter = bound()["rpm:a"]
    found = parameter.values(decode_samples(struct.pack("<2H", 100, 250), SampleType.U16))
    assert [parameter.text(v) for v in found] == ["200", "500"]
