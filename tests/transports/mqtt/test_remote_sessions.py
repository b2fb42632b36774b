"""When a node's session is open, and what is in its JSON."""

from __future__ import annotations

import pytest
from remote_scene import BASE, FREE, MS, NODE, Scene
from rta_transports.mqtt.sessions import Instant

from rta.clock_bounds import ClockBounds
from rta.ports import CloseSession, OpenSession
from rta.wire import SessionState, TimeRange


def test_a_node_that_is_online_has_a_session_named_after_it_and_the_moment():
    scene = Scene()
    scene.presence("online")
    session = scene.session
    assert (session.identity, session.identifier) == (f"{NODE} 2025-11-21T10:17:11.123Z", NODE)
    assert session.state is SessionState.OPEN
    assert session.timestamp == session.start_timestamp == "2025-11-21T10:17:11.123Z"
    assert session.details == {"node": NODE, "presence": "online", "source": "tmc"}


def test_a_node_that_is_not_online_has_none():
    scene = Scene()
    for presence in ("offline", "shutdown", None, "whatever"):
        scene.presence(presence)
    scene.entry({"rpm": 1})
    scene.after(100)
    assert scene.told.updates == []


def test_a_short_loss_closes_nothing_but_is_said():
    scene = Scene(grace=60)
    scene.presence("online")
    scene.presence("offline")
    assert scene.session.details["presence"] == "offline"
    scene.after(59)
    scene.presence("online")
    scene.after(1000)
    assert scene.session.state is SessionState.OPEN
    assert scene.session.details["presence"] == "online"


def test_a_loss_longer_than_the_grace_closes_it_then():
    scene = Scene(grace=60)
    scene.presence("online")
    scene.presence("offline")
    scene.after(61)
    assert scene.session.state is SessionState.CLOSED
    assert scene.session.end_timestamp == "2025-11-21T10:18:11.123Z"
    assert scene.sessions.due(scene.now) is None


def test_the_grace_begins_with_the_first_word_of_the_loss():
    scene = Scene(grace=60)
    scene.presence("online")
    scene.presence("offline")
    scene.after(40)
    scene.presence(None)
    scene.after(21)
    assert scene.session.state is SessionState.CLOSED


def test_a_shutdown_closes_it_at_once():
    scene = Scene(grace=60)
    scene.presence("online")
    scene.presence("shutdown")
    assert scene.session.state is SessionState.CLOSED


def test_each_time_the_node_comes_there_is_a_new_session():
    scene = Scene()
    for _ in range(3):
        scene.presence("online")
        scene.presence("shutdown")
        scene.after(10)
    assert len(scene.told.sessions) == 3
    assert scene.told.open == []


def test_a_node_that_comes_and_goes_all_the_time_has_a_session_every_ten_seconds():
    scene = Scene()
    for i in range(100):
        scene.presence("online")
        scene.entry({"rpm": i}, BASE + i * MS)
        scene.presence("shutdown")
        scene.after(1)
    assert len(scene.told.sessions) == 10
    scene.presence("online")
    scene.after(10)
    samples = [v for s in scene.told.samples.values() for _, v in s["rpm:car.engine.live"]]
    assert samples == list(range(100)), "what comes in between is in the next"


def test_no_two_sessions_have_one_identity_also_where_the_clock_stands_still():
    scene = Scene()
    for _ in range(3):
        scene.presence("online")
        scene.presence("shutdown")
        scene.now = Instant(BASE, scene.now.at + 10)
    assert len(scene.told.sessions) == 3


def test_what_came_while_none_was_open_goes_into_the_next():
    scene = Scene()
    scene.entry({"rpm": 1}, BASE - 5000 * MS)
    scene.presence("online")
    assert scene.samples == {"rpm:car.engine.live": [(BASE - 5000 * MS, 1.0)]}


def test_late_entries_widen_the_time_range():
    scene = Scene()
    scene.presence("online")
    scene.entry({"rpm": 2}, BASE)
    scene.entry({"rpm": 1}, BASE - 3600_000 * MS)
    bursts = [u.burst for u in scene.told.updates if hasattr(u, "burst")]
    assert bursts[-1].time_range == TimeRange(BASE - 3600_000 * MS, BASE)
    scene.presence("shutdown")
    assert scene.session.span == TimeRange(BASE - 3600_000 * MS, BASE)


