"""A run that has come just as far as the one before it, and nodes that always say the same number."""

from __future__ import annotations

from rta.consumer.events import StatusEntry
from rta.consumer.received import Received
from rta.wire.values import Ns


def entry(seq: int, ts: int) -> StatusEntry:
    return StatusEntry(Ns(ts), seq)


def test_a_run_that_is_as_far_as_the_last_one_has_a_gap_at_its_beginning():
    received = Received()
    for n in (1, 2, 3):
        received.live(entry(n, n), retained=False)
    opened = received.live(entry(3, 30), retained=True).opened
    assert opened is not None
    assert (opened.after_seq, opened.before_seq, opened.since, opened.until) == (0, 3, 3, 30)


def test_a_number_that_is_always_the_same_is_asked_for_once():
    received = Received()
    received.live(entry(1, 0), retained=False)
    taken = [received.live(entry(2, ts), retained=False) for ts in range(1, 100)]
    assert sum(t.opened is not None for t in taken) == 1


def test_a_number_that_is_always_the_same_and_never_was_1_is_not_asked_for():
    received = Received()
    assert not any(received.live(entry(7, ts), retained=False).opened for ts in range(100))
