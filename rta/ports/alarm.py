"""Alarms that a plug-in raises. Plug-ins offer them under the entry-point group `rta.alarms`.

Source: docs/rsmp.md, "Alarms".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, Protocol

from attrs import field, frozen

from rta.errors import RtaError
from rta.ports.entry_point import load_entry_point

__all__ = ["ALARMS", "Alarm", "Board", "load_alarms"]

ALARMS = "rta.alarms"


class Board(Protocol):
    """Where a plug-in says how it is."""

    def set(
        self, active: bool, values: Mapping[str, Any] | None = None, component: str = "", ts: int | None = None
    ) -> None:
        """Raise or clear. Saying again what holds changes nothing; an active alarm with other values is said again.

        `values` is what makes it understandable: JSON, up to 2 KiB. `component` is one of the alarm's, or empty where
        it has none. `ts`: when it became so, ns since the Unix epoch; None: now.

        :raises RtaError: an argument cannot be that; nothing has changed.
        """
        ...


@frozen
class Alarm:
    """An alarm that somebody else's code raises."""

    code: str
    """One dotted word: module and alarm, as in `cabinet.door`."""
    run: Callable[[Board], Awaitable[None]]
    """Watches for as long as the node runs, in a task of its own. If it raises, it is called again after a while; if it
    returns, the alarm stays as it is."""
    components: tuple[str, ...] = ()
    """Ids of what it can be of, as `sg/1`; empty: it has none."""
    description: str = field(default="")


def load_alarms() -> dict[str, Alarm]:
    """Those of installed plug-ins, by the name of the entry point.

    :raises RtaError: one does not import, or is something else, or two have one name.
    """
    found: dict[str, Alarm] = {}
    for entry in entry_points(group=ALARMS):
        if entry.name in found:
            raise RtaError(f"two plug-ins offer an alarm {entry.name!r}; uninstall one of them")
        found[entry.name] = load_entry_point(entry, Alarm)
    return found
