"""When the state of a stream is published anew."""

from __future__ import annotations

from rta.node.disputed_states import DisputedStates

A, B = ("a.b", ""), ("c.d", "x")


def test_a_wrong_state_is_corrected_if_no_right_one_follows():
    states = DisputedStates()
    states.handle(A, False, 100.0)
    states.handle(B, False, 100.5)
    assert states.due() == 101.0
    states.handle(A, True, 100.6)
    assert (states.drain(101.4), states.drain(101.5), states.due()) == ([], [B], None)


def test_one_stream_is_corrected_every_ten_seconds_at_most():
    states = DisputedStates()
    states.handle(A, False, 0.0)
    assert states.drain(1.0) == [A]
    states.handle(A, False, 2.0)
    states.handle(A, False, 3.0)
    assert (states.due(), states.drain(10.9), states.drain(11.0)) == (11.0, [], [A])
    states.handle(A, False, 60.0)
    assert states.due() == 61.0


def test_a_new_connection_settles_all():
    states = DisputedStates()
    states.handle(A, False, 0.0)
    states.connected()
    assert states.due() is None
