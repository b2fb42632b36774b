"""Durations and sizes as people write them."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.config import format_duration, format_size, parse_duration, parse_size
from rta.options.values import DURATION_PATTERN, SIZE_PATTERN, shown


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30.0),
        ("1.5 min", 90.0),
        ("1.5m", 90.0),
        ("100ms", 0.1),
        ("250us", 0.00025),
        ("2h", 7200.0),
        ("1d", 86400.0),
        ("1h30m", 5400.0),
        (" 1d 2h 3min 4s 5ms ", 93784.005),
        ("0", 0.0),
        ("12.5", 12.5),
        (5, 5.0),
        (0.25, 0.25),
        (-0.0, 0.0),
    ],
)
def test_a_duration_is_read(written, seconds):
    assert parse_duration(written) == seconds
    assert math.copysign(1, parse_duration(written)) == 1


@pytest.mark.parametrize(
    "written",
    [
        "abc",
        "",
        " ",
        "30 S",
        "1h1h",
        "30m1h",
        "s",
        "1.s",
        ".5s",
        "1e3",
        "5 parsecs",
        "٣s",
        True,
        None,
        [],
        {},
        "9" * 399,
        "9" * 5000,
        "1" + "0" * 308 + "d",
        "-x",
        math.inf,
        -math.inf,
        math.nan,
        10**400,
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(written):
    with pytest.raises(ValueError, match=r'expected a duration like "30s".*, got ') as caught:
        parse_duration(written)
    assert shown(written) in str(caught.value)


@pytest.mark.parametrize("written", ["-5s", " -1", -1, -0.5])
def test_a_negative_duration_is_refused(written):
    with pytest.raises(ValueError, match="a duration cannot be negative, got "):
        parse_duration(written)


def test_the_message_about_a_duration_says_what_was_there():
    message = 'expected a duration like "30s", "1.5 min" or "1h30m", got "abc"'
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_duration("abc")


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "0s"),
        (0.1, "100ms"),
        (1.5, "1.5s"),
        (10.0, "10s"),
        (75.0, "75s"),
        (60.0, "1min"),
        (5400.0, "1h30min"),
        (86400.0, "1d"),
        (0.00025, "0.00025s"),
        (1e12, "1000000000000s"),
    ],
)
def test_a_duration_is_written_as_people_do(seconds, written):
    assert format_duration(seconds) == written


@given(st.floats(0, allow_nan=False, allow_infinity=False))
def test_a_duration_survives_writing_and_reading(seconds):
    assert parse_duration(format_duration(seconds)) == seconds
    assert re.search(DURATION_PATTERN, format_duration(seconds))


@given(st.integers(0, 400 * 86400 * 1000))
def test_a_duration_in_milliseconds_survives_too(ms):
    assert parse_duration(format_duration(ms / 1000)) == ms / 1000


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("64KiB", 65536),
        ("1MB", 1_000_000),
        ("10 MiB", 10 << 20),
        ("1.5KiB", 1536),
        ("0.3 kB", 300),
        ("2gib", 2 << 30),
        ("1TB", 10**12),
        ("1TiB", 1 << 40),
        ("17B", 17),
        (" 17 ", 17),
        (0, 0),
        (123, 123),
    ],
)
def test_a_size_is_read(written, size):
    assert parse_size(written) == size
    assert isinstance(parse_size(written), int)


@pytest.mark.parametrize("written", ["abc", "", "64K", "1M", "10 MiBs", "1e6", "٣KB", 1.5, True, None, [], "9" * 5000])
def test_what_is_no_size_is_refused_with_an_example(written):
    with pytest.raises(ValueError, match=r'expected a size like "64KiB" or "1MB".*, got '):
        parse_size(written)


@pytest.mark.parametrize("written", ["-1", "-5KiB", -1])
def test_a_negative_size_is_refused(written):
    with pytest.raises(ValueError, match="a size cannot be negative, got "):
        parse_size(written)


def test_a_fraction_of_a_byte_is_refused():
    with pytest.raises(ValueError, match=r'expected a whole number of bytes, got "1.0001KiB"'):
        parse_size("1.0001KiB")


@pytest.mark.parametrize(
    ("size", "written"), [(0, "0B"), (1, "1B"), (65536, "64KiB"), (10**6, "1MB"), (32 << 20, "32MiB"), (10**12, "1TB")]
)
def test_a_size_is_written_as_people_do(size, written):
    assert format_size(size) == written


@given(st.integers(0, 1 << 63) | st.integers(0, 60).map(lambda n: 1 << n) | st.integers(0, 18).map(lambda n: 10**n))
def test_a_size_survives_writing_and_reading(size):
    assert parse_size(format_size(size)) == size
    assert re.search(SIZE_PATTERN, format_size(size))


@given(
    st.text(max_size=12) | st.from_regex(r"[0-9. ]{0,4}(d|h|m|min|s|ms|us|KiB|MB|B)?[0-9]{0,2}(m|s|B)?", fullmatch=True)
)
def test_the_patterns_of_the_schema_take_whatever_is_read(text):
    for parse, pattern in ((parse_duration, DURATION_PATTERN), (parse_size, SIZE_PATTERN)):
        try:
            parse(text)
        except ValueError:
            continue
        assert re.search(pattern, text)


@given(st.text())
def test_any_text_is_shown_on_one_line_that_can_be_printed(text):
    line = shown(text)
    assert len(line) <= 80
    assert "\n" not in line
    line.encode("utf-8")


def test_an_undecodable_byte_of_the_environment_can_be_shown():
    assert shown("a\udcff").encode("utf-8") == rb'"a\udcff"'
