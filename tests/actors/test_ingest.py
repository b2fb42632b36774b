"""The ingest actor: sources that fail, end and misbehave."""

import json

import pytest
import trio
from rta_transports.memory import MemoryLog
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.actors.ingest import IngestActor
from rta.errors import NotConnectedError
from rta.health import Health
from rta.ports import CloseSession, OpenSession, SessionBurst, Source, UpdateSession
from rta.testing.bursts import numbered_burst

OPEN = json.dumps({"identity": "a", "state": "open", "timestamp": "2026-01-01T00:00:00Z", "identifier": "A"})
CLOSED = OPEN.replace('"open"', '"closed"')


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


class Report:
    def __init__(self) -> None:
        self.faults: list[str] = []

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        self.faults.append(kind)

    def notice(self, source: str, kind: str, detail: str) -> None: ...

    def count(self, metric: str, amount: float = 1, **labels: str) -> None: ...

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...


class Stage:
    """An actor on a memory log."""

    def __init__(self, source: Source) -> None:
        self.log = MemoryLog(1 << 20, lambda: 1_700_000_000 * 10**9)
        self.health, self.report = Health(), Report()
        self.actor = IngestActor("s", "s", source, self.log, self.health, self.report, lambda: 1_700_000_000 * 10**9)

    async def state(self) -> str:
        record = await self.log.find("a")
        assert record is not None
        assert record.json is not None
        return str(json.loads(record.json)["state"])


class Playing:
    """A source that says these things, then waits or ends."""

    def __init__(self, *updates, end: bool = True) -> None:
        self.updates, self.end = updates, end

    async def run(self, updates) -> None:
        for update in self.updates:
            await updates.send(update)
        if not self.end:
            await trio.sleep_forever()


async def test_a_session_that_is_open_when_its_source_ends_is_truncated() -> None:
    stage = Stage(Playing(OpenSession("a", OPEN), SessionBurst("a", numbered_burst(1))))
    await stage.actor.run()
    assert await stage.state() == "truncated"


async def test_a_session_that_is_open_at_cancellation_is_truncated() -> None:
    stage = Stage(Playing(OpenSession("a", OPEN), end=False))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.actor.run)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert await stage.state() == "truncated"


async def test_a_session_that_was_closed_stays_closed() -> None:
    stage = Stage(Playing(OpenSession("a", OPEN), CloseSession("a", CLOSED)))
    await stage.actor.run()
    assert await stage.state() == "closed"


async def test_a_source_that_ends_without_a_sample_is_said_to_be_no_use() -> None:
    stage = Stage(Playing(OpenSession("a", OPEN), CloseSession("a", CLOSED)))
    await stage.actor.run()
    assert stage.health.reasons == ["source 's': ended without a single sample"]


async def test_a_source_that_has_played_something_ends_in_health() -> None:
    stage = Stage(Playing(OpenSession("a", OPEN), SessionBurst("a", numbered_burst(1)), CloseSession("a", CLOSED)))
    await stage.actor.run()
    assert stage.health.healthy


async def test_data_of_a_session_that_is_not_open_is_counted_and_left_out() -> None:
    stage = Stage(Playing(SessionBurst("a", numbered_burst(1)), UpdateSession("a", OPEN)))
    await stage.actor.run()
    assert stage.report.faults == ["session", "session"]


async def test_a_source_that_cannot_reach_its_other_side_is_started_again(autojump_clock: MockClock) -> None:
    class Failing:
        starts = 0

        async def run(self, updates) -> None:
            self.starts += 1
            if self.starts < 4:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.fail)

        async def fail(self) -> None:
            raise NotConnectedError("nobody is there")

    source = Failing()
    await Stage(source).actor.run()
    assert source.starts == 4


async def test_a_programming_error_of_a_source_is_not_swallowed() -> None:
    class Broken:
        async def run(self, updates) -> None:
            raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as raised:
        await Stage(Broken()).actor.run()
    assert raised.value.subgroup(ZeroDivisionError) is not None
