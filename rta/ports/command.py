"""Commands: what a node can be told to do over topics. Plug-ins offer them under the entry-point group `rta.commands`.

Source: docs/rsmp.md, "Commands".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from typing import Any

from attrs import field, frozen

from rta.ports.entry_point import load_entry_point

__all__ = ["COMMANDS", "Call", "Command", "load_commands"]

COMMANDS = "rta.commands"


@frozen
class Call:
    """One call of a command, found valid."""

    parameters: Any
    """An object of the command's parameters class."""
    components: list[str]
    """Those it is for, of the command's; all of them where the call named none."""
    sender: str
    """The node id that asked, as far as it is known; else empty."""


@frozen
class Command:
    """Something a node can do."""

    code: str
    """One dotted word: module and command, as in `relay.set`."""
    run: Callable[[Call], Awaitable[dict[str, Any] | None]]
    """Does it; the values of the result. An `RtaError` becomes an error result with its text."""
    parameters: type[Any]
    """An attrs class of `rta.ports.option` fields: a call's values are checked against it, and unknown ones refused."""
    components: tuple[str, ...] = ()
    """Ids of what it can be for, as `sg/1`; empty: it takes no component."""
    description: str = field(default="")


def load_commands() -> list[Command]:
    """Those of installed plug-ins.

    :raises RtaError: one does not import, or is something else.
    """
    return [load_entry_point(entry, Command) for entry in entry_points(group=COMMANDS)]
