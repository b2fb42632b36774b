"""One client's place in a session: what it has subscribed, what it has had, what it is owed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from attrs import define, frozen

from rta.ports.values import Position, SessionRecord
from rta.session.subscription import NOTHING, Filter, Subscription

if TYPE_CHECKING:
    from rta.session.view import View

__all__ = [
    "BackFill",
    "ClientBeginning",
    "Client",
    "Close",
    "Ending",
    "Idle",
    "ReadLog",
    "SessionRun",
    "Sink",
    "Step",
    "Stretch",
    "Write",
]


class Ending(Enum):
    """Why a client is served no longer."""

    FELL_BEHIND = auto()
    """It is so slow that neither buffer nor archive holds what comes next."""
    POINT_LOST = auto()
    """What is behind the flush point that it wanted to begin at is not held any more."""
    RUN_OVER = auto()
    """It has come with a flush point, and has all of a run; behind which runs it is to go on, the archive knows."""
    SESSION_CLOSED = auto()
    """The session is over, and all of it has been delivered."""
    SHUTTING_DOWN = auto()
    """The service ends."""


class Sink(Protocol):
    """Where frames go: a non-blocking socket and what it did not take."""

    send: Callable[[bytes], int]

    def hold(self, rest: memoryview) -> None:
        """Keep the rest of a frame until the socket takes more."""
        ...

    def abort(self) -> None:
        """The socket is broken."""
        ...


@define(eq=False)
class SessionRun:
    """One run of a session: where its entries are. A restarted ingest begins another."""

    serial: int
    stream: str
    session_id: int
    start: Position
    """Nothing of the session is at or before this position."""
    joined: Position
    """Up to where its stream had been read when the feed took it up."""
    end: Position | None = None
    """Where this run was left for the next one; None for the current one."""
    successor: SessionRun | None = None
    left: Position | None = None
    """From here on the id is another session's."""

    @classmethod
    def from_record(cls, record: SessionRecord, serial: int) -> SessionRun:
        """The run a record speaks of."""
        start = record.stream_position.before()
        return cls(serial, record.stream, record.stream_session_id, start, start)

    def is_run(self, record: SessionRecord) -> bool:
        """Whether a record speaks of this run."""
        return (self.stream, self.session_id) == (record.stream, record.stream_session_id)


@frozen(slots=True)
class Stretch:
    """Entries of a run: `after < position <= upto`."""

    run: SessionRun
    after: Position
    upto: Position
    recorded: bool
    """They are read from the archive, which has them all; the buffer may not."""


@frozen(slots=True)
class ClientBeginning:
    """Where a client begins that came with a flush point. Each of its subscriptions is filled from there."""

    earlier: Sequence[Stretch]
    """What is behind the point in the runs before the one that the client is in, or has been recorded of that."""
    after: Position
    """From here on the run that the client is in is filled."""


@define(eq=False)
class BackFill:
    """Entries behind the leading edge that a widening has made due: `after < position <= upto`."""

    want: Filter
    run: SessionRun
    after: Position
    upto: Position
    started: bool = False
    """What was trimmed before it began was no longer in the buffer; from the first entry on it would be a gap."""
    recorded: bool = False
    """See `Stretch`."""


@frozen(slots=True)
class Write:
    """Send this frame."""

    frame: bytes


@frozen(slots=True)
class ReadLog:
    """Read the log and give back the batch."""

    want: Filter
    run: SessionRun
    after: Position
    upto: Position
    back_fill: BackFill | None

    @property
    def gapless(self) -> bool:
        """Whether what is lost there would be a gap."""
        return self.back_fill is None or self.back_fill.started

    @property
    def recorded(self) -> bool:
        """Whether it is to be read from the archive."""
        return self.back_fill is not None and self.back_fill.recorded


@frozen(slots=True)
class Idle:
    """Nothing is owed."""


@frozen(slots=True)
class Close:
    """Close the connection."""

    ending: Ending


Step = Write | ReadLog | Idle | Close


class Client:
    """State only; the feed moves it. `wake` is called when there is something for its actor to do."""

    __slots__ = (
        "back_fills",
        "beginning",
        "caught_up",
        "json_version",
        "leaving",
        "live",
        "marked",
        "marked_at",
        "position",
        "queued",
        "range_at",
        "range_version",
        "run",
        "sink",
        "subscription",
        "view",
        "wake",
    )

    def __init__(
        self,
        sink: Sink,
        wake: Callable[[], None],
        run: SessionRun,
        position: Position,
        view: View,
        beginning: ClientBeginning | None = None,
    ) -> None:
        self.sink = sink
        self.wake = wake
        self.view = view
        self.subscription: Subscription = NOTHING
        self.live = False
        """It gets new bursts the moment they come; `position` means nothing meanwhile."""
        self.run = run
        self.position = position
        self.queued: bytes | None = None
        """A frame made ready while the log was being read."""
        self.back_fills: deque[BackFill] = deque()
        self.beginning = beginning
        """None: it gets the back scan."""
        self.marked: Position | None = None
        """Up to where it was told last that it has everything."""
        self.marked_at = float("-inf")
        self.leaving: Ending | None = None
        """Why it is to be closed once nothing is owed."""
        self.json_version = 0
        self.range_version = -1
        self.range_at = float("-inf")
        self.caught_up: float | None = None
        """Since when nothing has been owed (Trio time); None while something is."""

    def leave(self, ending: Ending) -> None:
        """To be closed once nothing is owed."""
        if self.leaving is None:
            self.leaving = ending
            self.wake()
