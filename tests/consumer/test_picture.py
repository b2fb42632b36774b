"""The picture of nodes: whatever they send, it stays one, and stays bounded."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.consumer import picture as picture_module
from rta.consumer.counts import Counts
from rta.consumer.events import AlarmChanged, GapFound, GapHealed, PresenceChanged, StreamChanged
from rta.consumer.patterns import read_pattern
from rta.consumer.picture import ALARMS, STREAMS, Picture
from rta.rsmp.topics import TopicAddress, TopicKind
from rta.wire.values import Ns

from .fake_node import entry

NODE = "n"
LIVE = TopicAddress(TopicKind.STATUS, "car.engine", "live")
NOW = Ns(5)


class Fed:
    def __init__(self) -> None:
        self.report = Counts()
        self.picture = Picture(self.report)

    def feed(
        self, kind: TopicKind, value: Any, code: str = "car.engine", name: str = "live", retained: bool = False
    ) -> list[Any]:
        payload = value if isinstance(value, bytes) else cbor2.dumps(value)
        return self.picture.feed(NODE, TopicAddress(kind, code, name), payload, retained, NOW)

    def status(self, *entries: Any, **more: Any) -> list[Any]:
        return self.feed(TopicKind.STATUS, {"entries": list(entries)}, **more)

    @property
    def node(self) -> Any:
        return self.picture.nodes[NODE]

    @property
    def left_out(self) -> float:
        return self.report.counts.get("rta_consumer_left_out_total{reason=bound}", 0)


def alarm(active: bool, component: str | None = None, second: int = 1) -> dict[str, Any]:
    return {"ts": entry(second)["ts"], "component": component, "active": active, "values": {}}


def test_a_presence_is_told_when_it_changes():
    fed = Fed()
    told = [fed.feed(TopicKind.PRESENCE, said) for said in ("online", "online", "offline", b"")]
    assert [[e.presence for e in events] for events in told] == [["online"], [], ["offline"], [None]]
    assert fed.picture.nodes == {}


def test_a_state_is_told_when_it_changes_and_a_stream_that_is_no_more_is_gone():
    fed = Fed()
    told = [
        fed.feed(TopicKind.STATE, s) for s in ({"state": "running"}, {"state": "running"}, {"state": "stopped"}, b"")
    ]
    assert [[e.state for e in events] for events in told] == [["running"], [], ["stopped"], [None]]
    assert fed.picture.nodes == {}


@pytest.mark.parametrize("clear", [b"", b"\xf6"])
def test_whatever_clears_a_topic_is_understood_whether_nothing_or_null(clear):
    fed = Fed()
    for kind in (TopicKind.PRESENCE, TopicKind.STATE, TopicKind.STATUS, TopicKind.REPLAY, TopicKind.ALARM):
        assert fed.feed(kind, clear, retained=True) == []
    assert fed.picture.nodes == {}
    fed.feed(TopicKind.STATE, {"state": "running"})
    fed.status(entry(1))
    fed.feed(TopicKind.ALARM, {"entries": [alarm(True)]})
    assert fed.feed(TopicKind.STATUS, clear) == []
    assert [e.full for e in fed.feed(TopicKind.ALARM, clear)] == [True]
    assert [e.state for e in fed.feed(TopicKind.STATE, clear)] == [None]
    assert not fed.report.counts


def test_the_gaps_of_a_stream_that_is_no_more_are_closed():
    fed = Fed()
    fed.status(entry(1))
    fed.status(entry(5))
    events = fed.feed(TopicKind.STATE, b"")
    assert [type(e) for e in events] == [StreamChanged, GapHealed]
    assert fed.picture.gaps == {}


def test_a_stopped_stream_keeps_its_values():
    fed = Fed()
    fed.status(entry(1))
    assert fed.feed(TopicKind.STATUS, b"") == []
    fed.feed(TopicKind.STATE, {"state": "stopped"})
    assert fed.node.streams["car.engine", "live"].values == {"rpm": 1}


def test_a_new_run_begins_with_nothing():
    fed = Fed()
    fed.status(entry(1, rpm=1, oil=2))
    fed.feed(TopicKind.STATE, {"state": "stopped"})
    fed.status(entry(1, second=9, rpm=3))
    assert fed.node.streams["car.engine", "live"].values == {"rpm": 3}


def test_alarms_are_raised_and_ended_by_single_events_and_full_updates():
    fed = Fed()
    assert fed.feed(TopicKind.ALARM, {"entries": [alarm(True, "a"), alarm(True, "b")]}, name="") != []
    assert fed.feed(TopicKind.ALARM, {"entries": [alarm(False, "a")]}, name="") != []
    assert list(fed.node.alarms) == [("car.engine", "b")]
    full = {"entries": [alarm(True, "b")], "full": True}
    assert fed.feed(TopicKind.ALARM, full, name="") == []
    fed.feed(TopicKind.ALARM, {"entries": [alarm(True, "c")], "full": True}, code="car.other", name="")
    (event,) = fed.feed(TopicKind.ALARM, {"entries": [], "full": True}, name="")
    assert isinstance(event, AlarmChanged)
    assert list(fed.node.alarms) == [("car.other", "c")]


def test_streams_alarms_and_nodes_are_bounded(monkeypatch):
    fed = Fed()
    for i in range(STREAMS + 10):
        fed.status(entry(1), name=f"s{i}")
    assert (len(fed.node.streams), fed.left_out) == (STREAMS, 10)
    for i in range(ALARMS + 10):
        fed.feed(TopicKind.ALARM, {"entries": [alarm(True, str(i))]}, name="")
    assert (len(fed.node.alarms), fed.left_out) == (ALARMS, 20)
    monkeypatch.setattr(picture_module, "NODES", 3)
    for i in range(5):
        fed.picture.feed(f"n{i}", TopicAddress(TopicKind.PRESENCE), b"\x66online", False, NOW)
    assert (len(fed.picture.nodes), fed.left_out) == (3, 23)


def test_the_oldest_of_too_many_gaps_is_given_up():
    fed = Fed()
    events = [e for n in range(1, 60, 2) for e in fed.status(entry(n))]
    found, closed = ([e for e in events if isinstance(e, kind)] for kind in (GapFound, GapHealed))
    stream = fed.node.streams["car.engine", "live"]
    assert (len(found), len(closed), len(stream.gaps), stream.lost) == (29, 13, 16, 13)
    assert closed[0].after_seq == 1


def test_a_gap_that_jumps_without_end_costs_nothing():
    fed = Fed()
    fed.status(entry(1))
    (gap, _) = fed.status(entry(2**62, second=2))
    assert gap.before_seq == 2**62


@pytest.mark.parametrize(
    ("pattern", "topic", "node"),
    [
        ("dk/cph/+", "dk/cph/a/status/car.x/live", "dk/cph/a"),
        ("dk/cph/+", "dk/cph/status/status/car.x/live", "dk/cph/status"),
        ("a", "a/presence", "a"),
        ("a", "a/status/status/car.x", None),
        ("a", "a/presence/x", None),
        ("a", "a/alarm/car.hot/live", None),
        ("+", "$a/presence", None),
        ("+", "a b/presence", None),
    ],
)
def test_topics_are_read_by_the_levels_of_the_pattern(pattern, topic, node):
    said = read_pattern(pattern).parse(topic)
    assert (said[0] if said else None) == node


KINDS = st.sampled_from([TopicKind.PRESENCE, TopicKind.STATE, TopicKind.STATUS, TopicKind.REPLAY, TopicKind.ALARM])
ENTRY = st.fixed_dictionaries(
    {"ts": st.sampled_from([entry(n)["ts"] for n in range(4)] + [None, "x"])},
    optional={
        "seq": st.integers(-1, 6) | st.none() | st.just("x"),
        "values": st.dictionaries(
            st.sampled_from("ab"), st.integers() | st.dictionaries(st.text("x", max_size=1), st.none())
        ),
        "active": st.booleans(),
        "component": st.sampled_from(["sg/1", None, 5]),
    },
)
PAYLOAD = (
    st.binary(max_size=20)
    | st.sampled_from(["online", "offline", {"state": "running"}, {"state": "stopped"}]).map(cbor2.dumps)
    | st.fixed_dictionaries(
        {"entries": st.lists(ENTRY, max_size=4)}, optional={"full": st.booleans(), "done": st.booleans()}
    ).map(cbor2.dumps)
)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.tuples(KINDS, st.sampled_from(["", "live"]), PAYLOAD, st.booleans()), max_size=25))
def test_whatever_is_fed_open_gaps_and_events_agree(messages):
    fed = Fed()
    open_gaps = 0
    presence = None
    for kind, name, payload, retained in messages:
        for event in fed.feed(kind, payload, name=name, retained=retained):
            open_gaps += isinstance(event, GapFound)
            open_gaps -= isinstance(event, GapHealed)
            if isinstance(event, PresenceChanged):
                presence = event.presence
    node = fed.picture.nodes.get(NODE)
    assert (node.presence if node else None) == presence
    assert open_gaps == len(fed.picture.gaps) == sum(len(s.gaps) for s in (node.streams.values() if node else ()))
