"""What the tests of the configuration share: fake plug-ins, and files to load."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from rta.config import Config, load_config
from rta.errors import ConfigError
from rta.ports import GROUP

FAKES = {
    "everything": "fake_transports:EVERYTHING",
    "span": "fake_transports:SPAN",
    "ordered": "fake_transports:ORDERED",
    "claiming": "fake_transports:CLAIMING",
    "lazy": "fake_transports:LAZY",
    "broken": "fake_transports:MISSING",
    "odd": "fake_transports:NO_TRANSPORT",
}


INSTALLED = list(importlib.metadata.entry_points(group=GROUP))


def found(monkeypatch, entries: list[EntryPoint]) -> None:
    monkeypatch.setattr("rta.ports.transport.entry_points", EntryPoints(entries).select)


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    """The installed transports, looked up once and not for every load of every example."""
    found(monkeypatch, INSTALLED)


@pytest.fixture
def plug_ins(_installed, monkeypatch):
    """The fake transports beside the installed ones."""
    found(monkeypatch, INSTALLED + [EntryPoint(name, value, GROUP) for name, value in FAKES.items()])


@pytest.fixture
def load(tmp_path) -> Callable[..., Config]:
    """Load a document, with variables as keywords."""
    path = tmp_path / "site.toml"

    def load_text(text: str, **environ: str) -> Config:
        path.write_text(text, encoding="utf-8")
        return load_config(path, environ)

    return load_text


@pytest.fixture
def problems(load, tmp_path) -> Callable[..., list[str]]:
    """The problems of a document, without the folder of the file."""

    def problems_of(text: str, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, **environ)
        return [problem.replace(f"{tmp_path}/", "") for problem in caught.value.problems]

    return problems_of
