"""The events of a watch, and the entries in them. Plain values; times are ns since the Unix epoch."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen

from rta.wire.values import Ns

__all__ = [
    "AlarmChanged",
    "AlarmEntry",
    "EntriesReceived",
    "Event",
    "GapEvent",
    "GapFound",
    "GapHealed",
    "HistoryPage",
    "HistoryReceived",
    "PresenceChanged",
    "RemoteNodeEvent",
    "RemoteStreamEvent",
    "ReplayReceived",
    "State",
    "StatusEntry",
    "StatusReceived",
    "StreamChanged",
]

State = Literal["running", "stopped"]


@frozen(slots=True)
class StatusEntry:
    """One event of a stream."""

    ts: Ns
    """Stream time."""
    seq: int | None
    """None: the entry has no number."""
    values: dict[str, Any] = field(factory=dict)
    """By attribute; an attribute with components is a map of them. None is null: the value is unknown."""
    next_ts: Ns | None = None
    """Of a replayed or fetched entry: the time of the entry behind it; None: there was none yet."""


@frozen(slots=True)
class HistoryPage:
    """One message of the answer to a fetch."""

    entries: tuple[StatusEntry, ...]
    beginning: bool
    """The first entry sent is the oldest that the node keeps."""
    end: bool
    """The last entry is the newest that it keeps."""
    complete: bool
    """It is the last message."""


@frozen(slots=True)
class AlarmEntry:
    """One alarm in a message."""

    ts: Ns
    component: str | None
    active: bool
    values: dict[str, Any] = field(factory=dict)


@frozen(slots=True)
class RemoteNodeEvent:
    """Something that has happened on a node."""

    node: str


@frozen(slots=True)
class RemoteStreamEvent(RemoteNodeEvent):
    """Something that has happened to a stream."""

    code: str
    name: str


@frozen(slots=True)
class EntriesReceived(RemoteStreamEvent):
    """Entries that had not been received before."""

    entries: tuple[StatusEntry, ...]


@frozen(slots=True)
class GapEvent(RemoteStreamEvent):
    """A gap: numbers are missing between two entries."""

    after_seq: int
    """The number before the gap; 0 where the gap is at the beginning of a run."""
    before_seq: int
    """The number behind it."""
    since: Ns
    """The time of the entry before."""
    until: Ns
    """The time of the entry behind."""


@frozen(slots=True)
class PresenceChanged(RemoteNodeEvent):
    """A node has come or gone."""

    presence: str | None
    """"online", "shutdown", "offline", or what else it says; None: it has been cleared."""
    at: Ns
    """When it was received."""
    retained: bool = False
    """It was published before we subscribed; nobody knows when."""


@frozen(slots=True)
class StreamChanged(RemoteStreamEvent):
    """A stream has another state than before."""

    state: State | None
    """None: the stream does not exist any more."""
    retained: bool = False


@frozen(slots=True)
class StatusReceived(EntriesReceived):
    """Entries of the live stream."""

    retained: bool = False
    """They are what the broker has kept."""


@frozen(slots=True)
class ReplayReceived(EntriesReceived):
    """Entries that the node could not deliver when they happened."""

    done: bool
    """It was the last message of this replay."""
    beginning: bool
    """The first entry is the oldest that the node keeps."""
    doubles: int = 0
    """Entries that are left out since they had been received before."""


@frozen(slots=True)
class HistoryReceived(EntriesReceived):
    """Entries that were missing, and have been fetched to heal a gap."""


@frozen(slots=True)
class GapFound(GapEvent):
    """A gap has been found."""


@frozen(slots=True)
class GapHealed(GapEvent):
    """A gap is closed: filled, or as far as it could be."""

    missing: int
    """Entries that remain missing; 0: the gap is filled."""


@frozen(slots=True)
class AlarmChanged(RemoteNodeEvent):
    """Alarms of one code have been raised or have ended."""

    code: str
    entries: tuple[AlarmEntry, ...]
    full: bool
    """These are all that are active; otherwise they are single events."""


Event = (
    PresenceChanged
    | StreamChanged
    | StatusReceived
    | ReplayReceived
    | HistoryReceived
    | GapFound
    | GapHealed
    | AlarmChanged
)
