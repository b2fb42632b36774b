"""A session that is sealed, or deleted, while what is recorded of it is read."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from test_client_recorded import DATA, PINNED, REFUSED, Answers, answer, chunk

from rta.client import RestClient, follow
from rta.client.decode import Decoder
from rta.client.stream import StreamClosed
from rta.errors import RtaError
from rta.testing.bursts import json_burst
from rta.wire import Burst, SessionModel, SessionState, write_session

KINDS = ("timestamped/-", "periodic/-", "row/-", "events")
GONE = 404, b'{"detail": "there is no session \'a\'"}'


class Observer:
    """The times of the samples that come, and what is said."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.notices: list[str] = []

    def session(self, model: SessionModel) -> None:
        pass

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        for samples in decoder.samples(burst):
            self.times += samples.timestamps.tolist()

    def lost(self, reason: str) -> None:
        self.notices.append(reason)

    notice = lost


class Archive:
    """A service that answers as it is told, and whose live stream has nothing of a session that is closed."""

    def __init__(self, serve, monkeypatch) -> None:
        self.text = write_session(SessionModel("a", SessionState.CLOSED, config_bindings=[]))
        self.answers = Answers()
        self.answers["/rta/v2/sessions"] = 200, b'{"sessions": []}'
        self.answers["/rta/v2/sessions/a"] = 200, self.text.encode()
        self._base = serve(self.answers)
        monkeypatch.setattr(follow, "open_live_stream", self._stream)

    def data(self, query: str, *said: object) -> None:
        """What is answered to the requests for each kind of data, in turn."""
        for kind, one in zip(KINDS, said, strict=True):
            self.answers[f"{DATA}/{kind}?{query}"] = one

    @asynccontextmanager
    async def _stream(self, *_: object):
        text = self.text

        class Stream:
            said = False

            async def subscribe(self, **_: object) -> None:
                pass

            async def receive(self) -> Burst:
                if self.said:
                    raise StreamClosed(1000, "the session is closed")
                self.said = True
                return json_burst(text)

        yield Stream()

    async def followed(self) -> Observer:
        observer = Observer()
        await follow.follow_session(RestClient(self._base), "a", (), observer, "a", start=0)
        return observer


@pytest.fixture
def archive(serve, monkeypatch) -> Archive:
    return Archive(serve, monkeypatch)


async def test_a_session_that_is_sealed_between_two_kinds_of_data_is_read_to_its_end(archive: Archive) -> None:
    first = answer(chunk(1, 2), chunk(3))
    sealed = answer(chunk(1, 2, 3, 4), point="9-0:1:s")
    archive.data("start=0", [first, sealed], answer(), answer(), answer())
    archive.data(PINNED, answer(), REFUSED, answer(), answer())
    archive.data("start=0&upto=9-0%3A1%3As", answer(), answer(), answer(), answer())
    observer = await archive.followed()
    assert observer.times == [1, 2, 3, 4]
    assert observer.notices == [
        "the session was sealed while it was read: it is read again, and what has come is left out",
        "the session is closed",
    ]


async def test_a_session_that_is_sealed_when_an_answer_breaks_off_is_read_to_its_end(archive: Archive) -> None:
    archive.data(
        "start=0", [answer(chunk(1), chunk(2, 3), cut=1), answer(chunk(1, 2, 3))], answer(), answer(), answer()
    )
    archive.data(PINNED, answer(chunk(1, 2, 3)), answer(), answer(), answer())
    observer = await archive.followed()
    assert observer.times == [1, 2, 3]
    assert observer.notices[-1] == "the session is closed"


async def test_samples_that_came_late_and_were_sealed_among_others_are_told_as_missing(archive: Archive) -> None:
    sealed = answer(chunk(1, 2, 3, 4), point="9-0:1:s")
    archive.data("start=0", [answer(chunk(1), chunk(3)), sealed], answer(), answer(), answer())
    archive.data(PINNED, answer(), REFUSED, answer(), answer())
    archive.data("start=0&upto=9-0%3A1%3As", answer(), answer(), answer(), answer())
    observer = await archive.followed()
    assert observer.times == [1, 3, 4]
    assert "1 samples are missing that came late, while others were read" in observer.notices


async def test_a_session_that_is_deleted_between_two_kinds_of_data_is_an_error(archive: Archive) -> None:
    archive.data("start=0", answer(chunk(1)), answer(), answer(), answer())
    archive.data(PINNED, answer(), GONE, answer(), answer())
    with pytest.raises(RtaError, match=r"^there is no session 'a'$"):
        await archive.followed()


async def test_a_session_that_is_deleted_while_there_is_no_connection_is_an_error(archive: Archive) -> None:
    archive.data("start=0", answer(chunk(1), cut=1), answer(), answer(), answer())
    archive.answers["/rta/v2/sessions/a"] = [archive.answers["/rta/v2/sessions/a"], GONE]
    with pytest.raises(RtaError, match=r"^session 'a' was deleted before all of it had come$"):
        await archive.followed()
