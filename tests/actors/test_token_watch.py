"""Static tokens are read again when their file changes, and stay when it is damaged."""

from __future__ import annotations

import pytest

from rta.actors.token_watch import TokenWatch
from rta.auth.static_tokens import StaticToken, change_tokens
from rta.health import Health
from rta.ports.access import Role
from rta.testing.patience import until


def add(path, name):
    with change_tokens(path) as tokens:
        tokens.append(StaticToken(name, Role.READ, f"{len(tokens):064x}", 0))


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr("rta.actors.token_watch._PERIOD", 0.01)


@pytest.fixture
def health():
    return Health()


@pytest.fixture
async def watch(nursery, tmp_path, health):
    add(tmp_path / "tokens.json", "first")
    watch = TokenWatch(tmp_path / "tokens.json", health)
    await nursery.start(watch.run)
    return watch


def names(watch):
    return [token.name for token in watch.tokens.value.tokens]


async def becomes(watch, *expected):
    await until(lambda: names(watch) == [*expected], 20, f"the tokens {expected}")


async def test_they_are_there_from_the_start_and_follow_the_file(watch, tmp_path):
    assert names(watch) == ["first"]
    add(tmp_path / "tokens.json", "second")
    await becomes(watch, "first", "second")
    (tmp_path / "tokens.json").unlink()
    await becomes(watch)


async def test_those_of_a_damaged_file_stay_until_it_is_right_again(watch, health, tmp_path):
    before = []
    path = tmp_path / "tokens.json"
    good = path.read_bytes()
    for damage in (b"", b'{"version": 2, "tokens": []}', good[:-9]):
        path.write_bytes(damage)
        await until(lambda before=before: health.notes != before, 20, "the damage is said")
        assert names(watch) == ["first"]
        assert health.healthy
        [note] = before = health.notes
        assert note.startswith("tokens: tokens.json is left out")
    path.write_bytes(good)
    add(path, "second")
    await becomes(watch, "first", "second")
    assert health.notes == []


async def test_a_link_that_leads_elsewhere_is_another_file(nursery, tmp_path):
    link = tmp_path / "tokens.json"
    for name in ("a", "b"):
        add(tmp_path / name, f"of {name}".replace(" ", "-"))
    link.symlink_to("a")
    watch = TokenWatch(link, Health())
    await nursery.start(watch.run)
    assert names(watch) == ["of-a"]
    (tmp_path / "new").symlink_to("b")
    (tmp_path / "new").rename(link)
    await becomes(watch, "of-b")
