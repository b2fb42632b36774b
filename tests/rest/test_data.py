"""The data of sessions. Source: docs/rest.md, "Data"."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from archive.plain_archive import PlainArchive

from rta.errors import ArchiveError
from rta.ports import FlushPoint, SessionRecord
from rta.rest.data import CHUNKED
from rta.rest.unopened_archive import UnopenedArchive
from rta.wire import DataKind

from .asgi import Asking, ask
from .recorded import DATA, SECOND, RecordedSite, times


@pytest.fixture
def site() -> RecordedSite:
    return RecordedSite()


async def test_a_channel_comes_as_chunks_with_the_flush_point(site: RecordedSite) -> None:
    point = await site.record(1, 2, 3)
    answer = await ask(site.app(), f"{DATA}/timestamped/1")
    assert answer.status == 200
    assert answer.headers["content-type"] == CHUNKED
    assert answer.headers["rta-flush-point"] == str(point)
    assert times(answer) == {(1,): [1, 2, 3]}


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ("timestamped/-", DataKind.TIMESTAMPED, {(1,): [1, 2], (0xA0,): [1, 2]}),
        ("timestamped/a0", DataKind.TIMESTAMPED, {(0xA0,): [1, 2]}),
        ("timestamped/%2D1%2CA0", DataKind.TIMESTAMPED, {(1,): [1, 2], (0xA0,): [1, 2]}),
        ("timestamped/7", DataKind.TIMESTAMPED, {}),
        ("timestamped/ffffffff", DataKind.TIMESTAMPED, {}),
        ("timestamped/7-1", DataKind.TIMESTAMPED, {}),
        ("row/8", DataKind.ROW, {(7, 8): [1, 2]}),
        ("periodic/-", DataKind.PERIODIC, {}),
        ("events", DataKind.EVENTS, {(): [1, 2]}),
    ],
)
async def test_each_kind_has_its_path(site: RecordedSite, path: str, kind: DataKind, expected: object) -> None:
    await site.record(1, 2)
    assert times(await ask(site.app(), f"{DATA}/{path}"), kind) == expected


async def test_bounds_are_nanoseconds_and_inclusive(site: RecordedSite) -> None:
    await site.record(*range(200))
    for query, first, last in (
        (f"start={100 * SECOND}", 100, 199),  # chunks of this archive have 50 samples
        (f"end={100 * SECOND - 1}", 0, 99),
        (f"start={99 * SECOND}&end={99 * SECOND}", 50, 99),
        (f"start={2**63 - 1}", None, None),
        (f"start=0&end={2**63 - 1}", 0, 199),
        (f"start={60 * SECOND}&end={59 * SECOND}", None, None),  # a chunk has both
    ):
        expected = {} if first is None else {(1,): list(range(first, last + 1))}
        assert times(await ask(site.app(), f"{DATA}/timestamped/1?{query}")) == expected


async def test_an_answer_up_to_a_flush_point_stays_the_same(site: RecordedSite) -> None:
    point = await site.record(1, 2)
    app = site.app()
    before = await ask(app, f"{DATA}/timestamped/-")
    await site.record(1, 2, 3)
    after = await ask(app, f"{DATA}/timestamped/-?upto={before.headers['rta-flush-point']}")
    assert (after.body, after.headers["rta-flush-point"]) == (before.body, str(point))


async def test_a_flush_point_that_is_not_held_is_a_conflict(site: RecordedSite) -> None:
    point = await site.record(1, 2)
    newer = await site.record(1, 2, 3)
    site.archive.forget_entries("car", newer.position)
    for upto in (point, FlushPoint("other", 3, point.position)):
        answer = await ask(site.app(), f"{DATA}/timestamped/-?upto={upto}")
        assert answer.status == 409
        assert answer.problem["field"] == "upto"


async def test_head_is_the_head_of_get(site: RecordedSite) -> None:
    await site.record(1, state="closed")
    get = await ask(site.app(), f"{DATA}/timestamped/-")
    head = await ask(site.app(), f"{DATA}/timestamped/-", "HEAD")
    head.headers.pop("content-length")
    assert head.headers == get.headers


# ---- sessions that are not there, or not yet


async def test_an_unknown_session_is_404(site: RecordedSite) -> None:
    assert "'car'" in (await ask(site.app(), f"{DATA}/timestamped/-")).problem["detail"]
    assert (await ask(site.app(archive=None), f"{DATA}/events")).problem["status"] == 404


async def test_before_the_first_sample_is_recorded_the_point_is_the_start_of_the_run(site: RecordedSite) -> None:
    record = await site.open()
    answer = await ask(site.app(), f"{DATA}/timestamped/-")
    point = FlushPoint("live", record.stream_session_id, record.stream_position.before())
    assert (answer.status, answer.body, answer.headers["rta-flush-point"]) == (200, b"", str(point))
    again = await ask(site.app(), f"{DATA}/row/-?upto={point}")
    assert (again.status, again.headers["rta-flush-point"]) == (200, str(point))
    assert (await ask(site.app(), f"{DATA}/row/-?upto=9-9:1:live")).status == 409


async def test_a_session_that_is_not_going_to_be_recorded_has_no_flush_point(site: RecordedSite) -> None:
    await site.open()

    async def records(record: SessionRecord) -> bool:
        return record.identity != "car"

    answer = await ask(site.app(records=records), f"{DATA}/timestamped/-")
    assert (answer.status, answer.body) == (200, b"")
    assert "rta-flush-point" not in answer.headers


async def test_an_archive_that_could_not_be_opened_is_503(site: RecordedSite) -> None:
    await site.open()
    app = site.app(archive=UnopenedArchive("another process has it"))
    for path in (f"{DATA}/events", "/rta/v2/sessions/none", "/rta/v2/configs/none", "/rta/v2/entries?after=0-0:3:live"):
        answer = await ask(app, path)
        assert answer.problem["status"] == 503
        assert "another process has it" in answer.problem["detail"]
    assert (await ask(app, "/rta/v2/sessions/car")).status == 200
    assert (await ask(app, "/rta/v2/sessions")).headers["rta-incomplete"]


async def test_a_site_that_records_nothing_has_no_data_and_no_flush_point(site: RecordedSite) -> None:
    await site.open()
    answer = await ask(site.app(archive=None), f"{DATA}/timestamped/-")
    assert (answer.status, answer.body) == (200, b"")
    assert "rta-flush-point" not in answer.headers


# ---- conditional requests


async def test_data_of_a_sealed_session_are_not_sent_again(site: RecordedSite) -> None:
    await site.record(1, 2, state="closed")
    app = site.app()
    tags = set()
    for path in ("timestamped/1", "timestamped/a0", "row/-", "events", "events?end=5", "events?start=5"):
        first = await ask(app, f"{DATA}/{path}")
        tags.add(tag := first.headers["etag"])
        assert not tag.startswith("W/")
        second = await ask(app, f"{DATA}/{path}", if_none_match=f'"x", {tag}')
        assert (second.status, second.body, second.headers["etag"]) == (304, b"", tag)
    assert len(tags) == 6
    await site.archive.describe(
        "car", '{"identity":"car","state":"closed","timestamp":"2026-01-01T00:00:00Z","identifier":"B"}'
    )
    assert (await ask(app, f"{DATA}/events", if_none_match=", ".join(tags))).status == 200


async def test_data_of_an_open_session_have_no_tag(site: RecordedSite) -> None:
    await site.record(1)
    answer = await ask(site.app(), f"{DATA}/timestamped/1", if_none_match="*")
    assert answer.status == 200
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


async def test_data_of_a_session_that_changes_meanwhile_have_no_tag(site: RecordedSite) -> None:
    await site.record(1, state="closed")
    read = site.archive.read

    @asynccontextmanager
    async def changing(identity: str, wanted: Any) -> Any:
        await site.archive.describe("car", site.archive._sessions["car"].json)
        async with read(identity, wanted) as reader:
            yield reader

    site.archive.read = changing
    assert "etag" not in (await ask(site.app(), f"{DATA}/timestamped/1")).headers


# ---- what is refused


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("timestamped/x", "channels"),
        ("timestamped/%00", "channels"),
        ("timestamped/..", "channels"),
        ("timestamped/1%2F2", "channels"),
        ("row/1,,2", "channels"),
        ("periodic/" + "1," * 3000 + "1", "channels"),
        ("events?start=", "start"),
        ("events?start=-1", "start"),
        ("events?start=1.5", "start"),
        ("events?start=1e9", "start"),
        ("events?start=0x10", "start"),
        ("events?start=%D9%A1", "start"),
        (f"events?start={2**63}", "start"),
        ("events?start=" + "9" * 5000, "start"),
        ("events?start=1&start=2", "start"),
        ("events?end=now", "end"),
        ("events?upto=1-0", "upto"),
        ("events?upto=", "upto"),
        ("events?upto=1-0:3:%25FF", "upto"),
        ("events?upto=99999999999999999999-0:3:live", "upto"),
    ],
)
async def test_what_cannot_be_meant_is_400_and_names_what_is_wrong(site: RecordedSite, path: str, field: str) -> None:
    await site.record(1)
    answer = await ask(site.app(), f"{DATA}/{path}")
    assert answer.status == 400
    assert answer.problem["field"] == field
    assert len(answer.body) < 1000


@pytest.mark.parametrize("kind", ["rows/1", "timestamped", "timestamped/1/2", "events/1", "Timestamped/1"])
async def test_there_are_four_kinds_of_data(site: RecordedSite, kind: str) -> None:
    await site.record(1)
    assert (await ask(site.app(), f"{DATA}/{kind}")).problem["status"] == 404


async def test_data_are_read_only(site: RecordedSite) -> None:
    answer = await ask(site.app(), f"{DATA}/events", "DELETE")
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert "expected one of" in answer.problem["detail"]


@pytest.mark.parametrize(
    "identity",
    ["%2e%2e", "..", "a%2Fcar", "car%00", "%00", "%25", "car%2F..%2Fcar", "%FF", "%", "%zz", "x" * 4000, "CAR"],
)
async def test_hostile_identities_are_just_unknown(site: RecordedSite, identity: str) -> None:
    await site.record(1)
    for path in (f"/rta/v2/sessions/{identity}", f"/rta/v2/sessions/{identity}/data/events"):
        answer = await ask(site.app(), path)
        assert answer.problem["status"] == 404
        assert len(answer.body) < 1000


@pytest.mark.parametrize("identity", ["a/b", "..", "%2F", "n\x00ul", "ü 1", "q?x=1"])
async def test_an_identity_may_be_any_text(site: RecordedSite, identity: str) -> None:
    await site.record(1, identity=identity)
    quoted = "".join(f"%{byte:02x}" for byte in identity.encode())
    assert times(await ask(site.app(), f"/rta/v2/sessions/{quoted}/data/timestamped/1")) == {(1,): [1]}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (CHUNKED, 200),
        ("*/*", 200),
        ("application/*", 200),
        ("text/html, */*;q=0.1", 200),
        ("", 200),
        ("application/json", 406),
        ("*/*;q=0", 406),
        (f"{CHUNKED};q=0, */*", 406),
    ],
)
async def test_who_takes_no_chunks_is_told(site: RecordedSite, accept: str, status: int) -> None:
    await site.record(1)
    answer = await ask(site.app(), f"{DATA}/events", accept=accept)
    assert answer.status == status
    assert status == 200 or CHUNKED in answer.problem["detail"]


# ---- an archive that fails


async def test_an_archive_that_cannot_be_read_is_503(site: RecordedSite) -> None:
    await site.record(1)
    site.archive.down = True
    answer = await ask(site.app(), f"{DATA}/events")
    assert answer.problem["status"] == 503
    assert int(answer.headers["retry-after"]) > 0


class Torn(PlainArchive):
    """Has a damaged chunk, and fails behind the first chunks or before them."""

    def __init__(self, fails_at: int | None = None, damaged: int = 0) -> None:
        super().__init__()
        self.fails_at = fails_at
        self.damaged = damaged
        self.open = 0

    @asynccontextmanager
    async def read(self, identity: str, wanted: Any) -> Any:
        async with super().read(identity, wanted) as reader:
            reads = 0
            plain = reader.next

            async def torn() -> Any:
                nonlocal reads
                reads += 1
                reader.damaged = self.damaged
                if reads - 1 == self.fails_at:
                    raise ArchiveError("the disk is gone")
                return await plain()

            reader.next = torn
            self.open += 1
            try:
                yield reader
            finally:
                self.open -= 1


async def test_an_archive_that_fails_at_once_is_503() -> None:
    site = RecordedSite(Torn(fails_at=0))
    await site.record(1)
    assert (await ask(site.app(), f"{DATA}/timestamped/-")).problem["status"] == 503


async def test_an_answer_that_cannot_be_ended_is_seen_to_be_broken_off() -> None:
    site = RecordedSite(Torn(fails_at=1))
    await site.record(*range(500))
    answer = await ask(site.app(), f"{DATA}/timestamped/-")
    assert answer.status == 200
    assert answer.body
    assert not answer.whole


async def test_damaged_chunks_are_said_and_counted() -> None:
    site = RecordedSite(Torn(damaged=2))
    await site.record(1)
    answer = await ask(site.app(), f"{DATA}/timestamped/1")
    assert answer.headers["rta-damaged-chunks"] == "2"
    assert site.counted["rta_data_damaged_total"] == 2


# ---- bounds


async def test_a_client_that_reads_nothing_keeps_nobody_and_reads_no_further() -> None:
    site = RecordedSite(Torn())
    await site.record(*range(1000))
    app = site.app()
    slow = Asking(app, f"{DATA}/timestamped/-", takes=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(slow.run)
        await slow.stalled.wait()
        assert site.archive.open == 1
        assert len(times(await ask(app, f"{DATA}/timestamped/1"))[1,]) == 1000
        assert len(slow.pieces) == 1
        slow.hang_up()
    assert site.archive.open == 0


async def test_a_client_that_goes_while_the_archive_is_busy_stops_the_reading(autojump_clock: object) -> None:
    site = RecordedSite(Torn())
    await site.record(1)
    busy = trio.Event()

    async def find(identity: str) -> None:
        busy.set()
        await trio.sleep_forever()

    site.archive.find = find
    asking = Asking(site.app(), f"{DATA}/events")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(asking._app, asking.scope, asking._receive, asking._send)
        await busy.wait()
        asking.hang_up()
    assert asking.start is None


async def test_floods_of_one_address_leave_the_others_alone(autojump_clock: object) -> None:
    site = RecordedSite()
    await site.record(*range(200))
    app = site.app()
    flood = [Asking(app, f"{DATA}/timestamped/-", client=f"2001:db8::{n:x}", takes=0) for n in range(32)]
    async with trio.open_nursery() as nursery:
        for one in flood:
            nursery.start_soon(one.run)
        for one in flood:
            await one.stalled.wait()
        began = trio.current_time()
        refused = await ask(app, f"{DATA}/events", client="2001:db8::ffff")
        assert trio.current_time() - began == 5
        assert refused.problem["status"] == 429
        assert int(refused.headers["retry-after"]) > 0
        assert (await ask(app, f"{DATA}/events", client="2001:db8:0:1::")).status == 200
        waiting = Asking(app, f"{DATA}/events", client="2001:db8::ffff")
        nursery.start_soon(waiting.run)
        await trio.sleep(1)
        assert waiting.start is None
        flood[0].hang_up()
        await trio.sleep(1)
        assert waiting.answer.status == 200
        for one in flood:
            one.hang_up()


async def test_a_flood_of_many_addresses_is_bounded(autojump_clock: object) -> None:
    site = RecordedSite()
    await site.record(1)
    app = site.app()
    find, found = site.archive.find, trio.Event()
    statuses: list[int] = []
    first: list[int] = []

    async def find_late(identity: str) -> object:
        await found.wait()
        return await find(identity)

    async def wait(number: int, into: list[int], site: str) -> None:
        into.append((await ask(app, f"{DATA}/events", client=f"10.{site}.0.{number}")).status)

    site.archive.find = find_late
    async with trio.open_nursery() as nursery:
        for number in range(128):
            nursery.start_soon(wait, number, first, "1")
        await trio.sleep(1)
        began = trio.current_time()
        async with trio.open_nursery() as others:
            for number in range(265):
                others.start_soon(wait, number % 255, statuses, "0")
        assert trio.current_time() - began == 5
        found.set()
    assert first == [200] * 128
    assert statuses == [429] * 265
    assert (await ask(app, f"{DATA}/events")).status == 200
