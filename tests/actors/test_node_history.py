"""A node that keeps what it sends, on the memory bus: what comes again after an outage, and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trio
from attrs import evolve

from rta.actors.initiated_streams import InitiatedStreams
from rta.errors import HistoryError
from rta.history.store import HistoryStore
from rta.node.node_stream import Initiator
from rta.stream.definition import History, StreamDefinition, Trigger
from rta.wire.values import Ns
from tests.actors.node_stage import NODE, Stage

LIVE = StreamDefinition("car.engine", "live", attributes={"rpm": Trigger.CHANGE}, qos=1, history=History(), replay=10.0)
PLAIN = StreamDefinition("car.engine", "plain", attributes={"rpm": Trigger.CHANGE}, qos=1)
KEY = ("car.engine", "live")
STATUS, REPLAY = "status/car.engine/live", "replay/car.engine/live"


def numbers(got: list[tuple[str, Any, Any]], topic: str) -> list[int]:
    """Of all entries that came on a topic."""
    return [entry["seq"] for t, payload, _ in got if t == topic and payload for entry in payload["entries"]]


def kept(folder: Path) -> list[tuple[int, bytes]]:
    store = HistoryStore(folder / "history.sqlite")
    try:
        return [(e.seq, e.values) for e in store.read(KEY, limit=100_000)]
    finally:
        store.close()


async def test_every_entry_is_kept(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        for rpm in (1, 2, 3):
            await stage.sample(rpm=rpm)
    assert numbers(got, STATUS) == [2, 3, 4]
    assert [seq for seq, _ in kept(tmp_path)] == [1, 2, 3, 4]


async def test_without_an_outage_there_is_nothing_to_replay_and_the_node_says_so(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.listening() as got, stage.running():
        await stage.sample(rpm=1)
    replayed = [payload for topic, payload, _ in got if topic == REPLAY]
    assert replayed == [{"entries": [], "done": True}]


async def test_an_outage_is_replayed_in_order_beside_live(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        await stage.sample(rpm=1)
        stage.bus.cut()
        for rpm in range(2, 302):
            await stage.sample(rpm=rpm)
        stage.bus.mend()
        await trio.sleep(0.05)
        await stage.sample(rpm=1000)
        await trio.sleep(2)
    assert numbers(got, REPLAY) == list(range(3, 303))
    assert numbers(got, STATUS) == [2, 303, 304]  # live, the full update at the reconnect, live again
    order = [topic for topic, _, _ in got if topic in (STATUS, REPLAY)]
    assert order.index(REPLAY) < len(order) - 1 - order[::-1].index(STATUS) < len(order) - 1  # side by side
    replays = [payload for topic, payload, _ in got if topic == REPLAY]
    assert [p.get("done") for p in replays] == [None, None, None, True]


async def test_a_replay_keeps_to_its_rate(autojump_clock, tmp_path):
    slow = evolve(LIVE, replay=2.0)
    stage = Stage(slow, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.bus.cut()
        for rpm in range(450):
            await stage.sample(rpm=rpm)
        stage.bus.mend()
        await trio.sleep(1.2)
        assert sum(topic == REPLAY for topic, _, _ in got) == 3
        await trio.sleep(5)
    assert sum(topic == REPLAY for topic, _, _ in got) == 5


async def test_each_entry_names_the_time_of_the_next(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.bus.cut()
        for rpm in (1, 2, 3):
            await stage.sample(rpm=rpm)
        stage.bus.mend()
        await trio.sleep(1)
    (entries,) = [payload["entries"] for topic, payload, _ in got if topic == REPLAY]
    assert [e["next_ts"] for e in entries[:-1]] == [e["ts"] for e in entries[1:]]
    full = next(p["entries"][0] for t, p, _ in got if t == STATUS)
    assert entries[-1]["next_ts"] == full["ts"]


async def test_the_first_message_of_a_replay_says_if_nothing_older_is_kept(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    stage.bus.cut()
    async with stage.running(), stage.heard() as got:
        await stage.sample(rpm=1)
        stage.bus.mend()
        await trio.sleep(1)
        stage.bus.cut()
        await stage.sample(rpm=2)
        stage.bus.mend()
        await trio.sleep(1)
    replays = [payload for topic, payload, _ in got if topic == REPLAY and payload["entries"]]
    assert [p.get("beginning") for p in replays] == [True, None]


async def test_an_interrupted_replay_goes_on_behind_what_was_acknowledged(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.bus.cut()
        for rpm in range(400):
            await stage.sample(rpm=rpm)
        stage.bus.mend()
        await trio.sleep(0.15)
        half = numbers(got, REPLAY)
        assert 0 < len(half) < 400
        stage.bus.cut()
        await trio.sleep(1)
        stage.bus.mend()
        await trio.sleep(3)
    seen = numbers(got, REPLAY)
    assert len(seen) == len(set(seen))
    assert set(seen) | set(numbers(got, STATUS)) >= set(range(2, 402))


async def test_after_a_restart_numbers_go_on_and_what_was_owed_is_replayed(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running():
        stage.bus.cut()
        for rpm in range(5):
            await stage.sample(rpm=rpm)
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.listening() as got, stage.running():
        await trio.sleep(1)
    assert numbers(got, REPLAY)[:5] == [2, 3, 4, 5, 6]
    assert numbers(got, STATUS)[0] == 7


async def test_what_was_acknowledged_does_not_come_again_after_a_restart(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running():
        for rpm in range(5):
            await stage.sample(rpm=rpm)
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.listening() as got, stage.running():
        await trio.sleep(1)
    assert numbers(got, REPLAY) == []


async def test_after_a_crash_what_may_not_have_arrived_comes_again(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running():
        for rpm in range(5):
            await stage.sample(rpm=rpm)
        at_the_crash = stage.copy_of_the_history(tmp_path / "after")
    stage = Stage(LIVE, state_dir=at_the_crash)
    async with stage.listening() as got, stage.running():
        await trio.sleep(1)
    again = numbers(got, REPLAY)
    assert again == list(range(7 - len(again), 7))  # the newest ones, of which the disk does not know that they arrived
    assert numbers(got, STATUS)[0] == 7


async def test_a_stream_without_replay_is_not_replayed(autojump_clock, tmp_path):
    stage = Stage(evolve(LIVE, replay=None), PLAIN, state_dir=tmp_path)
    async with stage.running(), stage.heard(f"{NODE}/replay/#") as got:
        stage.bus.cut()
        await stage.sample(rpm=1)
        stage.bus.mend()
        await trio.sleep(1)
    assert got == []


async def test_a_stop_comes_after_what_was_sent_before_it(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        await stage.sample(rpm=1)
        await stage.tell("throttle/car.engine/live", {"action": "stop"})
        await trio.sleep(0.5)
        assert STATUS not in await stage.kept()
    assert [p for t, p, _ in got if t == STATUS][-1] == b""


async def test_a_stopped_stream_still_replays(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.bus.cut()
        await stage.sample(rpm=1)
        await stage.node.streams.stop(*KEY, by=Initiator("http"))
        stage.bus.mend()
        await trio.sleep(1)
    assert numbers(got, REPLAY) == [2]


async def test_removing_a_stream_drops_its_history(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path, administration=True)
    async with stage.running():
        await stage.sample(rpm=1)
        await stage.node.streams.remove(*KEY, by=Initiator("http"))
        await trio.sleep(0.5)
    assert kept(tmp_path) == []


async def test_the_list_says_what_is_kept(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running():
        await stage.sample(rpm=1)
        (listed,) = await InitiatedStreams(stage.node.streams, Initiator("http")).list("car.engine")
    assert listed["kept"]["entries"] == 2
    assert listed["kept"]["oldest"] < listed["kept"]["newest"]
    assert (listed["history"], listed["replay"]) == ({"age": "1d", "entries": 10000}, {"rate": 10.0})


async def test_what_is_over_the_bounds_goes(autojump_clock, tmp_path):
    few = evolve(LIVE, history=History(entries=10))
    stage = Stage(few, state_dir=tmp_path)
    async with stage.running():
        for rpm in range(50):
            await stage.sample(rpm=rpm)
        await trio.sleep(21)
    assert [seq for seq, _ in kept(tmp_path)] == list(range(42, 52))


async def test_what_is_too_old_goes(autojump_clock, tmp_path):
    short = evolve(LIVE, history=History(age=Ns(30 * 10**9)))
    stage = Stage(short, state_dir=tmp_path)
    async with stage.running():
        for rpm in range(5):
            await stage.sample(rpm=rpm)
        await trio.sleep(45)
        await stage.sample(rpm=100)
        await trio.sleep(1)
    assert [seq for seq, _ in kept(tmp_path)] == [7]


class FullDisk(HistoryStore):
    """Of which every commit fails while `full`."""

    full = False

    def commit(self, entries: Any, mark: bytes | None = None) -> None:
        if type(self).full:
            raise HistoryError("database or disk is full")
        super().commit(entries, mark)


async def test_live_goes_on_while_the_disk_is_full(autojump_clock, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.actors.node_stage.HistoryStore", FullDisk)
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        await stage.sample(rpm=1)
        FullDisk.full = True
        await stage.sample(rpm=2)
        await stage.sample(rpm=3)
        assert any("full" in reason for reason in stage.health.reasons)
        FullDisk.full = False
        await stage.sample(rpm=4)
        assert stage.health.healthy
    assert numbers(got, STATUS) == [2, 3, 4, 5]
    assert [seq for seq, _ in kept(tmp_path)] == [1, 2, 5]
    assert stage.counted("rta_history_left_out_total") == 2


async def test_what_was_committed_before_the_disk_was_full_is_replayed(autojump_clock, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.actors.node_stage.HistoryStore", FullDisk)
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.bus.cut()
        await stage.sample(rpm=1)
        FullDisk.full = True
        await stage.sample(rpm=2)
        FullDisk.full = False
        await stage.sample(rpm=3)
        stage.bus.mend()
        await trio.sleep(1)
    assert numbers(got, REPLAY) == [2, 4]


async def test_a_disk_that_hangs_holds_up_live_for_a_second(autojump_clock, tmp_path):
    stage = Stage(LIVE, PLAIN, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        await stage.sample(rpm=1)
        stage.hang()
        began = trio.current_time()
        await stage.sample(rpm=2)
        assert numbers(got, "status/car.engine/plain")[-1] == 3
        while 3 not in numbers(got, STATUS):
            await trio.sleep(0.01)
        assert trio.current_time() - began < 1.3
        await stage.sample(rpm=3)
        assert numbers(got, STATUS) == [2, 3, 4]
        assert not stage.health.healthy
        stage.unhang()
        await trio.sleep(1)
        await stage.sample(rpm=4)
        assert stage.health.healthy
    assert [seq for seq, _ in kept(tmp_path)] == [1, 2, 3, 5]  # 3 was on its way to the disk, 4 came while it hung


async def test_what_the_disk_took_only_after_it_was_published_comes_again(autojump_clock, tmp_path):
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        stage.hang()
        await stage.sample(rpm=1)
        await trio.sleep(2)
        stage.unhang()
        await trio.sleep(2)
    assert numbers(got, REPLAY) == [2]


async def test_a_history_that_cannot_be_opened_is_tried_again_while_live_goes_on(autojump_clock, tmp_path, monkeypatch):
    class Locked(HistoryStore):
        locked = True

        def __init__(self, path: Path) -> None:
            if type(self).locked:
                raise HistoryError(f"{path} is in use")
            super().__init__(path)

    monkeypatch.setattr("tests.actors.node_stage.HistoryStore", Locked)
    stage = Stage(LIVE, state_dir=tmp_path)
    async with stage.running(), stage.heard() as got:
        await stage.sample(rpm=1)
        assert any("in use" in reason for reason in stage.health.reasons)
        Locked.locked = False
        await trio.sleep(15)
        assert stage.health.healthy
        await stage.sample(rpm=2)
    assert numbers(got, STATUS) == [2, 3]
    assert [seq for seq, _ in kept(tmp_path)] == [3]


async def test_a_stream_that_is_added_later_is_recorded_from_its_first_entry(autojump_clock, tmp_path):
    stage = Stage(PLAIN, state_dir=tmp_path, administration=True)
    async with stage.running():
        fields = {"code": "car.engine", "name": "live", "attributes": {"rpm": "change"}, "history": {}}
        await stage.node.streams.add(fields, Initiator("http"))
        await stage.sample(rpm=1)
    assert [seq for seq, _ in kept(tmp_path)] == [1, 2]


async def test_what_is_kept_of_a_stream_that_is_no_longer_configured_goes_in_time(autojump_clock, tmp_path):
    stage = Stage(LIVE, PLAIN, state_dir=tmp_path)
    async with stage.running():
        await stage.sample(rpm=1)
    other = evolve(PLAIN, history=History())
    async with Stage(other, state_dir=tmp_path).running():
        await trio.sleep(30)
    assert len(kept(tmp_path)) == 2
    later = Stage(other, state_dir=tmp_path)
    later.back = -25 * 3600 * 10**9
    async with later.running():
        await trio.sleep(30)
    assert kept(tmp_path) == []
