"""What the recorder makes of disks that are slow, full or hang while streams come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from rta.errors import HistoryError, QueueFullError
from rta.history.store import HistoryStore
from rta.node.node_stream import Initiator
from rta.store.worker import StoreWorker
from rta.stream.definition import Trigger
from rta.wire.values import Ns
from tests.actors.node_stage import NODE, Stage
from tests.actors.test_node_history import KEY, LIVE, PLAIN, REPLAY, STATUS, numbers

HTTP = Initiator("http")


@pytest.fixture(autouse=True)
def in_place(monkeypatch):
    """What administration does in threads is done in place of them: the mock clock would jump meanwhile."""

    async def run_sync(work: Any, *arguments: Any, **_: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return work(*arguments)

    monkeypatch.setattr("trio.to_thread.run_sync", run_sync)


ADDED = {"code": "car.engine", "name": "live", "attributes": {"rpm": "change"}, "history": {}, "replay": {}, "qos": 1}
STATE = "channel/car.engine/live"


def kept_now(stage: Stage) -> list[int]:
    assert stage.store is not None
    return [e.seq for e in stage.store.read(KEY)]


async def test_a_removal_while_the_disk_hangs_sends_nothing_twice(autojump_clock, tmp_path):
    stage = Stage(LIVE, evolve(LIVE, name="other"), state_dir=tmp_path, administration=True)
    async with stage.running(), stage.heard() as got:
        stage.hang()
        await stage.sample(rpm=1)
        await trio.sleep(1.5)
        await stage.node.streams.remove(*KEY, by=HTTP)
        await trio.sleep(1.5)
        stage.unhang()
        await trio.sleep(1)
        await stage.sample(rpm=2)
        await trio.sleep(1)
        assert "status/car.engine/live" not in await stage.kept()
    assert numbers(got, "status/car.engine/other") == [2, 3]


async def test_what_was_removed_while_the_disk_hung_is_gone_when_it_answers(autojump_clock, tmp_path):
    stage = Stage(LIVE, PLAIN, state_dir=tmp_path, administration=True)
    async with stage.running():
        await stage.sample(rpm=1)
        stage.hang()
        await stage.sample(rpm=2)
        await trio.sleep(1.5)
        await stage.node.streams.remove(*KEY, by=HTTP)
        await trio.sleep(1.5)
        stage.unhang()
        await trio.sleep(1)
        assert kept_now(stage) == []


@pytest.mark.parametrize("when", ["never", "after"])
async def test_a_stream_that_takes_the_place_of_a_removed_one_is_recorded_from_its_first_entry(
    autojump_clock, tmp_path, when
):
    """Also where the keeper dies when the removal, and what the new one has sent, are committed and not told."""
    stage = Stage(LIVE, PLAIN, state_dir=tmp_path, administration=True)
    async with stage.running():
        await stage.sample(rpm=1)
        stage.hang()
        await stage.sample(rpm=2)
        await stage.node.streams.remove(*KEY, by=HTTP)
        stage.lose_the_keeper(when)
        await stage.node.streams.add(ADDED, HTTP)
        await stage.sample(rpm=3)
        stage.unhang()
        await trio.sleep(1)
        assert kept_now(stage) == [1, 2]


async def test_a_stream_that_takes_the_place_of_a_removed_one_replays(autojump_clock, tmp_path):
    stage = Stage(LIVE, PLAIN, state_dir=tmp_path, administration=True)
    async with stage.running(), stage.heard() as got:
        await trio.sleep(0.3)
        stage.hang()
        await stage.sample(rpm=2)
        await stage.node.streams.remove(*KEY, by=HTTP)
        await stage.node.streams.add(ADDED, HTTP)
        await trio.sleep(0.75)  # the replayer looks which streams there are
        stage.unhang()
        await trio.sleep(2)
        got.clear()
        with full_queue(stage):
            await stage.sample(rpm=3)
            await stage.sample(rpm=4)
        await trio.sleep(3)
    assert sorted([*numbers(got, STATUS), *numbers(got, REPLAY)]) == [2, 3, 4]


@contextmanager
def full_queue(stage: Stage) -> Iterator[None]:
    """The bus has no room for what is live."""
    send, refused = stage.bus.send, 0

    def refuse(topic: str, payload: bytes, **properties: Any) -> None:
        nonlocal refused
        if topic.removeprefix(f"{NODE}/") == STATUS:
            refused += 1
            assert refused < 1000, "it is tried without a pause"
            raise QueueFullError("the queue is full")
        send(topic, payload, **properties)

    stage.bus.send = refuse  # type: ignore[method-assign]
    yield
    stage.bus.send = send  # type: ignore[method-assign]


async def test_a_queue_that_is_full_makes_no_entries(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        await stage.sample(rpm=1)
        with full_queue(stage):
            await stage.sample(rpm=2)
            await trio.sleep(2)
        await trio.sleep(2)
        assert kept_now(stage) == [1, 2, 3]
    assert numbers(got, STATUS) == [2, 3]


class Forgetful(HistoryStore):
    """Where nothing can be forgotten while `full`."""

    full = False

    def forget(self, key: tuple[str, str]) -> None:
        if type(self).full:
            raise HistoryError("database or disk is full")
        super().forget(key)


async def test_what_is_committed_is_replayed_though_another_stream_could_not_be_forgotten(
    autojump_clock, tmp_path, monkeypatch
):
    monkeypatch.setattr("tests.actors.node_stage.HistoryStore", Forgetful)
    other = evolve(LIVE, name="other")
    stage = Stage(LIVE, other, state_dir=tmp_path, administration=True)
    async with stage.running(), stage.heard() as got:
        await stage.sample(rpm=1)
        stage.bus.cut()
        stage.hang()
        await stage.sample(rpm=2)
        Forgetful.full = True
        await stage.node.streams.remove("car.engine", "other", by=HTTP)
        await stage.sample(rpm=3)
        stage.unhang()
        await trio.sleep(0.2)
        Forgetful.full = False
        stage.bus.mend()
        await trio.sleep(2)
        assert stage.store is not None
        assert stage.store.bounds(("car.engine", "other")) is None
        committed = kept_now(stage)
    assert set(committed) <= {1, *numbers(got, STATUS), *numbers(got, REPLAY)}


async def test_a_stop_is_seen_though_a_start_follows_at_once(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.hang()
        await stage.sample(rpm=1)
        await stage.node.streams.stop(*KEY, by=HTTP)
        await stage.node.streams.start(*KEY, by=HTTP)
        stage.unhang()
        await trio.sleep(0.5)
    assert [payload["state"] for topic, payload, _ in got if topic == STATE] == ["stopped", "running"]


class FullForMarks(HistoryStore):
    full = False

    def commit(self, entries: Any, mark: bytes | None = None) -> None:
        if type(self).full:
            raise HistoryError("database or disk is full")
        super().commit(entries, mark)


async def test_health_is_good_again_when_the_disk_is_though_nothing_is_sent(autojump_clock, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.actors.node_stage.HistoryStore", FullForMarks)
    stage = Stage(evolve(LIVE, update=None), state_dir=tmp_path)
    async with stage.running():
        FullForMarks.full = True
        await stage.sample(rpm=1)
        await trio.sleep(1)
        assert not stage.health.healthy
        FullForMarks.full = False
        await trio.sleep(5)
        assert stage.health.healthy


async def test_the_node_ends_though_the_disk_hangs(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    with trio.fail_after(10):
        async with stage.running():
            stage.hang()
            await stage.sample(rpm=1)


async def test_what_is_sent_at_the_end_is_published_though_the_disk_hangs(autojump_clock, tmp_path):
    stage = Stage(evolve(LIVE, batch=Ns(60 * 10**9)), state_dir=tmp_path)
    async with stage.listening() as got:
        with trio.move_on_after(10):
            async with stage.running():
                await stage.sample(rpm=1)
                stage.hang()
    told = [(topic, payload) for topic, payload, _ in got if topic in (STATUS, "presence")]
    assert numbers(got, STATUS)[-1:] == [2]
    assert told[-1] == ("presence", "shutdown")


class SlowToOpen(Stage):
    """The history takes longer to open than the node waits."""

    @asynccontextmanager
    async def keepers(self, path: Path) -> AsyncIterator[StoreWorker]:
        await trio.sleep(30)
        async with super().keepers(path) as keeper:
            yield keeper


async def test_a_history_that_is_slow_to_open_is_used_when_it_is_open(autojump_clock, tmp_path):
    stage = SlowToOpen(LIVE, state_dir=tmp_path)
    async with stage.running():
        assert not stage.health.healthy
        await trio.sleep(25)
        assert stage.health.healthy
        await stage.sample(rpm=1)
        assert kept_now(stage) == [2]


async def test_a_disk_that_hangs_between_commits_holds_up_live_once(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        await stage.sample(rpm=1)
        stage.hang()
        await trio.sleep(0.5)  # what has been delivered is being written
        await stage.sample(rpm=2)
        await trio.sleep(1.2)
        await stage.sample(rpm=3)
        assert numbers(got, STATUS) == [2, 3, 4]
        stage.unhang()


async def test_an_entry_longer_than_a_history_message_is_replayed(autojump_clock, tmp_path):
    stage = Stage(evolve(LIVE, attributes={"oil": Trigger.CHANGE}), state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.bus.cut()
        await stage.sample(oil="x" * 65000)
        await stage.sample(oil="y" * 70000)
        await stage.sample(oil="z")
        stage.bus.mend()
        await trio.sleep(2)
    assert numbers(got, REPLAY) == [2, 3, 4]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_was_being_committed_when_the_keeper_died_is_committed_once(autojump_clock, tmp_path, when):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.lose_the_keeper(when)
        await stage.sample(rpm=1)
        await trio.sleep(0.5)
        assert numbers(got, STATUS) == [2]
        assert kept_now(stage) == [1, 2]
        await stage.sample(rpm=2)
        await trio.sleep(0.5)
        assert kept_now(stage) == [1, 2, 3]
    assert numbers(got, STATUS) == [2, 3]
    assert numbers(got, REPLAY) == []
    assert stage.counted("rta_history_restarts_total") == 1
    assert stage.counted("rta_history_left_out_total") == 0


@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_was_committed_by_a_keeper_that_died_is_replayed_though_it_went_on_meanwhile(
    autojump_clock, tmp_path, when
):
    """The next keeper takes its time, so that live goes on without it; and the line is cut."""
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.bus.cut()
        stage.lose_the_keeper(when)
        stage.opening = 3.0
        await stage.sample(rpm=1)
        await trio.sleep(5)
        stage.bus.mend()
        await trio.sleep(3)
        assert kept_now(stage)[:2] == [1, 2]
    assert 2 in numbers(got, REPLAY)


async def test_what_a_keeper_that_died_had_committed_is_owed_when_the_file_can_be_opened_again(
    autojump_clock, tmp_path
):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.bus.cut()
        stage.lose_the_keeper("after")
        stage.locked = True
        await stage.sample(rpm=1)
        await trio.sleep(5)
        assert not stage.health.healthy
        stage.locked = False
        await trio.sleep(15)
        assert "nothing is being recorded" not in str(stage.health.reasons)
        stage.bus.mend()
        await trio.sleep(3)
        assert kept_now(stage)[:2] == [1, 2]
    assert 2 in numbers(got, REPLAY)


async def test_a_keeper_that_dies_at_once_is_not_started_again_and_again(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        for _ in range(3):
            stage.lose_the_keeper()
            await trio.sleep(0.2)
        assert not stage.health.healthy
        await stage.sample(rpm=1)
        await trio.sleep(11)
        assert stage.health.healthy
        await stage.sample(rpm=2)
        await trio.sleep(0.5)
        assert kept_now(stage) == [1, 3]
    assert numbers(got, STATUS) == [2, 3]
    assert stage.counted("rta_history_left_out_total") == 1


async def test_what_waits_while_a_keeper_is_lost_does_not_hide_what_it_had_committed(autojump_clock, tmp_path):
    """It is lost for the second time, so that there is no other one at once."""
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        await stage.sample(rpm=0)
        stage.lose_the_keeper()
        await trio.sleep(1)
        stage.bus.cut()
        stage.hang()
        stage.lose_the_keeper("after")
        await stage.sample(rpm=1)
        await stage.sample(rpm=2)
        stage.unhang()
        await trio.sleep(15)
        stage.bus.mend()
        await trio.sleep(5)
        await stage.sample(rpm=3)
        await trio.sleep(3)
        committed = kept_now(stage)
    assert 3 in committed
    assert set(committed) - {1} <= {*numbers(got, STATUS), *numbers(got, REPLAY)}


async def test_entries_of_a_stream_in_place_of_a_removed_one_stay_where_the_keeper_is_lost_for_long(
    autojump_clock, tmp_path, monkeypatch
):
    stage = Stage(LIVE, PLAIN, state_dir=tmp_path, administration=True)
    async with stage.running():
        await stage.sample(rpm=1)
        stage.lose_the_keeper()
        await trio.sleep(1)
        stage.hang()
        await stage.sample(rpm=2)
        await stage.node.streams.remove(*KEY, by=HTTP)
        await stage.node.streams.add(ADDED, HTTP)
        await stage.sample(rpm=3)
        ask = stage.keeper.ask

        async def lose_it(writes: bool, work: Any, *arguments: Any, cursor: int | None) -> Any:
            if writes and KEY in (arguments or [()])[0] and arguments[1]:
                stage.lose_the_keeper("after")
            return await ask(writes, work, *arguments, cursor=cursor)

        monkeypatch.setattr(stage.keeper, "ask", lose_it)
        stage.unhang()
        await trio.sleep(14)
        await stage.sample(rpm=4)
        await trio.sleep(1)
        assert kept_now(stage)[:1] == [1]
        assert stage.health.healthy