def test_what_comes_together_is_one_burst_in_time_order():
    scene = Scene()
    scene.presence("online")
    entries = [(BASE + i * MS, {"rpm": i}) for i in (2, 0, 1)]
    scene.sessions.entries(NODE, "car.engine", "live", entries, scene.now)
    scene.entry({"gear": 3})
    assert sum(hasattr(u, "burst") for u in scene.told.updates) == 1
    assert scene.samples["rpm:car.engine.live"] == [(BASE + i * MS, i) for i in range(3)]


def test_nodes_have_sessions_of_their_own():
    scene = Scene()
    for number, node in enumerate(("a", "b")):
        scene.presence("online", node)
        scene.entry({"rpm": number}, node=node)
    found = {s.identifier: scene.told.samples[i] for i, s in scene.told.sessions.items()}
    assert found == {"a": {"rpm:car.engine.live": [(BASE, 0)]}, "b": {"rpm:car.engine.live": [(BASE, 1)]}}


def test_sessions_that_others_have_closed_are_opened_anew_for_nodes_that_are_there():
    scene = Scene()
    scene.presence("online", "a")
    scene.presence("shutdown", "b")
    scene.sessions.forget_sessions()
    scene.after(1)
    kinds = [(type(u), u.identity[0]) for u in scene.told.updates if isinstance(u, OpenSession | CloseSession)]
    assert kinds == [(OpenSession, "a"), (OpenSession, "a")]


def test_nodes_over_the_bound_are_left_out_and_counted():
    scene = Scene(max_nodes=2)
    for node in ("a", "b", "c", "d"):
        scene.presence("online", node)
        scene.entry({"rpm": 1}, node=node)
    assert [s.identifier for s in scene.told.sessions.values()] == ["a", "b"]
    assert scene.report.faults == [("tmc", "nodes")] * 4


def test_what_waits_for_a_session_is_bounded_and_the_newest_of_it_stay():
    scene = Scene()
    scene.sessions.entries(NODE, "car.engine", "live", [(BASE + i * MS, {"rpm": i}) for i in range(20_000)], scene.now)
    assert scene.sessions.size <= 4 << 20
    scene.presence("online")
    samples = scene.samples["rpm:car.engine.live"]
    assert samples[-1] == (BASE + 19_999 * MS, 19_999)
    assert len(samples) + scene.report.counts["rta_remote_left_out_total"] == 20_000
    assert scene.sessions.size == 0


def test_a_node_that_waits_does_not_push_out_what_others_have():
    scene = Scene()
    scene.entry({"rpm": 7}, node="quiet")
    scene.sessions.entries("loud", "car.engine", "live", [(BASE, {"rpm": i}) for i in range(20_000)], scene.now)
    scene.presence("online", "quiet")
    assert scene.samples == {"rpm:car.engine.live": [(BASE, 7)]}


# ---- clocks that are wrong

DAY = 86_400_000 * MS
YEAR = 365 * DAY


@pytest.mark.parametrize("ts", [0, BASE - 56 * YEAR, BASE - 21 * YEAR, BASE + DAY + MS, BASE + 14 * YEAR])
def test_an_entry_of_an_absurd_time_is_left_out_and_stretches_nothing(ts):
    scene = Scene(clocks=ClockBounds())
    scene.presence("online")
    scene.entry({"rpm": 800}, BASE - 3 * DAY)
    scene.entry({"rpm": 801}, ts)
    scene.entry({"rpm": 802}, BASE + MS)
    scene.presence("shutdown")
    assert scene.session.span == TimeRange(BASE - 3 * DAY, BASE + MS)
    assert [value for _, value in scene.samples["rpm:car.engine.live"]] == [800, 802]
    assert scene.report.faults == [(f"tmc: {NODE}", "clock")]


@pytest.mark.parametrize("ts", [BASE - 14 * YEAR, BASE + DAY])
def test_an_entry_of_an_old_recording_or_of_another_day_is_taken(ts):
    scene = Scene(clocks=ClockBounds())
    scene.presence("online")
    scene.entry({"rpm": 800}, ts)
    scene.presence("shutdown")
    assert scene.session.span == TimeRange(ts, ts)
    assert scene.report.faults == []


@pytest.mark.parametrize("ts", [MS, BASE + 100 * YEAR])
def test_without_bounds_any_time_is_taken(ts):
    scene = Scene(clocks=FREE)
    scene.presence("online")
    scene.entry({"rpm": 800}, ts)
    scene.presence("shutdown")
    assert scene.session.span == TimeRange(ts, ts)


def test_an_entry_that_is_left_out_takes_no_channel():
    scene = Scene(clocks=ClockBounds())
    scene.presence("online")
    scene.entry({"rpm": 800}, 0)
    scene.presence("shutdown")
    assert not scene.sessions.learned
