"""Wrong bits anywhere in the files of an archive: what is damaged is reported and left out, the rest is served."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from rta_transports.sqlite import calls
from rta_transports.sqlite.store import ArchiveStore
from rta_transports.sqlite.upkeep import upkeep

from rta.errors import ArchiveError
from rta.ports import ArchiveLimits, DataKind, Entry, Portion, Position
from rta.testing.archive_samples import samples_in
from rta.testing.bursts import numbered_burst

from .damage import NOW, SECOND, SESSIONS, all_upkeep, bursts_of, fill, flip, samples, tried


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "whole"
    fill(folder)
    return folder


def expected(identity: str) -> list[object]:
    number = SESSIONS.index(identity)
    return sorted(s for burst in bursts_of(number) for s in samples_in(burst, DataKind.TIMESTAMPED))


def test_without_wrong_bits_all_is_there(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "copy")
    store = ArchiveStore(tmp_path / "copy")
    try:
        for identity in SESSIONS:
            assert samples(store, identity) == (expected(identity), 0)
        all_upkeep(store, NOW + 1000 * SECOND)
        assert not store.damage
    finally:
        store.close()


@pytest.mark.parametrize("seed", range(12))
def test_wrong_bits_are_reported_and_the_rest_is_served(whole: Path, tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    rng = random.Random(seed)
    flip(folder, rng, rng.choice((1, 1, 3, 10)))
    missing = []
    for opening in range(2):
        store = ArchiveStore(folder)
        try:
            for identity in SESSIONS:
                found = tried(store, identity)
                if found is not None:
                    assert not Counter(found) - Counter(expected(identity))
            all_upkeep_in_spite(store)
            for identity in SESSIONS:
                found = tried(store, identity)
                assert found is not None, f"{identity} cannot be read after it was mended"
                assert not Counter(found) - Counter(expected(identity))
                if opening and len(found) < len(expected(identity)):
                    missing.append(identity)
            calls.append(
                store,
                Portion(
                    "new", [Entry(Position(5, 5), 99, numbered_burst(1))], {99: ("n", Position(1, 0))}, Position(5, 5)
                ),
            )
            assert tried(store, "n")
            if opening == 0:
                reported = bool(store.damage)
        finally:
            store.close()
    assert len(missing) <= 10
    if missing:
        assert reported


def all_upkeep_in_spite(store: ArchiveStore) -> None:
    for _ in range(10):
        try:
            all_upkeep(store, NOW + 1000 * SECOND)
        except ArchiveError:
            continue
        return
    upkeep(store, NOW + 1000 * SECOND, ArchiveLimits())
