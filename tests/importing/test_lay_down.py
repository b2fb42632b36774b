"""Files become the sessions that playing them gives: the same samples, in chunks as the archive keeps them."""

from __future__ import annotations

import json
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import trio

from rta.cli.source_options import read_source_options
from rta.errors import ArchiveError, RtaError
from rta.importing import file_digest, imported_identity, lay_down_file
from rta.ports import Context, SessionBurst, load_transport
from rta.wire import ConfigBinding, read_configuration
from rta.wire.chunks import DataKind, read_chunk
from rta.wire.columns import ColumnReader
from rta.wire.conversion import bind

NOW = 1_700_000_000_000_000_000
OFFER = load_transport("csv").source


class Laid:
    """What has been laid down of one session."""

    def __init__(self, identity, types) -> None:
        self.identity, self.types = identity, types
        self.documents: dict[str, str] = {}
        self.chunks: list = []
        self.json: dict = {}
        self.discarded = False

    def publish(self, identifier, text) -> None:
        self.documents[identifier] = text

    def add(self, chunks) -> None:
        self.chunks += chunks

    def finish(self, text, span=None) -> Path:
        self.json, self.span = json.loads(text), span
        return Path("laid")

    def discard(self) -> None:
        self.discarded = not self.json

    def samples(self) -> dict[int, list[tuple[int, float]]]:
        reader = reader_of(self.documents.values())
        found: dict[int, list[tuple[int, float]]] = {}
        for chunk in self.chunks:
            for channel, times, values in reader.read_items(chunk.kind, read_chunk(chunk)):
                found.setdefault(channel, []).extend(zip(times.tolist(), values.tolist(), strict=True))
        return {c: sorted(s, key=lambda pair: pair[0]) for c, s in found.items()}  # rows of several groups

    def events(self) -> list[tuple[int, str]]:
        events = [e for c in self.chunks if c.kind is DataKind.EVENTS for e in read_chunk(c)]
        return [(e.timestamp, e.status_text) for e in events]


class Heard:
    def __init__(self) -> None:
        self.lost: list[str] = []

    def malformed(self, source, kind, detail, part="") -> None:
        self.lost.append(kind)

    def notice(self, source, kind, detail) -> None: ...

    def count(self, metric, amount=1, **labels) -> None: ...

    def gauge(self, metric, amount, **labels) -> None: ...


def reader_of(documents) -> ColumnReader:
    reader = ColumnReader()
    for text in documents:
        reader.know(bind(read_configuration(text), ConfigBinding("")))
    return reader


def context(folder: Path) -> Context:
    return Context("lap", folder, lambda: NOW, Heard())


def laid_down(path: Path, **options: str) -> list[Laid]:
    sessions: list[Laid] = []

    def new_import(identity, types) -> Laid:
        sessions.append(Laid(identity, types))
        return sessions[-1]

    load = OFFER.load(read_source_options(OFFER, {"path": str(path)} | options), context(path.parent))
    try:
        lay_down_file(load, {"digest": "d"}, new_import)
    finally:
        load.close()
    return sessions


async def played(path: Path, **options: str) -> tuple[dict[int, list[tuple[int, float]]], list[tuple[int, str]]]:
    """The samples and events that playing the file gives, channel by channel in the order of their times."""
    chosen = read_source_options(OFFER, {"path": str(path), "speed": "1e9"} | options)
    updates = []
    async with OFFER.open(chosen, context(path.parent)) as source, trio.open_nursery() as nursery:
        send, receive = trio.open_memory_channel(0)

        async def run() -> None:
            async with send:
                await source.run(send)

        nursery.start_soon(run)
        async for update in receive:
            updates.append(update)
    reader = reader_of([u.text for u in updates if hasattr(u, "text")])
    bursts = [u.burst for u in updates if isinstance(u, SessionBurst)]
    found: dict[int, list[tuple[int, float]]] = {}
    events = []
    for burst in bursts:
        for channel, times, values in reader.read(burst):
            found.setdefault(channel, []).extend(zip(times.tolist(), values.tolist(), strict=True))
        events += [
            (i.event.timestamp, i.event.status_text) for i in burst.message().data if i.WhichOneof("data") == "event"
        ]
    return {c: sorted(s, key=lambda pair: pair[0]) for c, s in found.items()}, sorted(events, key=lambda e: e[0])


