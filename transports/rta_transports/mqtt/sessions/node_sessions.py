"""The sessions of one node: one is open while the node is online, and what it publishes goes into it.

What comes while none is open waits for the next one. A loss of the node for less than the grace closes nothing.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

from attrs import define, field, frozen

from rta.ports import CloseSession, OpenSession, Publish, SessionBurst, SourceUpdate, UpdateSession
from rta.rsmp.presence import ONLINE, SHUTDOWN
from rta.wire import SessionModel, SessionState, TimeRange, pack_items, write_session
from rta.wire.session_json import TimeRangeModel
from rta_transports.mqtt.sessions.channels import ChannelIds
from rta_transports.mqtt.sessions.configuration import CHANNELS, SessionConfigurations
from rta_transports.mqtt.sessions.items import ChannelEntry, items_of, span_of

__all__ = ["Instant", "NodeSessions"]

_MILLISECOND = 1_000_000
_SPACING = 10.0  # s from one opening to the next: a node that comes and goes must not fill the buffer with sessions
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAUSE, _LONGEST_PAUSE = 0.05, 10.0  # s: the nth growth of a configuration comes no sooner than n pauses after the last


@frozen(slots=True)
class Instant:
    """When something happens."""

    wall: int
    """ns since the Unix epoch."""
    at: float
    """Seconds, of a clock that is never set."""


@define
class _Session:
    """The one that is open."""

    identity: str
    opened: int
    configurations: SessionConfigurations = field(factory=SessionConfigurations)
    span: TimeRange | None = None


@define(eq=False)
class NodeSessions:
    """One node."""

    node: str
    source: str
    grace: float
    """Seconds."""
    channels: ChannelIds
    presence: str = ""
    """As it was heard last."""
    size: int = 0
    """Bytes, about, of what has come and is not in a burst yet."""
    _waiting: deque[ChannelEntry] = field(factory=deque)
    _session: _Session | None = None
    _closes_at: float | None = None
    _latest: int = 0
    _opens_at: float = float("-inf")
    _growths: int = 0
    _grows_at: float = 0.0
    _told: bool = True

    @property
    def is_open(self) -> bool:
        """Whether there is a session."""
        return self._session is not None

    @property
    def identity(self) -> str | None:
        """Of the session that is open; None: none is."""
        return None if self._session is None else self._session.identity

    def heard(self, presence: str, now: Instant) -> None:
        """Its presence; anything but `online` and `shutdown` means that it has been lost."""
        if presence != self.presence:
            self.presence, self._told = presence, False
        if presence == ONLINE:
            self._closes_at = None
        elif presence == SHUTDOWN:
            self._closes_at = now.at
        elif self._closes_at is None:
            self._closes_at = now.at + self.grace

    def feed(self, entry: ChannelEntry) -> None:
        """An entry for the session that is open, or the next one."""
        self._waiting.append(entry)
        self.size += entry.size

    def leave_out(self) -> int:
        """Drop the oldest entry that waits: the bytes it took."""
        dropped = self._waiting.popleft().size
        self.size -= dropped
        return dropped

    def forget_session(self) -> None:
        """What was open is closed by others."""
        self._session, self._opens_at = None, float("-inf")

    def due(self, now: Instant) -> float | None:
        """When `updates` has something to say; None: not before something comes."""
        if self._session is None:
            return max(now.at, self._opens_at) if self.presence == ONLINE else None
        if self._waiting or not self._told:
            return now.at
        times = [] if self._closes_at is None else [self._closes_at]
        if self.channels.changed:
            times.append(self._grows_at)
        return min(times, default=None)

    def updates(self, now: Instant) -> list[SourceUpdate]:
        """What is to be reported by now."""
        out: list[SourceUpdate] = []
        if self._session is None and self.presence == ONLINE and now.at >= self._opens_at:
            out += self._open(now)
        if (session := self._session) is None:
            return out
        if self.channels.changed and now.at >= self._grows_at:
            out += self._grow(session)
            self._growths += 1
            self._grows_at = now.at + min(_LONGEST_PAUSE, _PAUSE * self._growths)
            self._told = False
        if not self._told:
            out.append(UpdateSession(session.identity, self._json(session)))
            self._told = True
        if self._waiting:
            out += self._bursts(session)
        if self._closes_at is not None and now.at >= self._closes_at:
            out.append(CloseSession(session.identity, self._json(session, closed=now.wall)))
            self._session = None
        return out

    def _open(self, now: Instant) -> list[SourceUpdate]:
        # Never the same identity twice, also where the clock is set back a little.
        self._latest = max(now.wall // _MILLISECOND * _MILLISECOND, self._latest + _MILLISECOND)
        session = self._session = _Session(f"{self.node} {_iso(self._latest)}", self._latest)
        self._opens_at = now.at + _SPACING
        self.channels.changed = set(range(len(self.channels.all)))
        documents = self._grow(session)
        self._grows_at = now.at + _PAUSE if self.channels.changed else now.at
        self._told = True
        return [*documents, OpenSession(session.identity, self._json(session))]

    def _grow(self, session: _Session) -> list[Publish]:
        """Describe some of the channels that are not yet, or not all of it."""
        some = sorted(self.channels.changed)[:CHANNELS]
        self.channels.changed.difference_update(some)
        return session.configurations.grow(self.channels.all[i] for i in some)

    def _bursts(self, session: _Session) -> list[SourceUpdate]:
        session.span = span_of(self._waiting).union(session.span)
        items = items_of(self._waiting)
        self._waiting.clear()
        self.size = 0
        return [SessionBurst(session.identity, burst) for burst in pack_items(items, session.span)]

    def _json(self, session: _Session, closed: int | None = None) -> str:
        span = session.span
        model = SessionModel(
            identity=session.identity,
            state=SessionState.OPEN if closed is None else SessionState.CLOSED,
            timestamp=_iso(session.opened),
            identifier=self.node,
            start_timestamp=_iso(session.opened),
            end_timestamp=None if closed is None else _iso(max(closed, session.opened)),
            time_range=None if span is None else TimeRangeModel(span.start, span.end),
            details={"node": self.node, "presence": self.presence, "source": self.source},
            config_bindings=session.configurations.bindings,
        )
        return write_session(model)


def _iso(ns: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=ns // _MILLISECOND)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
