"""A node with real servers, and what may happen to it: every entry that was committed is delivered.

The same as the soak does (`python -m scripts.soak`), each fault alone and for seconds only.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from rta.testing.patience import within
from scripts.soaking.plan import Fault
from scripts.soaking.sites import Streams
from scripts.soaking.streams_half import StreamsHalf

pytestmark = pytest.mark.processes

PATIENCE = 120.0
CALM = 1.5


async def suffering(folder: Path, *faults: Fault) -> StreamsHalf:
    """A node that has been through these, and had time to put everything right."""
    half = StreamsHalf(folder, Streams(kept=2, plain=2), rate=20, calm=CALM)
    with within(PATIENCE, "the end of the faults"):
        async with trio.open_nursery() as nursery:
            try:
                await half.begin(nursery)
                await half.suffer(faults)
                await half.settle(PATIENCE / 2)
            finally:
                half.close()
                nursery.cancel_scope.cancel()
    return half


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where processes find our code compiled."""
    return str(tmp_path_factory.mktemp("compiled"))


@pytest.fixture
def folder(tmp_path: Path, compiled: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a broker can write that has given up being root."""
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", compiled)
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    return tmp_path


async def test_what_was_committed_during_outages_is_delivered(folder):
    outages = (Fault(0.5, "broker killed", 0.7), Fault(2.5, "broker emptied", 0.3), Fault(4.0, "network cut", 0.7))
    half = await suffering(folder, *outages)
    assert half.wrong == []
    assert half.faults.total() == 3
    assert half.ledger.kinds["replay"] > 0


async def test_a_replay_that_is_cut_goes_on_on_the_next_connection(folder):
    half = await suffering(folder, Fault(0.5, "cut in a replay", 0.5), Fault(1.0, "cut before an acknowledgement", 0.5))
    assert half.wrong == []
    assert half.faults.total() == 2


async def test_a_node_that_is_killed_after_a_full_disk_delivers_all_that_it_could_commit(folder):
    half = await suffering(folder, Fault(0.5, "disk full", 0.7), Fault(3.0, "node killed", 0.0))
    assert half.wrong == []
    assert half.published > half.committed
    assert len(half.node.lives) == 2


async def test_a_history_whose_process_is_killed_goes_on(folder):
    half = await suffering(folder, Fault(0.5, "history killed", 0.0), Fault(1.5, "network cut", 0.5))
    assert half.wrong == []
    assert "ended by itself" in (folder / "node.log").read_text()
    assert len(half.node.lives) == 1
