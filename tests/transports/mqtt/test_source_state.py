"""The numbers of channels are kept in the state directory."""

from __future__ import annotations

import json
import os

import pytest
import trio
from remote_node import NODE, Node, entry, hearing
from rta_transports.memory import MemoryBroker
from rta_transports.mqtt.channel_file import ChannelFile
from rta_transports.mqtt.sessions import read_channels
from structlog.testing import capture_logs

from rta.consumer.counts import Counts
from rta.errors import DamagedFileError, MalformedError
from rta.ports import Context
from rta.state_file import read_document
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


@pytest.mark.parametrize("damage", ["", "{", "[]", "\0" * 100, '{"form": 1, "nodes": {"n": [["a", "", 1, "", 1]]}}'])
async def test_a_damaged_file_is_set_aside_each_time(autojump_clock, broker, tmp_path, damage):
    for times in (1, 2):
        (tmp_path / "remote-plant.json").write_text(damage)
        with capture_logs() as logs:
            assert await run(broker, tmp_path, "oil") == {"oil": 1}
        assert any(line["event"] == "channels are numbered anew" for line in logs)
        kept = list(tmp_path.glob("remote-plant.json.damaged-*"))
        assert [found.read_text() for found in kept] == [damage] * times
    assert json.loads((tmp_path / "remote-plant.json").read_text())["nodes"]


async def test_no_flipped_bit_gives_a_channel_another_number(autojump_clock, broker, tmp_path):
    path = tmp_path / "remote-plant.json"
    await run(broker, tmp_path, "rpm", "oil")
    written = path.read_bytes()
    for bit in range(8 * len(written)):
        flipped = bytearray(written)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            found = read_channels(read_document(path, 1000))
        except (DamagedFileError, MalformedError):
            continue
        assert [origin.attribute for origin, _ in found[NODE]] == ["rpm", "oil"]


async def test_a_pipe_in_its_place_holds_nothing_up(autojump_clock, broker, tmp_path):
    os.mkfifo(tmp_path / "remote-plant.json")
    assert await run(broker, tmp_path, "oil") == {"oil": 1}
    assert (tmp_path / "remote-plant.json").is_file()


async def test_a_source_of_any_name_has_its_file(tmp_path):
    names = ["å" * 300, "å" * 301, "../x", "x" * 250]
    for name in names:
        file = ChannelFile(Context(name, tmp_path, lambda: 0, Counts(), tmp_path))
        assert file.read() == {}
        file.write({"form": 1, "nodes": {name: []}})
        assert file.read() == {name: []}
    assert len(list(tmp_path.iterdir())) == len(names)


async def test_a_directory_that_cannot_be_written_to_stops_nothing(autojump_clock, broker, tmp_path):
    (tmp_path / "state").write_text("a file")
    with capture_logs() as logs:
        assert await run(broker, tmp_path / "state", "rpm", "oil") == {"rpm": 1, "oil": 2}
    said = [line for line in logs if line["event"] == "the numbers of channels cannot be kept"]
    assert len(said) == 1
