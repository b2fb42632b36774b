"""What a new connection sends again is left out, item by item."""

from __future__ import annotations

from rta.client.since_mark import SinceMark
from rta.testing.bursts import json_burst, numbered_burst
from rta.wire import Burst
from rta.wire.block import pack
from rta.wire.burst import digest, join, split


def items(*bursts: Burst) -> list[bytes]:
    return [item for burst in bursts for item in split(burst.raw())]


def merged(*bursts: Burst) -> Burst:
    raw = join(items(*bursts))
    return digest(pack(raw), raw)


ONE, TWO, THREE = numbered_burst(1), numbered_burst(2), numbered_burst(3)


def test_a_first_connection_is_passed_on_untouched() -> None:
    since = SinceMark("p")
    since.connect()
    assert since.add(ONE) is ONE
    assert since.add(ONE) is ONE


def test_what_had_come_is_left_out_in_whatever_order_and_bursts_it_comes_again() -> None:
    since = SinceMark("p")
    since.connect()
    since.add(ONE)
    since.add(TWO)
    since.connect()
    assert items(since.add(merged(TWO, THREE, ONE))) == items(THREE)


def test_equal_items_are_left_out_as_often_as_they_had_come() -> None:
    since = SinceMark("p")
    since.connect()
    since.add(ONE)
    since.connect()
    assert items(since.add(merged(ONE, ONE))) == items(ONE)
    since.connect()
    assert items(since.add(merged(ONE, ONE, ONE))) == items(ONE)


def test_what_is_before_a_mark_does_not_come_again() -> None:
    since = SinceMark("p")
    since.connect()
    since.add(ONE)
    since.mark("q")
    since.connect()
    assert since.point == "q"
    assert since.add(ONE) is ONE


def test_a_connection_that_breaks_before_it_has_given_all_again_forgets_nothing() -> None:
    since = SinceMark("p")
    since.connect()
    since.add(ONE)
    since.add(TWO)
    since.connect()
    assert items(since.add(ONE)) == []
    since.connect()
    assert items(since.add(merged(ONE, TWO, THREE))) == items(THREE)


def test_what_says_nothing_of_samples_is_passed_on() -> None:
    since = SinceMark("p")
    news = json_burst('{"identity":"s","state":"open"}')
    since.connect()
    since.add(news)
    since.connect()
    assert since.add(news) is news
