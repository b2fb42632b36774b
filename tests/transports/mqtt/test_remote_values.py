"""What becomes of a value: samples of numbers, events of texts."""

from __future__ import annotations

import math

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from remote_scene import BASE, MS, Scene
from rta_transports.mqtt.sessions.items import ChannelEntry, items_of

from rta.wire import ChannelId, encode_timestamped, read_configuration


def online(**options) -> Scene:
    scene = Scene(**options)
    scene.presence("online")
    return scene


@pytest.mark.parametrize(
    ("value", "sample"), [(3, 3.0), (-0.125, -0.125), (True, 1.0), (False, 0.0), (1 << 60, 2.0**60)]
)
def test_numbers_and_truth_are_samples(value, sample):
    scene = online()
    scene.entry({"x": value})
    assert scene.samples == {"x:car.engine.live": [(BASE, sample)]}
    assert scene.events == []


@pytest.mark.parametrize(
    ("value", "text"), [("auto", "auto"), ("", ""), ([1, None], "[1,null]"), ("naïve ☃", "naïve ☃")]
)
def test_what_is_no_number_is_an_event(value, text):
    scene = online()
    scene.entry({"mode": value})
    assert scene.events == [("mode:car.engine.live", BASE, text)]
    assert scene.samples == {}


@pytest.mark.parametrize("value", [1.5, -0.0, 1e300])
def test_a_single_sample_is_written_as_any_other(value):
    (item,) = items_of([ChannelEntry(BASE, [(7, value)], [], 0)])
    assert item == encode_timestamped(ChannelId(7), [BASE], [value])


def test_each_component_is_a_channel():
    scene = online()
    scene.entry({"group": {"sg/1": 1, "sg/2": "G", "sg/3": {"deep": 1}}})
    assert scene.samples == {"group_sg_1:car.engine.live": [(BASE, 1)]}
    assert [(code, text) for code, _, text in scene.events] == [
        ("group_sg_2:car.engine.live", "G"),
        ("group_sg_3:car.engine.live", '{"deep":1}'),
    ]


def test_null_is_a_gap_where_there_were_numbers():
    scene = online()
    scene.entry({"rpm": 1})
    scene.entry({"rpm": None}, BASE + MS)
    (_, first), (at, second) = scene.samples["rpm:car.engine.live"]
    assert (first, at) == (1, BASE + MS)
    assert math.isnan(second)


def test_null_is_an_event_where_there_were_texts():
    scene = online()
    scene.entry({"mode": "auto"})
    scene.entry({"mode": None})
    assert [text for *_, text in scene.events] == ["auto", "null"]


def test_null_is_nothing_where_there_was_nothing():
    scene = online()
    scene.entry({"mode": None})
    scene.entry({"mode": "auto"})
    assert scene.samples == {}
    assert [text for *_, text in scene.events] == ["auto"]


def test_what_was_a_number_and_becomes_a_text_is_both():
    scene = online()
    scene.entry({"x": 1})
    scene.entry({"x": "broken"})
    scene.entry({"x": 2})
    assert scene.samples == {"x:car.engine.live": [(BASE, 1), (BASE, 2)]}
    scene.after(20)
    documents = [read_configuration(scene.told.documents[b.identifier]) for b in scene.session.config_bindings]
    applications = [d.applications["car.engine.live"] for d in documents]
    assert [[p.id for p in a.parameters] for a in applications] == [["x:car.engine.live"], []]
    assert [[(e.id, e.code) for e in a.events] for a in applications] == [[], [(1, "x")]]


@pytest.mark.parametrize("ts", [-1, 1 << 63, 10**30])
def test_a_time_that_cannot_be_said_is_counted_and_left_out(ts):
    scene = online()
    scene.entry({"x": 1}, ts)
    scene.entry({"x": 2})
    assert scene.samples == {"x:car.engine.live": [(BASE, 2)]}
    assert [kind for _, kind in scene.report.faults] == ["time"]


TEXTS = st.text(st.characters(), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 64), 1 << 64) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
NAMES = st.text(st.characters(), max_size=8)


ENTRY = st.tuples(st.integers(0, (1 << 63) - 1), NAMES, NAMES, st.dictionaries(NAMES, VALUES, max_size=4))


@settings(max_examples=examples(60))
@given(st.lists(ENTRY, max_size=8))
def test_whatever_a_node_publishes_becomes_something_that_can_be_read(entries):
    scene = online(max_channels=5)
    for ts, code, name, values in entries:
        scene.entry(values, ts, code, name)
    scene.after(100)
    scene.presence("shutdown")
    assert scene.told.open == []
    assert all(":" in name for session in scene.told.samples.values() for name in session), "all have parameters"
    assert all(":" in code for session in scene.told.events.values() for code, *_ in session), "all have definitions"
