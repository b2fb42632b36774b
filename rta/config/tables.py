"""The tables of a configuration, and the options class of each: for loading, docs and schema."""

from __future__ import annotations

import re
from typing import Any, Literal

from attrs import define, frozen
from attrs.validators import optional

from rta.alarm.options import AlarmSettings
from rta.auth.settings import AuthSettings
from rta.config.archive import ArchiveKeys
from rta.config.model import LoggingSettings, SiteSettings
from rta.errors import RtaError
from rta.node.command_settings import CommandSettings
from rta.node.options import StatusSettings
from rta.options import options_fields
from rta.ports import Offer, Spelled, Transport, available, load_transport, option
from rta.session.options import FanOutSettings, JsonSettings, PrunerSettings

__all__ = ["LISTS", "ORDER", "SETTINGS", "SLOTS", "Slot", "installed", "offer_for", "offer_of"]


BUFFER_STREAM = Spelled(
    re.compile(r"(?!-)[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]{1,200}"),
    'up to 200 characters that can be printed, and no "-" at the beginning',
)


@define
class BufferKeys:
    """Where the recent bursts of every session are held; what clients are filled from."""

    transport: str = option("What holds them.", "memory")


@define
class TopicsKeys:
    """The topic bus that streams are published on."""

    transport: str = option("What carries them.", "memory")


@define
class EdgeKeys:
    """Where clients connect."""

    transport: str = option("What they speak.", "websocket")


@define
class SourceKeys:
    """Where bursts come from: one `[[source]]` for each."""

    name: str = option(
        'What it is called in logs, metrics, environment variables and names of files: letters, digits, ".", "_" and '
        '"-", no "-" at the beginning, and 100 characters at most; no two are called the same.',
        validator=Spelled(
            re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]{0,99}"),
            'letters, digits, ".", "_" and "-", no "-" at the beginning, and 100 characters at most',
        ),
    )
    transport: str = option("What reads it.")
    stream: str | None = option(
        "The stream of the buffer its sessions are put on; unset: one of its own name.",
        None,
        validator=optional(BUFFER_STREAM),
    )


@frozen
class Slot:
    """A table in which `transport` names a transport; the other keys are options of that transport."""

    table: str
    port: Literal["log", "topics", "edge", "archive", "source"]
    keys: type[Any]
    """The options class of the keys that are ours."""
    role: str
    """What the transport must be able to be, in messages."""


SETTINGS: dict[str, type[Any]] = {
    "site": SiteSettings,
    "auth": AuthSettings,
    "fanout": FanOutSettings,
    "json": JsonSettings,
    "pruner": PrunerSettings,
    "logging": LoggingSettings,
}
SLOTS: dict[str, Slot] = {
    "buffer": Slot("buffer", "log", BufferKeys, "a buffer"),
    "topics": Slot("topics", "topics", TopicsKeys, "a topic bus"),
    "edge": Slot("edge", "edge", EdgeKeys, "an edge"),
    "archive": Slot("archive", "archive", ArchiveKeys, "an archive"),
    "source": Slot("source", "source", SourceKeys, "a source"),
}
LISTS: dict[str, type[Any]] = {"status": StatusSettings, "command": CommandSettings, "alarm": AlarmSettings}
"""Tables of which there may be several, as `[[status]]`; without sources."""
ORDER = (
    "site",
    "buffer",
    "topics",
    "edge",
    "auth",
    "archive",
    "fanout",
    "json",
    "pruner",
    "logging",
    "source",
    "status",
    "command",
    "alarm",
)
"""The order in the documentation."""


def offer_of(transport: Transport, slot: Slot) -> Offer[Any] | None:
    """What a transport offers for a slot."""
    offer: Offer[Any] | None = getattr(transport, slot.port)
    return offer


def installed(slot: Slot) -> tuple[dict[str, tuple[Transport, Offer[Any]]], list[str]]:
    """Every transport that can fill a slot, by name; and why others do not load, one line each."""
    found: dict[str, tuple[Transport, Offer[Any]]] = {}
    broken: list[str] = []
    for name in sorted(available()):
        try:
            transport = load_transport(name)
        except RtaError as e:
            broken.append(str(e))
            continue
        offer = offer_of(transport, slot)
        if offer is not None:
            found[name] = (transport, offer)
    return found, broken


def offer_for(name: str, slot: Slot) -> Offer[Any]:
    """What the named transport offers for a slot.

    :raises RtaError: it is not installed, does not load, cannot fill the slot, or has an option with a key of ours.
    """
    transport = load_transport(name)
    offer = offer_of(transport, slot)
    if offer is None:
        able = [s.role for s in SLOTS.values() if offer_of(transport, s) is not None]
        others = ", ".join(installed(slot)[0]) or "none"
        raise RtaError(
            f'"{name}" cannot be {slot.role}, only {" or ".join(able) or "nothing at all"}; '
            f"installed ones that can: {others}"
        )
    claimed = sorted(options_fields(offer.options).keys() & options_fields(slot.keys).keys())
    if claimed:
        raise RtaError(f'"{name}" has options called {", ".join(claimed)}, which [{slot.table}] keeps for itself')
    return offer
