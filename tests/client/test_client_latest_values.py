"""The board has the last value, the rate and the recent course of each parameter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rta.client import ParameterSamples
from rta.client.latest_values import LatestValues, sparkline
from rta.wire import Conversion, Parameter
from rta.wire.conversion import BoundParameter

SECOND = 1_000_000_000


def sample(name, times, values, parameter=None):
    words = isinstance(values[0], str) if values else False
    return ParameterSamples(
        name, np.asarray(times, np.int64), np.asarray(values, object if words else float), parameter
    )


def line_of(*samples, now=0.0):
    board = LatestValues()
    for each in samples:
        board.add([each], now)
    [line] = board.parameters.values()
    return line


def test_parameters_stay_in_the_order_of_their_first_sample():
    board = LatestValues()
    board.add([sample("b", [1], [1]), sample("a", [1], [1])], 0)
    board.add([sample("a", [2], [1]), sample("b", [2], [1]), sample("c", [2], [])], 0)
    assert list(board.parameters) == ["b", "a"]


def test_the_last_value_has_the_format_and_unit_of_its_parameter():
    bound = BoundParameter(Parameter("v", "Volts", format="%.2f"), Conversion("c", "mV"))
    line = line_of(sample("v", [1, 2], [0, 1.2345], bound))
    assert (line.text, line.unit) == ("1.23", "mV")


@pytest.mark.parametrize(("values", "text"), [([1.0], "1"), ([0.1 + 0.2], "0.3"), ([math.nan], "nan"), (["on"], "on")])
def test_without_a_parameter_the_value_is_plain(values, text):
    line = line_of(sample("channel 1", [1], values))
    assert (line.text, line.unit) == (text, "")


def test_the_rate_is_that_of_the_data_whenever_it_comes():
    tenths = [sample("a", [i * SECOND // 10], [i]) for i in range(31)]
    assert line_of(*tenths).rate(now=0) == pytest.approx(10)
    packed = [sample("a", [i * SECOND - 1, i * SECOND], [1, 1]) for i in range(4)]
    assert line_of(*packed).rate(now=0) == pytest.approx(2)


def test_the_rate_is_that_of_the_last_seconds():
    fast = [sample("a", [i * SECOND // 100], [i]) for i in range(100)]
    slow = [sample("a", [(10 + i) * SECOND], [i]) for i in range(10)]
    assert line_of(*fast, *slow).rate(now=0) == pytest.approx(1)


def test_one_sample_has_no_rate():
    assert line_of(sample("a", [1], [1])).rate(now=0) == 0
    assert line_of(sample("a", [1], [1]), sample("a", [1], [1])).rate(now=0) == 0


def test_the_rate_ends_once_nothing_comes():
    line = line_of(sample("a", [0], [1]), sample("a", [SECOND], [1]), now=100.0)
    assert line.rate(now=104.9) == pytest.approx(1)
    assert line.rate(now=105.1) == 0


def test_a_back_fill_does_not_set_values_back():
    line = line_of(sample("a", [9, 10], [1, 2]), sample("a", [1, 5], [7, 8]))
    assert (line.value, line.timestamp, list(line.course)) == (2, 10, [1, 2])


def test_the_course_is_the_recent_part():
    line = line_of(sample("a", range(100), range(100)), sample("a", [100], [-1]))
    assert list(line.course) == [*range(77, 100), -1]


def test_words_have_no_course():
    assert list(line_of(sample("a", [1, 2], ["on", "off"])).course) == []


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([], ""),
        ([5], "▁"),
        ([5, 5, 5], "▁▁▁"),
        (range(8), "▁▂▃▄▅▆▇█"),
        ([7, 0, 7], "█▁█"),
        ([-1, math.nan, 1], "▁ █"),
        ([math.inf, 0, 1, -math.inf], " ▁█ "),
        ([math.nan], ""),
        ([-1.7e308, 1.7e308], "▁█"),
        ([5e-324, 0], "▁▁"),
    ],
)
def test_a_course_is_drawn_from_its_lowest_to_its_highest(values, bars):
    assert sparkline(values) == bars
