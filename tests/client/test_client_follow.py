"""A session is followed through lost connections; after a restart of the service, the newest one is."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from rta.client import follow
from rta.client.stream import StreamClosed
from rta.errors import NotConnectedError, RtaError
from rta.testing.bursts import json_burst, numbered_burst
from rta.wire import SessionModel, SessionState, write_session

OPEN, CLOSED = SessionState.OPEN, SessionState.CLOSED


class Stream:
    """What comes over one connection: messages, and how it ends; if it does not, nothing more comes."""

    def __init__(self, *messages) -> None:
        self._messages = deque(messages)

    async def subscribe(self, **_):
        await trio.lowlevel.checkpoint()

    async def receive(self):
        if not self._messages:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        message = self._messages.popleft()
        if isinstance(message, partial):
            raise message()
        return message


class Service:
    """Its sessions, newest first, from a moment on, and the connections to each."""

    base = "http://pit"
    credentials = None

    def __init__(self) -> None:
        self._began = trio.current_time()
        self._listed: list[tuple[float, list[SessionModel] | None]] = []
        self._streams: dict[str, deque[Stream]] = {}

    def lists(self, *sessions: tuple[str, SessionState], after: float = 0) -> Service:
        self._listed.append((after, [SessionModel(i, state, identifier="Lap") for i, state in sessions]))
        return self

    def away(self, after: float) -> Service:
        self._listed.append((after, None))
        return self

    def streams(self, identity: str, *streams: Stream) -> Service:
        self._streams[identity] = deque(streams)
        return self

    async def sessions(self) -> list[SessionModel]:
        await trio.lowlevel.checkpoint()
        now = [listed for after, listed in self._listed if after <= trio.current_time() - self._began][-1]
        if now is None:
            raise NotConnectedError("http://pit cannot be reached")
        return now

    async def session(self, identity: str) -> SessionModel | None:
        return next((s for s in await self.sessions() if s.identity == identity), None)

    @asynccontextmanager
    async def open(self, base, identity, silence, after, credentials):
        await trio.lowlevel.checkpoint()
        if not self._streams.get(identity):
            raise StreamClosed(1000, "there is no such session to stream")
        yield self._streams[identity].popleft()


class Heard:
    """What is said of the session that is followed."""

    def __init__(self) -> None:
        self.sessions: list[str] = []
        self.notices: list[str] = []
        self.bursts = 0

    def session(self, model):
        self.sessions.append(model.identity)

    def burst(self, burst, decoder):
        self.bursts += burst.has_data

    def lost(self, reason):
        self.notices.append(f"{reason}; connecting again")

    def notice(self, text):
        self.notices.append(text)


def described(identity: str, state: SessionState = OPEN):
    return json_burst(write_session(SessionModel(identity, state, config_bindings=[])))


LOST = partial(NotConnectedError, "lost")
GOING = partial(StreamClosed, 1001, "the service stops")
OVER = partial(StreamClosed, 1000, "the session is closed")


@pytest.fixture
def heard(monkeypatch):
    """Follow a session of a service, for some time: what is heard of it, and whether it has ended."""

    async def heard(service: Service, wanted: str, seconds: float = 300) -> tuple[Heard, bool]:
        monkeypatch.setattr(follow, "open_live_stream", service.open)
        observer = Heard()
        first = await follow.find_session(service, wanted)
        with trio.move_on_after(seconds) as time:
            await follow.follow_session(service, first.identity, (), observer, wanted)
        return observer, not time.cancelled_caught

    return heard


async def test_a_session_is_followed_until_it_is_closed(autojump_clock: MockClock, heard):
    service = Service().lists(("a", OPEN), ("b", OPEN))
    service.streams("a", Stream(described("a"), numbered_burst(1), described("a", CLOSED), OVER))
    observer, ended = await heard(service, "latest")
    assert (observer.sessions, observer.bursts, observer.notices, ended) == (
        ["a", "a"],
        1,
        ["the session is closed"],
        True,
    )


@pytest.mark.parametrize("wanted", ["latest", "Lap"])
@pytest.mark.parametrize("end", [LOST, GOING])
async def test_after_a_restart_that_has_forgotten_the_session_the_newest_is_followed(
    autojump_clock: MockClock, heard, wanted, end
):
    service = Service().lists(("a", OPEN)).away(after=0.1).lists(after=20).lists(("b", OPEN), after=40)
    service.streams("a", Stream(described("a"), end))
    service.streams("b", Stream(described("b"), described("b", CLOSED), OVER))
    observer, ended = await heard(service, wanted)
    assert (observer.sessions, ended) == (["a", "b", "b"], True)
    assert observer.notices[-2:] == ["following session 'b' from now on", "the session is closed"]
    assert any("cannot be reached; connecting again" in notice for notice in observer.notices)


async def test_a_session_that_goes_on_after_a_lost_connection_is_followed_again(autojump_clock: MockClock, heard):
    service = Service().lists(("a", OPEN)).streams("a", Stream(described("a"), LOST), Stream(described("a")))
    observer, ended = await heard(service, "latest")
    assert (observer.sessions, observer.notices, ended) == (["a", "a"], ["lost; connecting again"], False)


async def test_a_session_that_the_end_of_the_service_has_closed_is_left_for_the_next(autojump_clock: MockClock, heard):
    service = Service().lists(("a", OPEN)).lists(("a", CLOSED), after=0.1).lists(("b", OPEN), ("a", CLOSED), after=20)
    service.streams("a", Stream(described("a"), described("a", CLOSED), GOING)).streams("b", Stream(described("b")))
    observer, _ = await heard(service, "latest")
    assert observer.sessions == ["a", "a", "b"]


async def test_a_session_that_nobody_goes_on_writing_is_left_for_the_next(autojump_clock: MockClock, heard):
    service = Service().lists(("a", OPEN)).lists(("b", OPEN), ("a", OPEN), after=12)
    service.streams("a", Stream(described("a"), LOST), Stream(described("a"))).streams("b", Stream(described("b")))
    observer, _ = await heard(service, "latest")
    assert observer.sessions == ["a", "a", "b"]


async def test_if_no_other_session_comes_the_one_that_is_closed_is_over(autojump_clock: MockClock, heard):
    service = Service().lists(("a", OPEN)).lists(("a", CLOSED), after=0.1)
    service.streams("a", Stream(described("a"), described("a", CLOSED), GOING))
    observer, ended = await heard(service, "latest")
    assert (observer.notices[-1], ended) == ("the session is closed", True)


async def test_an_identity_is_waited_for_and_what_there_is_instead_is_said(autojump_clock: MockClock, heard):
    service = Service().lists(("a", OPEN)).lists(("b", OPEN), after=0.1).lists(("b", OPEN), ("a", OPEN), after=60)
    service.streams("a", Stream(described("a"), LOST), Stream(described("a")))
    observer, _ = await heard(service, "a")
    assert observer.sessions == ["a", "a"]
    assert observer.notices[1] == "http://pit has no session 'a'; there are: 'b' (Lap); connecting again"


async def test_a_silent_session_is_not_left_while_the_connection_holds(autojump_clock: MockClock, heard):
    service = Service().lists(("a", OPEN)).lists(("b", OPEN), ("a", OPEN), after=12)
    service.streams("a", Stream(described("a")))
    observer, ended = await heard(service, "latest")
    assert (observer.sessions, ended) == (["a"], False)


async def test_a_parameter_that_is_not_there_ends_it(autojump_clock: MockClock, heard, monkeypatch):
    service = Service().lists(("a", OPEN)).streams("a", Stream(described("a")))
    monkeypatch.setattr(follow, "open_live_stream", service.open)
    with pytest.raises(RtaError, match='no parameter "rpm"; there are none'):
        await follow.follow_session(service, "a", ["rpm"], Heard())
