"""A takeover is recognised, even by brokers that do not say so, and nothing else is taken for one."""

from __future__ import annotations

from rta_transports.mqtt.rivalry import Rivalry

THROWN_OUT = {"told": False, "hung_up": True, "session": True, "retained": True, "lived": 0.1}
CLEAN = {"session": False}


def after(*connections, pause=0.05):
    rivalry, now, out = Rivalry(), 0.0, []
    for connection in connections:
        fate = {**THROWN_OUT, **connection}
        now += pause + fate["lived"]
        out.append(rivalry.lost(**fate, now=now))
    return out


def test_a_broker_that_says_so_is_believed():
    assert after({"told": True, "hung_up": False, "lived": 1000.0}) == [True]


def test_being_thrown_out_three_times_at_once_is_a_takeover():
    assert after({}, {}, {}) == [False, False, True]


def test_a_connection_that_lives_is_none():
    assert not any(after({}, {}, {"lived": 2.0}, {}, {}))


def test_a_broker_that_has_forgotten_us_was_restarted():
    assert not any(after({}, {}, CLEAN, {}, {}))


def test_being_forgotten_four_times_in_a_while_is_a_takeover_by_one_who_starts_clean():
    assert after({"session": None}, *[CLEAN] * 4) == [False, False, False, False, True]
    assert after(*[{**CLEAN, "lived": 5.0}] * 4) == [False, False, False, True]


def test_a_broker_that_has_forgotten_what_was_retained_was_restarted_each_time():
    assert not any(after(*[{**CLEAN, "retained": False}] * 10))
    assert after(*[CLEAN] * 4, {**CLEAN, "retained": False})[3:] == [True, False]


def test_being_forgotten_now_and_then_is_none():
    assert not any(after(*[{**CLEAN, "lived": 20.0}] * 10))


def test_a_connection_that_breaks_or_is_ended_in_words_forgets_nothing():
    assert not any(after(*[{**CLEAN, "hung_up": False}] * 10))


def test_a_network_that_breaks_is_none():
    assert not any(after(*[{"hung_up": False}] * 5))


def test_a_broker_that_cannot_be_reached_in_between_is_none():
    for connection in ({}, CLEAN):
        rivalry = Rivalry()
        for now in range(10):
            assert not rivalry.lost(**{**THROWN_OUT, **connection}, now=now)
            rivalry.unreachable()


def test_who_comes_back_to_a_rival_makes_way_at_once():
    assert after({}, {}, {}, {})[3]
    clean = {**CLEAN, "lived": 6.0}
    assert after(*[clean] * 6, pause=1.0)[3:] == [True] * 3
    assert after(*[CLEAN] * 4, {**CLEAN, "lived": 60.0}, CLEAN, pause=60.0) == [False] * 6


def test_who_comes_back_after_a_minute_and_is_left_alone_for_a_while_begins_anew():
    rivalry = Rivalry()
    assert [rivalry.lost(**{**THROWN_OUT, **CLEAN}, now=n) for n in range(4)][3]
    assert rivalry.lost(**{**THROWN_OUT, **CLEAN}, now=64.0)
    assert not rivalry.lost(**{**THROWN_OUT, **CLEAN, "lived": 100.0}, now=200.0)
    assert not rivalry.lost(**{**THROWN_OUT, **CLEAN}, now=201.0)
