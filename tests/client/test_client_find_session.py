"""A session is found by identity, by identifier, or as the latest."""

from __future__ import annotations

import pytest

from rta.client.follow import find_session
from rta.errors import RtaError
from rta.wire import SessionModel, SessionState


class Listed:
    """A service with these sessions, newest first, and one that it does not list."""

    base = "http://pit"

    def __init__(self, *sessions: SessionModel, unlisted: str = "child") -> None:
        self._sessions = list(sessions)
        self._unlisted = SessionModel(unlisted)

    async def sessions(self) -> list[SessionModel]:
        return self._sessions

    async def session(self, identity: str) -> SessionModel | None:
        return next((s for s in [*self._sessions, self._unlisted] if s.identity == identity), None)


def session(identity: str, identifier: str = "", state: SessionState = SessionState.OPEN) -> SessionModel:
    return SessionModel(identity, state, identifier=identifier)


async def test_the_identity_wins_over_an_identifier():
    service = Listed(session("1", "2"), session("2", "1"))
    assert (await find_session(service, "2")).identity == "2"


async def test_the_newest_of_an_identifier_is_taken():
    service = Listed(session("3", "Lap"), session("2", "Lap"), session("1", "Lap"))
    assert (await find_session(service, "Lap")).identity == "3"


async def test_the_latest_is_the_newest_that_is_not_closed():
    service = Listed(session("2", state=SessionState.CLOSED), session("1"))
    assert (await find_session(service, "latest")).identity == "1"


async def test_the_latest_is_the_newest_where_all_are_closed():
    service = Listed(session("2", state=SessionState.TRUNCATED), session("1", state=SessionState.CLOSED))
    assert (await find_session(service, "latest")).identity == "2"


async def test_a_session_that_is_not_listed_is_asked_for():
    assert (await find_session(Listed(session("1")), "child")).identity == "child"


async def test_a_session_that_is_nowhere_is_an_error_with_some_that_there_are():
    service = Listed(session("1", "Long drive"), session("2", "2"), *(session(str(n)) for n in range(3, 40)))
    listed = r"'1' \(Long drive\), '2', .*, '20' and 19 more"
    with pytest.raises(RtaError, match=rf"^http://pit has no session 'lap'; there are: {listed}$"):
        await find_session(service, "lap")
    with pytest.raises(RtaError, match=r"^http://pit has no session '33 '; there are: '33', '1' \(Long drive\), "):
        await find_session(service, "33 ")
    with pytest.raises(RtaError, match=r"^http://pit has no session 'lap'; there are none$"):
        await find_session(Listed(), "lap")


async def test_nothing_is_the_latest_of_nothing():
    with pytest.raises(RtaError, match=r"^http://pit has no sessions$"):
        await find_session(Listed(), "latest")
