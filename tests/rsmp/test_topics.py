"""Topics of a node, read and written."""

from __future__ import annotations

import pytest

from rta.rsmp.topics import NodeTopics, TopicAddress, TopicKind, is_response_topic, valid_node

TOPICS = NodeTopics("dk/cph/tlc-001")


@pytest.mark.parametrize(
    ("address", "topic"),
    [
        (TopicAddress(TopicKind.PRESENCE), "dk/cph/tlc-001/presence"),
        (TopicAddress(TopicKind.STATUS, "tlc.groups", "live"), "dk/cph/tlc-001/status/tlc.groups/live"),
        (TopicAddress(TopicKind.STATE, "tlc.groups"), "dk/cph/tlc-001/channel/tlc.groups"),
        (TopicAddress(TopicKind.THROTTLE, "tlc.groups", "live"), "dk/cph/tlc-001/throttle/tlc.groups/live"),
        (TopicAddress(TopicKind.COMMAND, "stream.add"), "dk/cph/tlc-001/command/stream.add"),
    ],
)
def test_a_topic_is_written_and_read(address, topic):
    assert TOPICS.topic(address.kind, address.code, address.name) == topic
    assert TOPICS.parse(topic) == address


def test_default_is_the_unnamed_stream():
    assert TOPICS.parse("dk/cph/tlc-001/throttle/tlc.groups/default") == TopicAddress(TopicKind.THROTTLE, "tlc.groups")


@pytest.mark.parametrize(
    "topic",
    [
        "dk/cph/tlc-001",
        "dk/cph/tlc-0010/presence",
        "dk/cph/presence",
        "dk/cph/tlc-001/presence/x",
        "dk/cph/tlc-001/status/a.b/c/d",
        "dk/cph/tlc-001/weather/a.b",
    ],
)
def test_what_is_not_of_the_node_is_nothing(topic):
    assert TOPICS.parse(topic) is None


@pytest.mark.parametrize(
    ("topic", "good"),
    [
        ("tmc/result/a.b", True),
        ("dk/tmc/1/result/a.b", True),
        ("a/result/b/result/a.b", True),
        ("result/a.b", False),
        ("/result/a.b", False),
        ("tmc//x/result/a.b", False),
        ("tmc/result/a.c", False),
        ("tmc/history/a.b", False),
        ("$SYS/result/a.b", False),
        ("tmc/+/result/a.b", False),
        ("tmc/result/a.b/", False),
        ("tmc/result/a.b/default", False),
        ("", False),
    ],
)
def test_answers_go_to_topics_of_one_shape_only(topic, good):
    assert is_response_topic(topic, TopicKind.RESULT, "a.b") is good


@pytest.mark.parametrize(
    ("topic", "code", "name", "good"),
    [
        ("tmc/history/a.b/live", "a.b", "live", True),
        ("dk/tmc/1/history/a.b/live", "a.b", "live", True),
        ("tmc/history/history/history", "history", "history", True),
        ("tmc/history/history", "history", "", True),
        ("tmc/history/a.b", "a.b", "", True),
        ("tmc/history/a.b/default", "a.b", "", True),
        ("tmc/history/a.b", "a.b", "live", False),
        ("tmc/history/a.b/live", "a.b", "", False),
        ("tmc/history/a.b/default", "a.b", "live", False),
        ("tmc/history/a.b/other", "a.b", "live", False),
        ("tmc/result/a.b/live", "a.b", "live", False),
        ("history/a.b/live", "a.b", "live", False),
        ("tmc/+/history/a.b/live", "a.b", "live", False),
        ("$tmc/history/a.b/live", "a.b", "live", False),
        ("tmc/history/a.b/li#e", "a.b", "li#e", False),
        ("tmc/history/", "", "", False),
    ],
)
def test_history_goes_to_the_stream_asked_for(topic, code, name, good):
    assert is_response_topic(topic, TopicKind.HISTORY, code, name) is good


@pytest.mark.parametrize(
    ("node", "good"), [("45fe", True), ("dk/cph", True), ("", False), ("a//b", False), ("a/+", False), ("$a", False)]
)
def test_node_ids(node, good):
    assert valid_node(node) is good
