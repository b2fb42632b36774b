"""A wall clock that is set an hour forth and back, under streams whose entries must all be delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from rta.history.store import HistoryStore
from rta.rsmp.message import PLAIN
from rta.stream.clock import Sampled
from rta.stream.definition import AttributeDefinition, History, StreamDefinition, Trigger
from rta.stream.sample import Sample
from rta.wire.values import Ns
from tests.actors.node_stage import CAR, Stage

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
STEPS = (HOUR, -HOUR, -HOUR, 2 * HOUR)

KEPT = StreamDefinition(
    "car.engine",
    "kept",
    attributes={"rpm": Trigger.CHANGE},
    update=Ns(10 * SECOND),
    qos=1,
    history=History(age=Ns(30 * 24 * HOUR)),
    replay=10.0,
)


def numbers_in(payloads: list[Any]) -> list[int]:
    return [entry["seq"] for payload in payloads if payload for entry in payload["entries"]]


def committed(folder: Path) -> list[int]:
    store = HistoryStore(folder / "history.sqlite")
    try:
        return [e.seq for e in store.read((KEPT.code, KEPT.name), limit=100_000)]
    finally:
        store.close()


@pytest.mark.parametrize("hours", [1, -1])
async def test_an_hour_that_the_clock_skips_is_not_played_through(autojump_clock, hours):
    """Not even when a sample comes before anybody has looked at the clock."""
    async with Stage(evolve(KEPT, history=None, replay=None)).running() as stage:
        await stage.sample(rpm=1)
        await trio.sleep(5)
        async with stage.heard("+/+/status/#") as got:
            stage.back = -hours * HOUR
            await stage.sample(rpm=2)
            await trio.sleep(9)
            await stage.sample(rpm=3)
        said = [payload["entries"][-1]["values"]["rpm"] for _, payload, _ in got]
        assert said[-1] == 3
        assert len(said) <= 5


async def test_every_committed_entry_is_delivered_while_the_clock_is_set_and_the_connection_lost(
    autojump_clock, tmp_path
):
    stage = Stage(KEPT, state_dir=tmp_path)
    rpm = 0
    async with stage.listening() as got, stage.running():
        for step in STEPS:
            for cut in (False, True):
                if cut:
                    stage.bus.cut()
                stage.back -= step if cut else 0
                for _ in range(30):
                    rpm += 1
                    await stage.sample(rpm=rpm)
                    await trio.sleep(0.1)
                if cut:
                    stage.bus.mend()
        await trio.sleep(30)
        (status,) = [s for t, s in (await stage.kept()).items() if t == "status/car.engine/kept"]
    delivered = numbers_in([p for t, p, _ in got if t.startswith(("status/", "replay/"))])
    kept = committed(tmp_path)
    assert len(kept) > 150
    assert set(kept) <= set(delivered)
    assert kept == sorted(set(kept))
    assert status["entries"][-1]["values"] == {"rpm": rpm}


async def test_samples_that_are_too_old_because_the_clock_was_set_are_told(autojump_clock):
    """As those of a recording that goes on playing while the clock is an hour ahead."""
    stage = Stage(evolve(KEPT, history=None, replay=None))
    stage.status = evolve(CAR, attributes={"rpm": AttributeDefinition("rpm", max_age=Ns(10 * SECOND))})
    async with stage.running():
        for ahead in (0, HOUR, 0):
            stage.back = -ahead
            for rpm in range(10):
                ts = Ns(stage.clock() - ahead)
                await stage.send.send(Sampled("car.engine", [Sample(ts, "rpm", PLAIN, rpm)]))
                await trio.sleep(1)
            assert ("a clock is wrong" in str(stage.health.reasons)) is bool(ahead)
