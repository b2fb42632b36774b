from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rta.history.delivery import Checkpoint, Span, UnackedSpans, read_checkpoint, write_checkpoint

KEY = ("car.engine", "live")


def covered(spans: list[Span]) -> set[int]:
    return {position for first, last in spans for position in range(first, last + 1)}


def test_a_stream_that_has_sent_nothing_owes_nothing():
    assert UnackedSpans().owed is None
    assert UnackedSpans().undelivered() == []


def test_what_is_in_flight_is_not_yet_owed_but_not_delivered_either():
    delivery = UnackedSpans()
    delivery.sent(1, 1)
    assert delivery.owed is None
    assert delivery.undelivered() == [Span(1, 1)]


def test_what_fails_in_a_row_is_one_span():
    delivery = UnackedSpans()
    for at in (3, 7, 12):
        delivery.sent(at, at)
    for at in (3, 7, 12):
        delivery.settled(at, False)
    assert delivery.undelivered() == [Span(3, 12)]


def test_what_was_delivered_in_between_does_not_come_again():
    delivery = UnackedSpans()
    for at in (3, 7, 12):
        delivery.sent(at, at)
    delivery.settled(7, True)
    delivery.settled(3, False)
    delivery.settled(12, False)
    assert delivery.undelivered() == [Span(3, 3), Span(12, 12)]


def test_a_replay_goes_on_behind_what_was_acknowledged():
    delivery = UnackedSpans([Span(1, 100)])
    delivery.replayed(40)
    assert delivery.owed == Span(41, 100)
    delivery.replayed(100)
    assert delivery.owed is None


def test_however_many_holes_there_are_the_spans_are_bounded():
    delivery = UnackedSpans()
    for at in range(1, 5001):
        delivery.sent(at, at)
        delivery.settled(at, at % 2 == 0)
    assert delivery.spans <= 256
    assert covered(delivery.undelivered()) >= set(range(1, 5001, 2))


class AnyHistory(RuleBasedStateMachine):
    """Against a set of the positions that have not been delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.delivery = UnackedSpans()
        self.undelivered: set[int] = set()
        self.flying: dict[int, int] = {}
        self.used: set[int] = set()
        self.position = 0

    @rule(skip=st.integers(0, 3), size=st.integers(1, 4))
    def send(self, skip, size):
        first = self.position + 1 + skip
        self.position = first + size - 1
        self.delivery.sent(first, self.position)
        self.flying[first] = self.position
        self.used |= set(range(first, self.position + 1))
        self.undelivered |= set(range(first, self.position + 1))

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), delivered=st.booleans())
    def settle(self, data, delivered):
        first = data.draw(st.sampled_from(sorted(self.flying)))
        last = self.flying.pop(first)
        self.delivery.settled(first, delivered)
        if delivered:
            self.undelivered -= set(range(first, last + 1))

    @precondition(lambda self: self.delivery.owed is not None)
    @rule(data=st.data())
    def replay(self, data):
        owed = self.delivery.owed
        upto = data.draw(st.integers(owed.first, owed.last))
        self.delivery.replayed(upto)
        in_flight = {p for first, last in self.flying.items() for p in range(first, last + 1)}
        self.undelivered -= set(range(owed.first, upto + 1)) - in_flight

    @rule()
    def begin_again_from_what_is_on_disk(self):
        mark = read_checkpoint(write_checkpoint(Checkpoint(self.position, {KEY: self.delivery.undelivered()})))
        self.delivery = UnackedSpans(mark.owed(KEY, self.position))
        self.flying.clear()

    @invariant()
    def nothing_undelivered_is_forgotten(self):
        assert self.undelivered <= covered(self.delivery.undelivered())

    @invariant()
    def and_nothing_delivered_comes_again_while_there_are_few_holes(self):
        assert covered(self.delivery.undelivered()) & self.used <= self.undelivered


TestAnyHistory = AnyHistory.TestCase


def test_entries_behind_the_mark_count_as_not_delivered():
    mark = Checkpoint(10, {KEY: [Span(3, 4)]})
    assert mark.owed(KEY, 15) == [Span(3, 4), Span(11, 15)]


@given(st.binary(max_size=40))
def test_a_mark_that_cannot_be_read_owes_everything(text):
    mark = read_checkpoint(text)
    assert covered(mark.owed(KEY, 5)) >= set(range(mark.upto + 1, 6))
