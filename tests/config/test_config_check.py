"""Transports check the files and places their options name."""

from __future__ import annotations

import pytest

from rta.config import build_config, check_config
from rta.ports import Context


@pytest.mark.usefixtures("plug_ins")
def test_every_transport_is_asked_and_every_answer_carries_its_key(load, tmp_path):
    config = load(
        """
        topics = { transport = "everything", address = "t" }
        [[source]]
        name = "plain"
        transport = "span"
        [[source]]
        name = "wrx"
        transport = "everything"
        address = "s"
        """
    )
    asked = []

    def context_for(name):
        asked.append(name)
        return Context(name, tmp_path, lambda: 0, None)

    assert check_config(config, context_for) == [
        f"{tmp_path}/site.toml: topics: topics: t is not there",
        f"{tmp_path}/site.toml: topics: looked in {tmp_path}",
        f'{tmp_path}/site.toml: source[1] (source "wrx"): wrx: s is not there',
        f'{tmp_path}/site.toml: source[1] (source "wrx"): looked in {tmp_path}',
    ]
    assert set(asked) == {"buffer", "topics", "edge", "plain", "wrx"}


def test_a_configuration_of_memory_has_nothing_to_check(tmp_path):
    assert check_config(build_config({}, {}), lambda name: Context(name, tmp_path, lambda: 0, None)) == []


@pytest.mark.usefixtures("plug_ins")
def test_an_edge_without_an_address_cannot_serve_for_several_workers(tmp_path):
    config = build_config({"site": {"workers": 2}, "buffer": {"transport": "redis"}, "edge": {"transport": "lazy"}}, {})
    problems = check_config(config, lambda name: Context(name, tmp_path, lambda: 0, None))
    assert problems == ['edge.transport: "lazy" cannot share its port, and there are 2 workers']


def test_the_edge_that_comes_with_us_can(tmp_path):
    config = build_config({"site": {"workers": 2}, "buffer": {"transport": "redis"}}, {})
    assert check_config(config, lambda name: Context(name, tmp_path, lambda: 0, None)) == []
