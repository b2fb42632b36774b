"""The numbers of channels, the documents that describe them, and what is kept of them."""

from __future__ import annotations

import pytest
from remote_scene import BASE, FREE, NODE, Report, Scene
from rta_transports.mqtt.sessions import Instant, RemoteSessions, read_channels

from rta.errors import MalformedError
from rta.ports import Publish, UpdateSession
from rta.wire import read_configuration


def numbers(scene: Scene) -> dict[str, int]:
    """The channel of each parameter of the only session."""
    return {
        p.id: p.channels[0] + binding.channel_offset
        for binding in scene.session.config_bindings
        for application in read_configuration(scene.told.documents[binding.identifier]).applications.values()
        for p in application.parameters
    }


def test_channels_are_counted_up_as_they_come():
    scene = Scene()
    scene.presence("online")
    scene.entry({"rpm": 1, "oil": 2})
    scene.entry({"rpm": 1}, name="slow")
    scene.entry({"level": 1}, code="car.fuel", name="")
    scene.after(20)
    assert numbers(scene) == {
        "rpm:car.engine.live": 1,
        "oil:car.engine.live": 2,
        "rpm:car.engine.slow": 3,
        "level:car.fuel": 4,
    }


def test_samples_come_behind_the_configuration_that_names_them():
    scene = Scene()
    scene.presence("online")
    scene.after(1)
    scene.entry({"rpm": 1})
    assert [type(u).__name__ for u in scene.told.updates[-3:]] == ["Publish", "UpdateSession", "SessionBurst"]
    assert scene.samples == {"rpm:car.engine.live": [(BASE, 1)]}


def test_a_parameter_is_listed_under_its_code_and_described():
    scene = Scene()
    scene.presence("online")
    scene.entry({"group": {"sg/1": 1}})
    (binding,) = scene.session.config_bindings
    application = read_configuration(scene.told.documents[binding.identifier]).applications["car.engine.live"]
    (parameter,) = application.parameters
    assert (parameter.name, parameter.desc) == ("group sg/1", "group sg/1 of car.engine/live")
    assert [(g.id, g.params) for g in application.tree.groups] == [("car.engine", ["group_sg_1:car.engine.live"])]
    assert parameter.conv in [c.name for c in application.conversions]


def test_names_that_look_alike_stay_apart():
    scene = Scene()
    scene.entry({"a-b": 1, "a_b": 2, "1st": 3, "☃": 4, "a_b_2": 5})
    scene.entry({"a b": 6}, code="car/engine")
    scene.presence("online")
    assert sorted(scene.samples) == [
        "_1st:car.engine.live",
        "a_b:car.engine.live",
        "a_b:car_engine.live",
        "a_b_2:car.engine.live",
        "a_b_2_2:car.engine.live",
        "value:car.engine.live",
    ]


def test_a_configuration_grows_by_documents_beside_those_there_are():
    scene = Scene()
    scene.entry({"a": 1, "b": 2})
    scene.presence("online")
    first = scene.session.config_bindings
    scene.after(20)
    scene.entry({"b": 1, "c": 1})
    scene.after(20)
    assert [b.channel_offset for b in scene.session.config_bindings] == [0, 2]
    assert scene.session.config_bindings[:1] == first
    documents = [read_configuration(scene.told.documents[b.identifier]) for b in scene.session.config_bindings]
    assert [[p.name for _, p in d.parameters()] for d in documents] == [["a", "b"], ["c"]], "each once"


def test_a_great_many_channels_are_described_little_by_little():
    scene = Scene()
    scene.entry({f"a{i}": i for i in range(1000)})
    scene.presence("online")
    assert len(numbers(scene)) == 250
    scene.after(10)
    assert len(numbers(scene)) == 1000


def test_a_document_is_named_by_its_content():
    scene = Scene()
    scene.entry({"a": 1, "mode": "☃"})
    scene.presence("online")
    (binding,) = scene.session.config_bindings
    assert read_configuration(scene.told.documents[binding.identifier]).identifier() == binding.identifier


def test_the_next_session_has_one_document_of_all():
    scene = Scene()
    scene.presence("online")
    for name in "abc":
        scene.entry({name: 1})
        scene.after(20)
    scene.presence("shutdown")
    scene.presence("online")
    scene.after(10)
    first, second = scene.told.sessions.values()
    assert (len(first.config_bindings), len(second.config_bindings)) == (3, 1)


def test_a_node_that_names_something_new_all_the_time_costs_a_document_now_and_then():
    scene = Scene()
    scene.presence("online")
    for i in range(1000):
        scene.entry({f"a{i}": i})
        scene.after(0.02)
    scene.after(20)
    assert sum(isinstance(u, Publish | UpdateSession) for u in scene.told.updates) < 120
    assert len(numbers(scene)) == 1000
    (samples,) = scene.told.samples.values()
    assert sum(map(len, samples.values())) == 1000, "no sample waits for its name"


def test_channels_over_the_bound_are_left_out_and_the_others_go_on():
    scene = Scene(max_channels=2)
    scene.presence("online")
    scene.entry({f"a{i}": i for i in range(1000)})
    scene.entry({"a0": 7, "a999": 8})
    assert {name: len(s) for name, s in scene.samples.items()} == {"a0:car.engine.live": 2, "a1:car.engine.live": 1}
    assert scene.report.faults == [(f"tmc: {NODE}", "channels")] * 999


def test_names_that_are_too_long_are_left_out():
    scene = Scene()
    scene.presence("online")
    scene.entry({"x" * 60_000: 1, "y": 2})
    assert scene.samples == {"y:car.engine.live": [(BASE, 2)]}
    assert [kind for _, kind in scene.report.faults] == ["name"]


def test_numbers_outlive_a_restart():
    before = Scene()
    before.entry({"rpm": 1, "mode": "auto"})
    before.entry({"rpm": 1}, node="other")
    after = Scene(known=read_channels(before.sessions.channels_document()))
    after.entry({"new": 1, "rpm": 2})
    after.presence("online")
    assert numbers(after) == {"rpm:car.engine.live": 1, "new:car.engine.live": 3}
    assert read_channels(after.sessions.channels_document())["other"], "one that has not been heard of again is kept"


def test_the_same_channels_have_the_same_documents_after_a_restart():
    def documents(known):
        sessions = RemoteSessions("tmc", Report(), grace=1, max_nodes=9, max_channels=99, clocks=FREE, known=known)
        sessions.entries(NODE, "car.engine", "live", [(BASE, {"a-b": 1, "a_b": 2, "c": "x"})], Instant(BASE, 0.0))
        sessions.presence(NODE, "online", Instant(BASE, 0))
        updates = sessions.updates(Instant(BASE, 0))
        return [u for u in updates if isinstance(u, Publish)], read_channels(sessions.channels_document())

    first, known = documents({})
    assert documents(known)[0] == first


@pytest.mark.parametrize(
    "document",
    [{}, {"form": 2, "nodes": {}}, {"form": 1, "nodes": []}, {"form": 1, "nodes": {"a": [["b"]]}},
     {"form": 1, "nodes": {"a": [["b", "c", "d", 1, 1]]}}, {"form": 1, "nodes": {"a": 7}},
     {"form": 1, "nodes": {}, "more": 1}],
)  # fmt: skip
def test_a_document_that_is_none_is_malformed(document):
    with pytest.raises(MalformedError):
        read_channels(document)
