"""Finding transports by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from rta.errors import RtaError
from rta.ports import GROUP, Transport, available, load_transport, transport


@pytest.fixture
def install(monkeypatch):
    """Make these the installed transports: name to `module:attribute`."""

    def install(**values):
        found = {name: EntryPoint(name, value, GROUP) for name, value in values.items()}
        monkeypatch.setattr(transport, "entry_points", lambda group: list(found.values()))

    return install


def test_memory_comes_with_the_project():
    assert available()["memory"].group == "rta.transports"


def test_memory_is_a_log_and_a_topic_bus():
    memory = load_transport("memory")
    assert memory.log is not None
    assert memory.topics is not None
    assert memory.summary


def test_available_has_every_installed_transport_by_name(install):
    install(one="json:loads", two="rta_transports.memory:TRANSPORT")
    assert sorted(available()) == ["one", "two"]


def test_looking_what_is_available_imports_nothing(install):
    install(broken="no.such.module:TRANSPORT")
    assert list(available()) == ["broken"]


def test_what_is_loaded_is_the_transport_itself(install):
    install(mine="rta_transports.memory:TRANSPORT")
    assert isinstance(load_transport("mine"), Transport)


def test_an_unknown_name_is_told_with_those_that_there_are(install):
    install(redis="x:y", memory="x:y")
    with pytest.raises(RtaError, match=r"no transport 'rediss' is installed; there are: memory, redis$"):
        load_transport("rediss")


def test_an_unknown_name_is_told_where_there_are_none(install):
    install()
    with pytest.raises(RtaError, match=r"no transport 'redis' is installed; there are: none$"):
        load_transport("redis")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no.such.module:TRANSPORT", "No module named 'no'"),
        ("rta_transports.memory:NO_SUCH_NAME", "NO_SUCH_NAME"),
    ],
)
def test_a_transport_that_does_not_import_is_told_with_the_reason(install, value, reason):
    install(mine=value)
    with pytest.raises(RtaError, match=rf"transport 'mine' \({value}\) does not load: .*{reason}"):
        load_transport("mine")


def test_something_else_than_a_transport_is_told_by_its_type(install):
    install(mine="rta_transports.memory:MemoryLog")
    with pytest.raises(RtaError, match=r"transport 'mine': rta_transports.memory:MemoryLog is a type, not a Transport"):
        load_transport("mine")
