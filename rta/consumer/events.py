"""What a consumer is told: entries, and what has changed. Plain values; times are ns since the Unix epoch."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen

from rta.wire.values import Ns

__all__ = [
    "AlarmChanged",
    "AlarmEntry",
    "Event",
    "GapFound",
    "GapHealed",
    "HistoryPage",
    "HistoryReceived",
    "PresenceChanged",
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
    """None: it had none that is a number."""
    values: dict[str, Any] = field(factory=dict)
    """By attribute; one with components is a map of them. None is null: nobody knows."""
    next_ts: Ns | None = None
    """Of what was replayed or fetched: the time of the entry behind it, None where there was none yet."""


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
    """One alarm, as a message tells of it."""

    ts: Ns
    component: str | None
    active: bool
    values: dict[str, Any] = field(factory=dict)


@frozen(slots=True)
class PresenceChanged:
    """A node is there, or is not any more."""

    node: str
    presence: str | None
    """"online", "shutdown", "offline", or what else it says; None: it has been cleared."""
    at: Ns
    """When we heard of it."""
    retained: bool = False
    """It was so before we asked: since when, is not known."""


@frozen(slots=True)
class StreamChanged:
    """A stream has another state than before."""

    node: str
    code: str
    name: str
    state: State | None
    """None: there is no such stream any more."""
    retained: bool = False


@frozen(slots=True)
class StatusReceived:
    """Entries of the live stream that were not there before."""

    node: str
    code: str
    name: str
    entries: tuple[StatusEntry, ...]
    retained: bool = False
    """They are what the broker has kept."""


@frozen(slots=True)
class ReplayReceived:
    """Entries that the node could not deliver when they happened."""

    node: str
    code: str
    name: str
    entries: tuple[StatusEntry, ...]
    """Those that were not there before."""
    done: bool
    """It was the last message of this replay."""
    beginning: bool
    """The first entry is the oldest that the node keeps."""


@frozen(slots=True)
class HistoryReceived:
    """Entries that were missing, and have been fetched to heal a gap."""

    node: str
    code: str
    name: str
    entries: tuple[StatusEntry, ...]


@frozen(slots=True)
class GapFound:
    """Numbers are missing between two entries."""

    node: str
    code: str
    name: str
    after_seq: int
    """The number before the gap; 0 where it is at the beginning of a run."""
    before_seq: int
    """The number behind it."""
    since: Ns
    """The time of the entry before."""
    until: Ns
    """The time of the entry behind."""


@frozen(slots=True)
class GapHealed:
    """A gap is closed: filled, or as far as it could be."""

    node: str
    code: str
    name: str
    after_seq: int
    before_seq: int
    since: Ns
    until: Ns
    missing: int
    """Entries that remain missing; 0: it is healed whole."""


@frozen(slots=True)
class AlarmChanged:
    """Alarms of one code have been raised or have ended."""

    node: str
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
