"""A takeover is recognised, even by brokers that do not say so, and nothing else is taken for one."""

from __future__ import annotations

from rta_transports.mqtt.rivalry import Rivalry

THROWN_OUT = {"told": False, "hung_up": True, "session_present": True, "lived": 0.1}


def after(*connections):
    rivalry = Rivalry()
    return [rivalry.lost(**{**THROWN_OUT, **c}) for c in connections]


def test_a_broker_that_says_so_is_believed():
    assert after({"told": True, "hung_up": False, "lived": 1000.0}) == [True]


def test_being_thrown_out_three_times_at_once_is_a_takeover():
    assert after({}, {}, {}) == [False, False, True]


def test_a_connection_that_lives_is_none():
    assert not any(after({}, {}, {"lived": 2.0}, {}, {}))


def test_a_broker_that_has_forgotten_us_was_restarted():
    assert not any(after({}, {}, {"session_present": False}, {}, {}))


def test_a_network_that_breaks_is_none():
    assert not any(after(*[{"hung_up": False}] * 5))


def test_a_broker_that_cannot_be_reached_in_between_is_none():
    rivalry = Rivalry()
    for _ in range(5):
        assert not rivalry.lost(**THROWN_OUT)
        rivalry.unreachable()


def test_who_comes_back_to_a_rival_makes_way_at_once():
    assert after({}, {}, {}, {})[3]
