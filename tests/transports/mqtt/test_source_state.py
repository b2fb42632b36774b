"""The numbers of channels are kept in the state directory."""

from __future__ import annotations

import json

import pytest
import trio
from remote_node import Node, entry, hearing
from rta_transports.memory import MemoryBroker
from structlog.testing import capture_logs

from rta.wire import read_configuration


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


async def run(broker, state_dir, *attributes) -> dict[str, int]:
    """The channels of the session in which a node has reported these."""
    async with Node(broker).connected() as node, hearing(broker, state_dir=state_dir) as heard:
        node.presence("online")
        for seq, attribute in enumerate(attributes, 1):
            node.status(entry(trio.current_time(), seq, **{attribute: 1}))
            await trio.sleep(1)
        session = list(heard.told.sessions.values())[-1]
        return {
            p.name: p.channels[0] + binding.channel_offset
            for binding in session.config_bindings
            for _, p in read_configuration(heard.told.documents[binding.identifier]).parameters()
        }


async def test_channels_have_the_same_numbers_after_a_restart(autojump_clock, broker, tmp_path):
    state = tmp_path / "state"
    assert await run(broker, state, "rpm", "oil") == {"rpm": 1, "oil": 2}
    assert await run(broker, state, "new", "oil") == {"rpm": 1, "oil": 2, "new": 3}
    assert [p.name for p in state.iterdir()] == ["remote-plant.json"]


async def test_without_a_state_directory_they_may_not_and_that_is_said_once(autojump_clock, broker):
    with capture_logs() as logs:
        await run(broker, None, "rpm", "oil")
    assert [line["log_level"] for line in logs if "no state_dir" in line["event"]] == ["warning"]
    assert await run(broker, None, "oil") == {"oil": 1}


@pytest.mark.parametrize("damage", ["", "{", "[]", "\0" * 100])
async def test_a_damaged_file_is_set_aside(autojump_clock, broker, tmp_path, damage):
    (tmp_path / "remote-plant.json").write_text(damage)
    with capture_logs() as logs:
        assert await run(broker, tmp_path, "oil") == {"oil": 1}
    assert any(line["event"] == "channels are numbered anew" for line in logs)
    assert (tmp_path / "remote-plant.damaged").read_text() == damage
    assert json.loads((tmp_path / "remote-plant.json").read_text())["nodes"]


async def test_a_directory_that_cannot_be_written_to_stops_nothing(autojump_clock, broker, tmp_path):
    (tmp_path / "state").write_text("a file")
    with capture_logs() as logs:
        assert await run(broker, tmp_path / "state", "rpm", "oil") == {"rpm": 1, "oil": 2}
    said = [line for line in logs if line["event"] == "the numbers of channels cannot be kept"]
    assert len(said) == 1
