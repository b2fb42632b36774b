"""Commands that the configuration adds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from rta.config.load import build_config
from rta.configured_command import forwarding_command
from rta.errors import ConfigError

from .node_stage import Stage
from .test_node_commands import ask

DIM: dict[str, Any] = {
    "code": "sg.dim",
    "topic": "plant/sg/dim",
    "components": ["sg/1", "sg/2"],
    "parameters": {
        "level": {"type": "integer", "min": 0, "max": 100},
        "mode": {"type": "text", "choices": ["day", "night"], "default": "day"},
        "ramp": {"type": "number", "default": 0.5},
        "test": {"type": "bool", "default": False},
    },
}


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


def relaying(table: dict[str, Any]) -> Stage:
    config = build_config({"command": [table]}, {}, Path("site.toml"))
    stage = Stage()
    stage.commands = [forwarding_command(c, stage.bus) for c in config.commands]
    return stage


async def test_a_valid_call_is_passed_on(autojump_clock):
    async with relaying(DIM).running() as stage, stage.heard("plant/#") as got:
        assert await ask(stage, "sg.dim", {"component": "sg/1", "values": {"level": 7, "ramp": 1}}) == {"status": "ok"}
        await trio.sleep(0.01)
        ((topic, message, _),) = got
        assert topic == "plant/sg/dim"
        assert message == {
            "components": ["sg/1"],
            "values": {"level": 7, "mode": "day", "ramp": 1, "test": False},
            "sender": "tmc",
        }


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "level: is required, and not there"),
        ({"level": 101}, "level: expected at most 100, got 101"),
        ({"level": -1}, "level: expected at least 0, got -1"),
        ({"level": 1.5}, "level: expected a whole number, got 1.5"),
        ({"level": True}, "level: expected a whole number, got true"),
        ({"level": 1, "mode": "dusk"}, 'mode: expected one of "day", "night", got "dusk"'),
        ({"level": 1, "test": 1}, "test: expected true or false, got 1"),
        ({"level": 1, "ramp": "slow"}, 'ramp: expected a number, got "slow"'),
    ],
)
async def test_any_other_is_refused_with_the_reason(autojump_clock, values, reason):
    async with relaying(DIM).running() as stage, stage.heard("plant/#") as got:
        result = await ask(stage, "sg.dim", {"values": values})
        assert result["reason"] == reason
        assert got == []


async def test_a_value_that_is_not_known_is_refused(autojump_clock):
    async with relaying(DIM).running() as stage:
        result = await ask(stage, "sg.dim", {"values": {"level": 1, "levle": 2}})
        assert result["values"] == {"field": "levle"}


def test_all_that_is_wrong_with_a_table_is_told():
    with pytest.raises(ConfigError) as raised:
        build_config(
            {
                "command": [
                    {"code": "x", "topic": "a/+"},
                    {"code": "sg.dim", "topic": "a", "components": ["sg/1-3"]},
                    {"code": "stream.list", "topic": "a"},
                    {"code": "a.b", "topic": "a", "parameters": {"p": {"type": "list"}}},
                    {"code": "c.d", "topic": "a"},
                    {"code": "c/d", "topic": "a"},
                ]
            },
            {},
        )
    told = "\n".join(raised.value.problems)
    for key in (
        "command[0].code",
        "command[0].topic",
        "command[1].components",
        "command[2].code",
        "command[3].parameters.p.type",
        "command[5].code",
    ):
        assert key in told
