"""What is recorded is read up to one flush point, each chunk once, over as many answers as it takes."""

from __future__ import annotations

import pytest

from rta.client.recorded import RecordedData
from rta.errors import FlushPointError, NotConnectedError
from rta.wire import Burst, ChannelId, Chunk, DataKind, encode_timestamped
from rta.wire.chunks import ChunkWriter, make_chunk

DATA = "/rta/v2/sessions/a/data"
PINNED = "start=0&upto=5-0%3A1%3As"


def chunk(*times: int) -> Chunk:
    item = encode_timestamped(ChannelId(1), list(times), [0.0] * len(times))
    return make_chunk(DataKind.TIMESTAMPED, (1,), times[0], times[-1], [item.SerializeToString()])


def answer(
    *chunks: Chunk, point: str | None = "5-0:1:s", damaged: int = 0, cut: int = 0, chunked: bool = False
) -> bytes:
    """`cut`: so many bytes are missing when the service goes."""
    body = ChunkWriter().write(chunks)
    head = ["HTTP/1.1 200 OK"]
    if point is not None:
        head.append(f"RTA-Flush-Point: {point}")
    if damaged:
        head.append(f"RTA-Damaged-Chunks: {damaged}")
    if chunked:
        head.append("Transfer-Encoding: chunked")
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    else:
        head.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body[: len(body) - cut]


REFUSED = 409, b'{"detail": "what came behind it has been sealed together with what came before"}'


class Answers(dict):
    """By path; of several for one path each is given once."""

    def get(self, path, default):
        found = super().get(path, default)
        return found.pop(0) if isinstance(found, list) else found


class Reader:
    """Reads from answers, which may change."""

    def __init__(self, serve) -> None:
        self.answers = Answers()
        for kind in ("timestamped/-", "periodic/-", "row/-", "events"):
            self.answers[f"{DATA}/{kind}?start=0"] = self.answers[f"{DATA}/{kind}?{PINNED}"] = answer()
        self.data = RecordedData(serve(self.answers), "a", None, 0, 10.0)
        self.times: list[int] = []

    def has(self, kind: str, said: object, query: str = PINNED) -> None:
        self.answers[f"{DATA}/{kind}?{query}"] = said

    async def read(self) -> bool:
        return await self.data.read(self._receive)

    def _receive(self, burst: Burst) -> None:
        self.times += [item.timestamped_data.start_timestamp for item in burst.message().data]


@pytest.fixture
def reader(serve) -> Reader:
    return Reader(serve)


async def test_all_kinds_are_read_up_to_the_point_of_the_first_answer(reader: Reader) -> None:
    reader.has("timestamped/-", answer(chunk(1), chunk(2)), "start=0")
    assert await reader.read()
    assert (reader.data.point, reader.times) == ("5-0:1:s", [1, 2])


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("part", [0, 1])
async def test_a_read_that_broke_off_goes_on_where_it_was(reader: Reader, chunked: bool, part: int) -> None:
    """Where it broke off between two chunks, too."""
    whole = [chunk(1), chunk(2), chunk(3)]
    cut = len(ChunkWriter().write(whole)) - len(ChunkWriter().write(whole[:2])) - part + (7 if chunked else 0)
    reader.has("timestamped/-", answer(*whole, chunked=chunked, cut=cut), "start=0")
    with pytest.raises(NotConnectedError, match="breaks off"):
        await reader.read()
    reader.has("timestamped/-", answer(*whole))
    assert await reader.read()
    assert reader.times == [1, 2, 3]


async def test_equal_chunks_are_as_many_as_they_are(reader: Reader) -> None:
    reader.has("timestamped/-", answer(chunk(1), chunk(1), chunk(2), cut=1), "start=0")
    with pytest.raises(NotConnectedError):
        await reader.read()
    reader.has("timestamped/-", answer(chunk(2), chunk(1), chunk(1)))
    assert await reader.read()
    assert sorted(reader.times) == [1, 1, 2]


async def test_samples_that_were_cut_anew_meanwhile_are_not_given_twice(reader: Reader) -> None:
    reader.has("timestamped/-", answer(chunk(1), chunk(2), cut=1), "start=0")
    with pytest.raises(NotConnectedError):
        await reader.read()
    reader.has("timestamped/-", answer(chunk(1, 2)))
    with pytest.raises(FlushPointError, match="cannot be told from what has come: read it anew"):
        await reader.read()
    assert reader.times == [1]


async def test_a_point_that_is_lost_after_something_has_come_is_an_error(reader: Reader) -> None:
    reader.has("timestamped/-", answer(chunk(1)), "start=0")
    reader.has("row/-", REFUSED)
    with pytest.raises(FlushPointError, match="has been sealed"):
        await reader.read()


async def test_a_point_that_is_lost_before_anything_has_come_is_replaced_by_a_newer_one(reader: Reader) -> None:
    reader.has("timestamped/-", [answer(), answer(chunk(1), point="9-0:1:s")], "start=0")
    reader.has("row/-", REFUSED)
    for kind in ("periodic/-", "row/-", "events"):
        reader.has(kind, answer(), "start=0&upto=9-0%3A1%3As")
    assert await reader.read()
    assert (reader.data.point, reader.times) == ("9-0:1:s", [1])


async def test_a_session_that_is_not_recorded_has_none(reader: Reader) -> None:
    reader.has("timestamped/-", answer(point=None), "start=0")
    assert not await reader.read()


async def test_what_the_service_has_left_out_is_counted(reader: Reader) -> None:
    reader.has("timestamped/-", answer(chunk(1), damaged=2), "start=0")
    reader.has("events", answer(damaged=1))
    assert await reader.read()
    assert reader.data.damaged == 3
