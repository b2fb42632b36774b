"""Large JSON is read in another process."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import trio
from read_elsewhere import broken, endless, hungry, whose, with_the_end

from rta.errors import MalformedError, NotConnectedError
from rta.large_json import SMALL, inspect_burst, inspect_large, read_large
from rta.wire import SessionState, TimeRange, json_item, make_burst
from rta.wire.json_text import JsonLimits
from rta.wire.session_json import Glance

pytestmark = pytest.mark.processes


def session(size: int = 0) -> str:
    return json.dumps(
        {"identity": "a", "state": "open", "timeRange": {"startTime": 1, "endTime": 2}, "details": {"x": "y" * size}}
    )


@pytest.fixture(autouse=True)
def _found_by_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


SEEN = Glance("a", SessionState.OPEN, TimeRange(1, 2))


@pytest.mark.parametrize("size", [0, 2 * SMALL])
async def test_a_session_json_is_inspected_whatever_its_size(size: int) -> None:
    assert await inspect_large(session(size)) == SEEN


async def test_only_what_is_large_goes_to_another_process() -> None:
    assert await read_large(whose, "x" * SMALL) == os.getpid()
    assert await read_large(whose, "x" * (SMALL + 1)) != os.getpid()


async def test_arguments_go_along_and_the_text_is_the_same() -> None:
    assert await read_large(with_the_end, "x" * SMALL + "æ\ud800", "b") == "æ\ud800b"


@pytest.mark.parametrize("size", [0, 2 * SMALL])
async def test_what_is_too_deep_is_refused_wherever_it_is_read(size: int) -> None:
    text = '{"x":' + "[" * 70 + f'"{"y" * size}"' + "]" * 70 + "}"
    with pytest.raises(MalformedError, match="nested too deeply") as caught:
        await inspect_large(text)
    assert caught.value.kind == "oversize"


async def test_what_has_too_many_items_starts_no_process() -> None:
    with pytest.raises(MalformedError, match="about 200002 items; at most 1000"):
        await inspect_large('{"x":[' + "1," * 200_000 + "1]}", JsonLimits(1 << 20, 1000))


async def test_every_session_json_of_a_burst_is_inspected() -> None:
    texts = [session(), session(2 * SMALL), "no JSON"]
    burst = await inspect_burst(make_burst([json_item(text) for text in texts]), JsonLimits(1 << 20, 1000))
    assert burst.inspected == (SEEN, SEEN, Glance(None, SessionState.UNKNOWN, None))
    assert burst.session_json == tuple(texts)


async def test_a_programming_error_is_one_here() -> None:
    with pytest.raises(RuntimeError, match="a programming error"):
        await read_large(broken, "x" * (SMALL + 1))


async def test_a_text_that_takes_too_much_memory_is_refused() -> None:
    with pytest.raises(MalformedError, match="takes too much memory"):
        await read_large(hungry, "x" * (SMALL + 1))


async def test_no_process_is_no_fault_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rta.large_json.python_command", lambda module: ["/nonexistent/python"])
    with pytest.raises(NotConnectedError, match="no process can be started"):
        await inspect_large(session(2 * SMALL))


async def test_a_process_that_ends_before_it_has_begun_is_no_fault_of_the_text_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rta.large_json.python_command", lambda module: ["/bin/sh", "-c", "echo no room >&2; exit 1"])
    with pytest.raises(NotConnectedError, match="no process can be started for a large JSON text: no room"):
        await inspect_large(session(2 * SMALL))


async def test_a_text_that_takes_too_long_is_refused_and_whoever_is_cancelled_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("rta.large_json._LONGEST", 0.5)
        with pytest.raises(MalformedError, match=r"not read within 0\.5 s"):
            await read_large(endless, "x" * (SMALL + 1))
    with trio.move_on_after(0.5) as scope:
        await read_large(endless, "x" * (SMALL + 1))
    assert scope.cancelled_caught
    assert await inspect_large(session(2 * SMALL)) == SEEN
