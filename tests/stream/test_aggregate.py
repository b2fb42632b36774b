"""What is made of the samples of a window."""

from __future__ import annotations

import statistics
from random import Random

import pytest

from rta.rsmp.message import Value
from rta.stream.aggregate import MEDIAN_LIMIT, Accumulator
from rta.stream.definition import Aggregate

ALL = tuple(Aggregate)


def results(*values: Value) -> dict[str, Value]:
    numbers = Accumulator(ALL)
    for value in values:
        numbers.add(value)
    return {aggregate.value: numbers.result(aggregate) for aggregate in ALL}


def test_a_few_numbers_give_exact_results() -> None:
    assert results(4, 1, 3, 2) == {
        "count": 4, "sum": 10, "avg": 2.5, "median": 2.5, "min": 1, "max": 4, "std": 1.25**0.5,
    }  # fmt: skip


def test_the_median_of_an_odd_number_of_integers_is_one_of_them() -> None:
    median = results(9, 1, 5)["median"]
    assert (median, type(median)) == (5, int)


def test_a_sum_of_integers_is_an_integer_beyond_what_floats_tell_apart() -> None:
    assert results(2**53, 1, 1)["sum"] == 2**53 + 2


def test_tenths_add_up() -> None:
    assert results(*[0.1] * 10)["sum"] == 1.0


def test_what_is_no_number_is_only_counted() -> None:
    assert results("red", True) == {
        "count": 2, "sum": None, "avg": None, "median": None, "min": None, "max": None, "std": None,
    }  # fmt: skip


def test_numbers_among_others_count_for_themselves() -> None:
    assert (results("red", 4, 2)["avg"], results("red", 4, 2)["count"]) == (3, 3)


def test_a_sum_beyond_the_numbers_is_null() -> None:
    found = results(1.7e308, 1.7e308)
    assert (found["sum"], found["max"], found["median"]) == (None, 1.7e308, 1.7e308)


def test_the_spread_of_close_numbers_far_from_zero_is_not_lost() -> None:
    values = [1e9 + i % 2 for i in range(1000)]
    assert results(*values)["std"] == pytest.approx(0.5, rel=1e-9)


def test_many_numbers_give_what_the_book_says() -> None:
    random = Random(4)
    values = [random.gauss(100, 15) for _ in range(10_001)]
    assert results(*values) == {
        "count": 10_001,
        "sum": pytest.approx(sum(values), rel=1e-12),
        "avg": pytest.approx(statistics.fmean(values), rel=1e-12),
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "std": pytest.approx(statistics.pstdev(values), rel=1e-12),
    }


def test_results_can_be_asked_for_in_between() -> None:
    numbers = Accumulator((Aggregate.MEDIAN,))
    found = []
    for value in (3, 1, 2):
        numbers.add(value)
        found.append(numbers.result(Aggregate.MEDIAN))
    assert found == [3, 2, 2]


@pytest.mark.parametrize(("more", "expected", "overflowed"), [(0, 0.5, False), (1, None, True)])
def test_the_median_is_exact_up_to_its_limit_and_null_above(more: int, expected: Value, overflowed: bool) -> None:
    numbers = Accumulator((Aggregate.MEDIAN, Aggregate.COUNT))
    for i in range(MEDIAN_LIMIT + more):
        numbers.add(i % 2)
    assert numbers.result(Aggregate.MEDIAN) == expected
    assert numbers.result(Aggregate.COUNT) == MEDIAN_LIMIT + more
    assert numbers.overflowed is overflowed
