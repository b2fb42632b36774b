"""Following a session: its configurations, its stream, and connecting again. A `SessionObserver` gets what comes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from rta.backoff import Backoff
from rta.client.decode import Decoder
from rta.client.rest import RestClient
from rta.client.stream import LiveStream, StreamClosed, open_live_stream
from rta.errors import MalformedError, RtaError, TransportError
from rta.wire import ConfigBinding, SessionModel, read_session
from rta.wire.burst import Burst

__all__ = ["SessionObserver", "find_session", "follow_session"]


class SessionObserver(Protocol):
    """Gets what comes of a session."""

    def session(self, model: SessionModel) -> None:
        """The session JSON has come, for the first time or changed."""
        ...

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        """A burst has come, with what decodes it."""
        ...

    def notice(self, text: str) -> None:
        """Something has happened to the connection, in words."""
        ...


async def find_session(rest: RestClient, wanted: str) -> SessionModel:
    """Find a session by its identity, by its identifier (the newest session of that name), or as `latest`.

    :raises RtaError: there is no such session.
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
        known = ", ".join(repr(s.identity) for s in sessions[:5]) or "none"
        raise RtaError(f"{rest.base} has no session {wanted!r}; there are: {known}")
    return found


class _Follower:
    def __init__(self, rest: RestClient, identity: str, only: Collection[str], observer: SessionObserver) -> None:
        self._rest = rest
        self._identity = identity
        self._only = set(only)
        self._observer = observer
        self._decoder = Decoder(only)
        self._bound: set[tuple[str, int]] = set()
        self.closed = False
        self.connected = False

    async def once(self) -> None:
        """Follow over one connection, until it ends."""
        async with open_live_stream(self._rest.base, self._identity) as stream:
            # An earlier connection may have said that the session is closed.
            self.connected = self.closed = False
            while True:
                burst = await stream.receive()
                for text in burst.session_json:
                    await self._session(text)
                if not self.connected:
                    self.connected = True
                    await self._subscribe(stream)
                self._observer.burst(burst, self._decoder)

    async def _subscribe(self, stream: LiveStream) -> None:
        if not self._only:
            await stream.subscribe(events=True, all_data=True)
            return
        channels = self._decoder.channels
        if not channels:
            raise RtaError(f"the session has no parameter {', '.join(sorted(self._only))}")
        await stream.subscribe(channels=channels)

    async def _session(self, text: str) -> None:
        model = read_session(text)
        self.closed = model.state.is_closed
        bindings = model.config_bindings
        if bindings is None:  # REST has them then
            stored = await self._rest.session(self._identity)
            bindings = (stored.config_bindings if stored is not None else None) or []
        for binding in bindings:
            await self._bind(binding)
        self._observer.session(model)

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


async def follow_session(rest: RestClient, identity: str, only: Collection[str], observer: SessionObserver) -> None:
    """Follow a session until it is closed. After a lost connection, what the buffer holds comes again.

    `only`: ids or names of parameters. Empty: all parameters, and the events.
    """
    follower = _Follower(rest, identity, only, observer)
    backoff = Backoff(first=0.25, cap=5.0)
    while True:
        try:
            await follower.once()
        except (TransportError, MalformedError) as e:
            if follower.closed and isinstance(e, StreamClosed) and e.code == 1000:
                observer.notice("the session is closed")
                return
            observer.notice(f"{e}; connecting again")
        if follower.connected:
            backoff.reset()
        follower.connected = False
        await backoff.pause()
