"""What can be said of a source of remote nodes in a configuration."""

from __future__ import annotations

import pytest
from rta_transports.mqtt import MqttSourceOptions

from rta.config import build_config
from rta.errors import ConfigError


def load(**options) -> MqttSourceOptions:
    source = {"name": "plant", "transport": "mqtt", "consumer": "tmc", "nodes": ["dk/cph/+", "45fe"], **options}
    return build_config({"source": [source]}, {}).sources[0].options


def problems(**options) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(**options)
    return caught.value.problems


def test_it_has_the_options_of_the_broker_and_its_own():
    options = load(host="broker", tls=True, start=["car.engine/live", "car.fuel"], grace="5s")
    assert options.where() == "broker:8883"
    assert (options.consumer, options.nodes, options.grace) == ("tmc", ["dk/cph/+", "45fe"], 5.0)


@pytest.mark.parametrize("nodes", [[], ["dk/#"], ["dk/c+"], ["$SYS"], ["dk//x"], [""]])
def test_nodes_are_ids_in_which_a_level_may_be_any(nodes):
    (problem,) = problems(nodes=nodes)
    assert "nodes" in problem


@pytest.mark.parametrize("start", ["car", "car.engine/a/b", "+/live", "car.engine/#"])
def test_streams_are_a_code_and_perhaps_a_name(start):
    (problem,) = problems(start=[start])
    assert "start" in problem


@pytest.mark.parametrize("consumer", ["", "a b", "a/+"])
def test_we_need_an_id(consumer):
    (problem,) = problems(consumer=consumer)
    assert "consumer" in problem


def test_the_password_is_not_shown():
    assert "secret" not in repr(load(username="tmc", password="secret"))
