"""Topics and filters, as tables and as rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.ports import topic_matches, valid_filter, valid_topic

LONGEST = 65535

TOPICS = [
    "a",
    "a/b",
    "/",
    "/a",
    "a/",
    "a//b",
    " ",
    "$SYS/uptime",
    "ä/路/🚗",
    "a" * LONGEST,
    "é" * (LONGEST // 2),
]
NO_TOPICS = [
    "",
    "+",
    "#",
    "a/+/b",
    "a/#",
    "a+",
    "#a",
    "\0",
    "a\0b",
    "a" * (LONGEST + 1),
    "é" * (LONGEST // 2 + 1),
]

FILTERS = [*TOPICS, "+", "#", "+/+", "a/+", "+/a", "a/+/b", "a/#", "/#", "+/#", "/+", "$SYS/#", "//+//#"]
NO_FILTERS = [
    "",
    "a+",
    "+a",
    "++",
    "a/b+",
    "a/+b/c",
    "a#",
    "#a",
    "##",
    "#/a",
    "a/#/b",
    "a/#b",
    "+#",
    "\0",
    "a/\0/#",
    "a" * (LONGEST + 1),
    "é" * (LONGEST // 2 + 1),
]

MATCHES = [
    ("a", "a"),
    ("a/b", "a/b"),
    ("+", "a"),
    ("+", " "),
    ("+/b", "a/b"),
    ("a/+", "a/b"),
    ("a/+", "a/"),
    ("+/a", "/a"),
    ("/+", "/a"),
    ("+/+", "/"),
    ("a/+/c", "a/b/c"),
    ("a/+/c", "a//c"),
    ("#", "a"),
    ("#", "a/b/c"),
    ("#", "/"),
    ("a/#", "a"),
    ("a/#", "a/b"),
    ("a/#", "a/b/c"),
    ("a/#", "a/"),
    ("+/#", "a"),
    ("+/b/#", "a/b"),
    ("+/b/#", "a/b/c"),
    ("/#", "/a"),
    ("$SYS/#", "$SYS/a/b"),
    ("$SYS/+", "$SYS/a"),
    ("$SYS", "$SYS"),
    ("a/#", "a/$b"),
    ("a/+", "a/$b"),
    ("ä/+", "ä/路"),
]
NO_MATCHES = [
    ("a", "b"),
    ("a", "A"),
    ("a", "a/b"),
    ("a/b", "a"),
    ("a", "a/"),
    ("a/", "a"),
    ("/a", "a"),
    ("a", " a"),
    ("ab", "a"),
    ("+", "a/b"),
    ("+", "/a"),
    ("+", "$SYS"),
    ("+/a", "a"),
    ("a/+", "a"),
    ("a/+", "a/b/c"),
    ("a/+/c", "a/c"),
    ("a/#", "ab"),
    ("a/#", "b/a"),
    ("a/b/#", "a"),
    ("#", "$SYS"),
    ("#", "$SYS/a"),
    ("+/#", "$SYS/a"),
    ("+/a", "$SYS/a"),
    ("$SYS/+", "$SYS"),
    ("é", "e\N{COMBINING ACUTE ACCENT}"),
]


def short(value):
    return repr(value[:10])


@pytest.mark.parametrize("topic", TOPICS, ids=short)
def test_what_is_a_topic_can_be_published_to(topic):
    assert valid_topic(topic)


@pytest.mark.parametrize("topic", NO_TOPICS, ids=short)
def test_what_is_no_topic_cannot(topic):
    assert not valid_topic(topic)


@pytest.mark.parametrize("pattern", FILTERS, ids=short)
def test_what_is_a_filter_can_be_subscribed_to(pattern):
    assert valid_filter(pattern)


@pytest.mark.parametrize("pattern", NO_FILTERS, ids=short)
def test_what_is_no_filter_cannot(pattern):
    assert not valid_filter(pattern)


@pytest.mark.parametrize(("pattern", "topic"), MATCHES)
def test_a_filter_takes_a_topic_that_fits(pattern, topic):
    assert topic_matches(pattern, topic)


@pytest.mark.parametrize(("pattern", "topic"), NO_MATCHES)
def test_a_filter_leaves_a_topic_that_does_not(pattern, topic):
    assert not topic_matches(pattern, topic)


levels = st.text(st.characters(exclude_characters="+#/\0", exclude_categories=["Cs"]), max_size=4)
topics = st.lists(levels, min_size=1, max_size=5).map("/".join).filter(bool)


@given(topics)
def test_every_topic_is_a_filter_that_takes_itself(topic):
    assert valid_topic(topic)
    assert valid_filter(topic)
    assert topic_matches(topic, topic)


@given(topics, topics)
def test_a_filter_without_wildcards_takes_no_other_topic(pattern, topic):
    assert topic_matches(pattern, topic) == (pattern == topic)


@given(topics, st.data())
def test_any_level_may_be_a_plus_except_before_a_dollar(topic, data):
    have = topic.split("/")
    at = data.draw(st.integers(0, len(have) - 1))
    pattern = "/".join([*have[:at], "+", *have[at + 1 :]])
    assert valid_filter(pattern)
    assert topic_matches(pattern, topic) == (at > 0 or not topic.startswith("$"))


@given(topics, st.data())
def test_a_hash_stands_for_any_rest_and_for_none(topic, data):
    have = topic.split("/")
    kept = data.draw(st.integers(1, len(have)))
    pattern = "/".join([*have[:kept], "#"])
    assert valid_filter(pattern)
    assert topic_matches(pattern, topic)
