"""The process of an archive is killed at any moment: what it has acknowledged is there, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from .killing import KilledArchive

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("seed", range(2))
async def test_nothing_is_lost_or_doubled_when_the_process_is_killed(tmp_path: Path, seed: int) -> None:
    archive = KilledArchive(tmp_path / "archive", seed)
    answered = 0
    for _ in range(4):
        answered += await archive.live()
        await archive.check()
    assert answered
