"""Finding the alarms of plug-ins by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from rta.errors import RtaError
from rta.ports.alarm import ALARMS, Alarm, Board, load_alarms


async def watch(board: Board) -> None:
    """Nothing to be seen."""


DOOR = Alarm("cabinet.door", watch)


@pytest.fixture
def installed(monkeypatch):
    def install(*more: EntryPoint, **values: str) -> None:
        found = EntryPoints([*more, *(EntryPoint(name, value, ALARMS) for name, value in values.items())])
        monkeypatch.setattr("rta.ports.alarm.entry_points", found.select)

    return install


def test_they_are_found_by_the_name_of_the_entry_point(installed):
    installed(door=f"{__name__}:DOOR")
    assert load_alarms() == {"door": DOOR}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("no_such_module:DOOR", "does not load"),
        (f"{__name__}:NOTHING", "does not load"),
        (f"{__name__}:watch", "is a function, not an Alarm"),
    ],
)
def test_what_is_none_says_why(installed, value, why):
    installed(door=value)
    with pytest.raises(RtaError, match=rf"^alarm 'door'.*{why}"):
        load_alarms()


def test_two_of_one_name_are_refused_and_none_is_lost_unseen(installed):
    installed(EntryPoint("door", f"{__name__}:DOOR", ALARMS), door=f"{__name__}:DOOR")
    with pytest.raises(RtaError, match="two plug-ins offer an alarm 'door'"):
        load_alarms()