def table(tmp_path: Path, name: str) -> Path:
    rng = np.random.default_rng(7)
    lines = ["time (s),Speed (km/h),Gear,State,Sparse"]
    for i in range(3000):
        late = 0.053 if name == "late" and i % 100 == 99 else 0
        state = ["run", "3.5", "", "idle"][i % 4]
        sparse = f"{i}" if i % 7 == 0 else "nan" if i % 11 == 0 else ""
        lines.append(f"{i * 0.01 - late:.3f},{rng.normal():.17g},{i % 6},{state},{sparse}")
    path = tmp_path / f"{name}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", ["steady", "late"])
@pytest.mark.parametrize(
    "options",
    [{}, {"types": '{Gear="u8"}'}, {"kind": "row"}, {"kind": "periodic", "interval": "10ms"}, {"origin": "file"}],
    ids=str,
)
async def test_a_file_is_the_session_that_playing_it_gives(tmp_path: Path, name: str, options: dict[str, str]):
    path = table(tmp_path, name)
    (session,) = laid_down(path, **options)
    samples, events = await played(path, **options)
    assert {c: [repr(s) for s in found] for c, found in session.samples().items()} == {
        c: [repr(s) for s in found] for c, found in samples.items()
    }
    assert session.events() == events
    for before, after in pairwise(sorted(session.chunks, key=lambda c: (c.kind.value, c.channels, c.start))):
        if (before.kind, before.channels) == (after.kind, after.channels):
            assert before.end <= after.start
    times = [t for found in samples.values() for t, _ in found] + [t for t, _ in events]
    assert (session.json["timeRange"]["startTime"], session.json["timeRange"]["endTime"]) == (min(times), max(times))
    assert session.json["state"] == "closed"
    assert session.json["details"]["digest"] == "d"
    assert "speed" not in session.json["details"]
    assert [b["identifier"] for b in session.json["configBindings"]] == list(session.documents)


def test_where_time_begins_anew_another_session_follows(tmp_path: Path):
    path = tmp_path / "runs.csv"
    rows = [f"{i / 10},{run}.5,{i}" for run in (1, 2) for i in range(50)]
    path.write_text("time (s),Voltage,Number\n" + "\n".join(rows) + "\n")
    first, second = laid_down(path)
    assert [v for _, v in first.samples()[1]] == [1.5] * 50
    assert [v for _, v in second.samples()[1]] == [2.5] * 50
    assert first.json["timeRange"]["endTime"] < second.json["timeRange"]["startTime"]


def test_nothing_is_laid_down_of_a_file_that_fails_in_the_end(tmp_path: Path):
    sessions: list[Laid] = []

    def parts():
        load = OFFER.load(read_source_options(OFFER, {"path": str(table(tmp_path, "steady"))}), context(tmp_path))
        yield from load
        load.close()
        raise RtaError("the disk has gone")

    def new_import(identity, types) -> Laid:
        sessions.append(Laid(identity, types))
        return sessions[-1]

    with pytest.raises(RtaError, match="the disk has gone"):
        lay_down_file(parts(), {}, new_import)
    assert [s.discarded for s in sessions] == [True]


def test_of_a_file_with_two_sessions_of_which_one_cannot_be_laid_down_nothing_is_left(tmp_path: Path):
    path = tmp_path / "runs.csv"
    rows = [f"{i / 10},{run}.5" for run in (1, 2) for i in range(50)]
    path.write_text("time (s),Voltage\n" + "\n".join(rows) + "\n")
    finished: list[Path] = []

    class Last(Laid):
        def finish(self, text, span=None) -> Path:
            if finished:
                raise ArchiveError("the disk is full")
            finished.append(tmp_path / "laid")
            finished[0].touch()
            assert self.identity == "run 2"  # the one that says whether the file is there comes last
            return finished[0]

    load = OFFER.load(read_source_options(OFFER, {"path": str(path), "identity": "run"}), context(tmp_path))
    with closing(load), pytest.raises(ArchiveError, match="the disk is full"):
        lay_down_file(load, {}, Last)
    assert not finished[0].exists()


def test_a_file_without_a_row_is_an_error(tmp_path: Path):
    path = tmp_path / "empty.csv"
    path.write_text("time (s),Speed\nsoon,fast\nlater,faster\n0.1,x\n")
    with pytest.raises(RtaError):
        laid_down(path, header="1", time_column="time (s)", time_unit="s", events="[]")


def test_the_same_content_is_the_same_session(tmp_path: Path):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("a,b\n1,2\n")
    other.write_text("a,b\n1,2\n")
    assert imported_identity(file_digest(one)) == imported_identity(file_digest(other))
    other.write_text("a,b\n1,3\n")
    assert file_digest(one) != file_digest(other)
