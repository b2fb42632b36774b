"""Following a session: its configurations, its stream, and connecting again. A `SessionObserver` gets what comes."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from math import inf
from typing import Protocol

import trio

from rta.backoff import Backoff
from rta.client.credentials import NotAllowed, NotSignedIn
from rta.client.decode import Decoder
from rta.client.recorded import RecordedData
from rta.client.rest import RestClient
from rta.client.since_mark import SinceMark
from rta.client.stream import POINT_LOST, RUN_OVER, SIGNED_OUT, SILENCE, LiveStream, StreamClosed, open_live_stream
from rta.errors import FlushPointError, MalformedError, RtaError, TransportError
from rta.formatting import choices
from rta.wire import ConfigBinding, SessionModel, read_session
from rta.wire.burst import Burst

__all__ = ["SessionObserver", "find_session", "follow_session"]

_RESTART = 30.0  # seconds after a lost connection in which another session may take the place of the one before
_SILENCE = 5.0  # seconds without a message, in that time


class SessionObserver(Protocol):
    """Gets what comes of a session."""

    def session(self, model: SessionModel) -> None:
        """The session JSON has come, for the first time or changed."""
        ...

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        """A burst has come, with what decodes it."""
        ...

    def lost(self, reason: str) -> None:
        """There is no connection, for this reason; it is tried again."""
        ...

    def notice(self, text: str) -> None:
        """Something else has happened, in words."""
        ...


async def find_session(rest: RestClient, wanted: str) -> SessionModel:
    """Find a session by its identity, by its identifier (the newest session of that name), or as `latest`.

    :raises RtaError: there is no such session; the error lists what there is.
    """
    sessions = await rest.sessions()
    if wanted == "latest":
        if not sessions:
            raise RtaError(f"{rest.base} has no sessions")
        return next((s for s in sessions if not s.state.is_closed), sessions[0])
    for session in sessions:
        if wanted == session.identity:
            return session
    for session in sessions:
        if wanted == session.identifier:
            return session
    found = await rest.session(wanted)
    if found is None:
        known = {_label(s): (s.identity, s.identifier) for s in sessions}
        raise RtaError(f"{rest.base} has no session {wanted!r}; {choices(wanted, known)}")
    return found


def _label(session: SessionModel) -> str:
    called = f" ({session.identifier})" if session.identifier not in ("", session.identity) else ""
    return f"{session.identity!r}{called}"


class _Superseded(Exception):
    """Another session has taken the place of the one that was followed."""


class _Follower:
    """Follows one session, over one connection after the other."""

    def __init__(
        self,
        rest: RestClient,
        identity: str,
        only: Collection[str],
        observer: SessionObserver,
        silence: float,
        start: int | None,
    ) -> None:
        self.identity = identity
        self.closed = False
        self.deletable = False
        """Whether it was closed when something was last said of it: no other session is deleted."""
        self.connected = False
        self._rest = rest
        self._only = tuple(only)
        self._observer = observer
        self._silence = silence
        self._decoder = Decoder(only, start)
        self._recorded = start is not None
        """Recorded data are to come first."""
        self._reading: RecordedData | None = None
        self._since: SinceMark | None = None
        self._lost_at: str | None = None
        """The point behind which the service could not go on."""
        self._bound: set[tuple[str, int]] = set()

    async def once(self, restart: _Restart) -> None:
        """Follow over one connection, until it ends.

        :raises _Superseded: nothing comes any more, and there is a newer session.
        """
        if self._recorded and self._since is None:
            await self._read_recorded()
        after = None if self._since is None else self._since.point
        rest = self._rest
        async with open_live_stream(rest.base, self.identity, self._silence, after, rest.credentials) as stream:
            if self._since is not None:
                self._since.connect()
                stream.marked = self._since.mark
            # An earlier connection may have said that the session is closed.
            self.connected = self.closed = False
            while True:
                with trio.move_on_after(restart.patience) as waiting:
                    burst = await stream.receive()
                if waiting.cancelled_caught:
                    await restart.check(self.identity)
                    continue
                for text in burst.session_json:
                    await self._session(read_session(text))
                if not self.connected:
                    self.connected = True
                    await self._subscribe(stream)
                self._observer.burst(burst if self._since is None else self._since.add(burst), self._decoder)

    async def _read_recorded(self) -> None:
        """What is recorded, up to the flush point behind which the stream is to begin."""
        if self._reading is None:
            model = await self._rest.session(self.identity)
            if model is None:
                return
            await self._session(model)
            self._decoder.check()
            channels = self._decoder.channels if self._only else None
            start = self._decoder.start or 0
            rest = self._rest
            self._reading = RecordedData(rest.base, self.identity, channels, start, self._silence, rest.credentials)
        try:
            recorded = await self._reading.read(lambda burst: self._observer.burst(burst, self._decoder))
        except FlushPointError:  # the session has been sealed, and its samples are in other chunks now
            self._reading = None
            self._decoder.begin_again()
            raise
        if self._reading.damaged:
            self._observer.notice(f"{self._reading.damaged} chunks are missing: the service has found them damaged")
        if self._decoder.missing:
            self._observer.notice(f"{self._decoder.missing} samples are missing that came late, while others were read")
        if recorded and self._reading.point is not None:
            self._since = SinceMark(self._reading.point)
        else:
            self._recorded = False
            self._observer.notice("the service does not record this session: what its buffer holds is all that comes")
        self._reading = None

    def lose_point(self) -> None:
        """The service cannot go on behind what has come. Only by time can be told what is new, channel by channel."""
        assert self._since is not None, "the connection began behind a point"
        self._recorded = self._lost_at != self._since.point
        self._lost_at, self._since = self._since.point, None
        self._decoder.begin_again()
        if not self._recorded:
            self._observer.notice(
                "some samples may be missing: the service does not hold all that came behind the last"
            )

    async def _subscribe(self, stream: LiveStream) -> None:
        self._decoder.check()
        if self._only:
            await stream.subscribe(channels=self._decoder.channels)
        else:
            await stream.subscribe(events=True, all_data=True)

    async def _session(self, model: SessionModel) -> None:
        self.closed = self.deletable = model.state.is_closed
        bindings = model.config_bindings
        if bindings is None:  # REST has them then
            stored = await self._rest.session(self.identity)
            bindings = (stored.config_bindings if stored is not None else None) or []
        self._observer.session(model)
        for binding in bindings:
            await self._bind(binding)

    async def _bind(self, binding: ConfigBinding) -> None:
        key = (binding.identifier, binding.channel_offset)
        if key in self._bound:
            return
        configuration = await self._rest.configuration(binding.identifier)
        if configuration is None:
            self._observer.notice(f"the service does not have configuration {binding.identifier}")
        else:
            self._decoder.add(configuration, binding)
            self._bound.add(key)


class _Restart:
    """Which session is followed after a lost connection: a service that was restarted may have another one."""

    def __init__(self, rest: RestClient, wanted: str, identity: str, observer: SessionObserver) -> None:
        self._rest = rest
        self._wanted = wanted
        self._moves = wanted != identity
        self._observer = observer
        self._until = -inf

    @property
    def expected(self) -> bool:
        """Another session may be about to take the place of the one that was followed."""
        return self._moves and trio.current_time() < self._until

    @property
    def patience(self) -> float:
        """Seconds without a message after which to check for a newer session."""
        return _SILENCE if self.expected else inf

    async def check(self, identity: str) -> None:
        """Whether there is a newer session.

        :raises _Superseded: there is.
        """
        with suppress(RtaError):
            found = await find_session(self._rest, self._wanted)
            if found.identity != identity and not found.state.is_closed:
                raise _Superseded

    async def wait(self, identity: str, closed: bool, deletable: bool, backoff: Backoff) -> str | None:
        """Wait until the service is there and has a session to follow: its identity. None: there will be none.

        `identity`, `closed`, `deletable`: the session that was followed, whether all of it has come, and whether it may
        have been deleted.

        :raises RtaError: it was.
        :raises NotSignedIn: the service wants to know who asks.
        :raises NotAllowed: we may not see what there is.
        """
        self._until = inf
        while True:
            await backoff.pause()
            try:
                found = await find_session(self._rest, self._wanted)
            except RtaError as e:
                if isinstance(e, NotSignedIn | NotAllowed):
                    raise
                if deletable and not self._moves and not isinstance(e, TransportError):
                    raise RtaError(f"session {identity!r} was deleted before all of it had come") from None
                self._observer.lost(str(e))
                continue
            if found.identity != identity:
                self._until = -inf
                return found.identity
            self._until = min(self._until, trio.current_time() + _RESTART)
            if not (self._moves and closed and found.state.is_closed):
                return identity
            if not self.expected:
                return None


async def follow_session(
    rest: RestClient,
    identity: str,
    only: Collection[str],
    observer: SessionObserver,
    wanted: str = "",
    silence: float = SILENCE,
    start: int | None = None,
) -> None:
    """Follow a session until it is closed. After a lost connection, or when the token has ended and there is a new one,
    what the buffer holds comes again; with `start`, what has not come yet, and nothing twice.

    `only`: what the parameters are called, as `rta.wire.parameter_index` reads it. Empty: all parameters, and the
    events. `wanted`: how the session was found, as `find_session` reads it: if not by its identity, the newest session
    that is found so is followed after a restart of the service. `silence`: see `open_live_stream`. `start`: what is
    recorded from then on comes first, ns since the Unix epoch; None: nothing of it.
    :raises NotSignedIn: the service wants to know who asks, and there is no other token.
    :raises NotAllowed: we may not see it.
    :raises RtaError: a name in `only` is not that of one parameter; the session was deleted.
    """
    restart = _Restart(rest, wanted or identity, identity, observer)
    follower = _Follower(rest, identity, only, observer, silence, start)
    backoff = Backoff(first=0.25, cap=5.0)
    while True:
        over = False
        try:
            await follower.once(restart)
        except _Superseded:
            over = True
        except FlushPointError:
            observer.notice("the session was sealed while it was read: it is read again, and what has come is left out")
        except (TransportError, MalformedError) as e:
            over = follower.closed and isinstance(e, StreamClosed) and e.code == 1000
            code = e.code if isinstance(e, StreamClosed) else None
            if code == POINT_LOST:
                follower.lose_point()
            elif not over and code not in (RUN_OVER, SIGNED_OUT):
                observer.lost(str(e))
        if follower.connected:
            backoff.reset()
        follower.connected = False
        following = None
        if not over or restart.expected:
            following = await restart.wait(follower.identity, follower.closed or over, follower.deletable, backoff)
        if following is None:
            observer.notice("the session is closed")
            return
        if following != follower.identity:
            observer.notice(f"following session {following!r} from now on")
            follower = _Follower(rest, following, only, observer, silence, None if start is None else 0)
