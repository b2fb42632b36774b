"""Following a session: configuration, stream, reconnection. What comes is handed to a `Watcher`."""

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
    """What is told of a session."""

    def session(self, model: SessionModel) -> None:
        """The session JSON, at first and whenever it changes."""
        ...

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        """A message."""
        ...

    def notice(self, text: str) -> None:
        """Something happened to the connection."""
        ...


async def find_session(rest: RestClient, wanted: str) -> SessionModel:
    """By identity, by identifier (the newest of that name), or `latest`.

    :raises RtaError: there is none.
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
    def __init__(self, rest: RestClient, identity: str, only: Collection[str], watcher: SessionObserver) -> None:
        self._rest = rest
        self._identity = identity
        self._only = set(only)
        self._watcher = watcher
        self._decoder = Decoder(only)
        self._bound: set[tuple[str, int]] = set()
        self.closed = False
        self.connected = False

    async def once(self) -> None:
        """One connection, to its end."""
        async with open_live_stream(self._rest.base, self._identity) as stream:
            # What an earlier connection told is no reason for this one's end.
            self.connected = self.closed = False
            while True:
                burst = await stream.receive()
                for text in burst.session_json:
                    await self._session(text)
                if not self.connected:
                    self.connected = True
                    await self._subscribe(stream)
                self._watcher.burst(burst, self._decoder)

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
        if bindings is None:  # to be taken from REST
            stored = await self._rest.session(self._identity)
            bindings = (stored.config_bindings if stored is not None else None) or []
        for binding in bindings:
            await self._bind(binding)
        self._watcher.session(model)

    async def _bind(self, binding: ConfigBinding) -> None:
        key = (binding.identifier, binding.channel_offset)
        if key in self._bound:
            return
        configuration = await self._rest.configuration(binding.identifier)
        if configuration is None:
            self._watcher.notice(f"the service does not have configuration {binding.identifier}")
        else:
            self._decoder.add(configuration, binding)
            self._bound.add(key)


async def follow_session(rest: RestClient, identity: str, only: Collection[str], watcher: SessionObserver) -> None:
    """Until the session is closed. Reconnects with growing pauses; what the buffer holds comes again then.

    `only`: ids or names of parameters; none means all of them and the events.
    """
    follower = _Follower(rest, identity, only, watcher)
    backoff = Backoff(first=0.25, cap=5.0)
    while True:
        try:
            await follower.once()
        except (TransportError, MalformedError) as e:
            if follower.closed and isinstance(e, StreamClosed) and e.code == 1000:
                watcher.notice("the session is closed")
                return
            watcher.notice(f"{e}; connecting again")
        if follower.connected:
            backoff.reset()
        follower.connected = False
        await backoff.pause()
