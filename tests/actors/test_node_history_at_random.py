"""Whatever happens to a node, and in whatever order: each entry that is kept has been delivered when it has had time.

The line to the broker has a short queue and acknowledges late; what is on it is lost when it is cut. The disk hangs and
is full; streams are stopped, started, edited and replaced; the process ends and is killed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from unittest.mock import patch

import cbor2
import trio
from attrs import evolve
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from rta.errors import HistoryError, NotConnectedError, QueueFullError, TransportError
from rta.history.store import HistoryStore
from rta.node.node_stream import Initiator
from rta.rsmp.payload import iso
from rta.stream.definition import Aggregate
from rta.wire.values import Ns
from tests.actors.node_stage import NODE, Stage, decoded
from tests.actors.test_node_history import LIVE

HTTP = Initiator("http")
LATER = evolve(LIVE, name="later", batch=Ns(700_000_000))
SUMS = evolve(LIVE, name="sums", attributes={}, aggregates={"rpm": (Aggregate.AVG,)}, update=Ns(10**9))
STREAMS = (LIVE, LATER, SUMS)
_QUEUE = 12
_QUIET = 20.0

T = TypeVar("T")

Entry = tuple[str, str, int, bytes]
"""Stream, time, number, values."""


class Disk(HistoryStore):
    full = False

    def commit(self, entries: Any, mark: bytes | None = None) -> None:
        if Disk.full:
            raise HistoryError("database or disk is full")
        super().commit(entries, mark)

    def forget(self, key: tuple[str, str]) -> None:
        if Disk.full:
            raise HistoryError("database or disk is full")
        super().forget(key)


class Line:
    """Between a node and its broker."""

    def __init__(self, stage: Stage, arrived: set[Entry]) -> None:
        self.bus = stage.bus
        self._arrived = arrived
        self._carry = stage.bus.send
        self._filled = trio.Event()
        self._queue: deque[tuple[Callable[[], None], Any, str, bytes]] = deque()
        stage.bus.send = self.send  # type: ignore[method-assign]
        stage.bus.publish = self.publish  # type: ignore[method-assign,assignment]

    def send(self, topic: str, payload: bytes, *, done: Any = None, **properties: Any) -> None:
        if self.bus.trouble is not None:
            raise NotConnectedError(self.bus.trouble)
        if len(self._queue) >= _QUEUE:
            raise QueueFullError("the queue is full")
        carry = partial(self._carry, topic, payload, **properties)
        self._queue.append((carry, done, topic, payload))
        self._filled.set()

    async def publish(self, topic: str, payload: bytes, **properties: Any) -> None:
        told = trio.Event()
        errors: list[TransportError] = []

        def done(error: TransportError | None) -> None:
            errors.extend([error] if error is not None else [])
            told.set()

        while True:
            try:
                self.send(topic, payload, done=done, **properties)
                break
            except TransportError:
                if self.bus.trouble is not None:
                    raise
            await trio.sleep(0.01)
        await told.wait()
        if errors:
            raise errors[0]

    async def run(self) -> None:
        while True:
            await self._filled.wait()
            await trio.sleep(0.01)
            if not self._queue:
                self._filled = trio.Event()
            elif self.bus.trouble is None:
                carry, done, topic, payload = self._queue.popleft()
                carry()
                self._arrived.update(_entries(topic.removeprefix(f"{NODE}/"), payload))
                if done is not None:
                    done(None)

    def cut(self) -> None:
        self.bus.cut()
        lost, self._queue = self._queue, deque()
        for _, done, _, _ in lost:
            if done is not None:
                done(NotConnectedError("the connection is cut"))


def _entries(topic: str, payload: bytes) -> list[Entry]:
    kind, _, stream = topic.partition("/car.engine/")
    message = decoded(payload)
    if kind not in ("status", "replay") or not message:
        return []
    return [(stream, e["ts"], e["seq"], cbor2.dumps(e["values"])) for e in message["entries"]]


def choice(among: tuple[T, T, T], length: float) -> T:
    return among[round(length * 100) % 3]


class Run:
    """One node through all its processes."""

    def __init__(self, folder: Path, steps: list[tuple[str, float]]) -> None:
        self._folder = folder
        self._steps = deque(steps)
        self._arrived: set[Entry] = set()
        self._rpm = count(1)
        self._folders = count()

    async def go(self) -> None:
        while await self._process():
            pass

    async def _process(self) -> bool:
        """Whether another one follows."""
        stage = Stage(*STREAMS, state_dir=self._folder, administration=True)
        line = Line(stage, self._arrived)
        over = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(line.run)
            with trio.CancelScope() as alive:
                async with stage.running():
                    last: int | None = None
                    while self._steps:
                        what, length = self._steps.popleft()
                        if what == "end":
                            break
                        if what == "kill":
                            self._folder = stage.copy_of_the_history(self._folder.parent / f"at-{next(self._folders)}")
                            alive.cancel()
                            await trio.lowlevel.checkpoint()
                        last = await self._step(what, length, stage, line, last)
                        await trio.sleep(length)
                    else:
                        await self._check(stage, last)
                        over = True
                    stage.unhang()
            nursery.cancel_scope.cancel()
        return not over

    async def _step(self, what: str, length: float, stage: Stage, line: Line, last: int | None) -> int | None:
        streams, name = stage.node.streams, choice(("live", "later", "sums"), length)
        match what:
            case "sample":
                last = next(self._rpm)
                await stage.sample(rpm=last)
            case "cut":
                line.cut()
            case "mend":
                stage.bus.mend()
            case "stop":
                await streams.stop("car.engine", name, HTTP)
            case "start":
                await streams.start("car.engine", name, HTTP)
            case "edit":
                await streams.edit("car.engine", name, {"replay": {"rate": 5 + next(self._rpm) % 7}}, HTTP)
            case "replace" if name != "sums":
                await streams.remove("car.engine", name, HTTP)
                fields = {"attributes": {"rpm": "change"}, "qos": 1, "history": {}, "replay": {}}
                await streams.add({"code": "car.engine", "name": name, **fields}, HTTP)
            case "hang" if stage._disk.is_set():
                stage.hang()
            case "unhang":
                stage.unhang()
            case "lose":
                stage.lose_the_keeper(choice(("now", "before", "after"), length))
            case "lock" | "unlock":
                stage.locked = what == "lock"
            case "full" | "room":
                Disk.full = what == "full"
        return last

    async def _check(self, stage: Stage, last: int | None) -> None:
        stage.lose_the_keeper("never")
        stage.locked = False
        stage.unhang()
        stage.bus.mend()
        Disk.full = False
        await trio.sleep(_QUIET)
        store = stage.store
        assert store is not None
        picture = await stage.kept()
        for stream in stage.node._node.streams:
            code, name = stream.key
            missing = [
                entry
                for e in store.read(stream.key, limit=100_000)
                if (entry := (name, iso(e.ts), e.seq, e.values)) not in self._arrived
                and e.ts < stage.clock() - 5 * 10**9
            ]
            assert missing == []
            assert picture[f"channel/{code}/{name}"] == {"state": "stopped" if stream.run is None else "running"}
            if stream.run is None:
                assert f"status/{code}/{name}" not in picture
            elif name != "sums":
                assert picture[f"status/{code}/{name}"]["entries"][-1]["values"] == {"rpm": last}
        assert stage.health.healthy


async def _in_place(work: Any, *arguments: Any, **_: Any) -> Any:
    await trio.lowlevel.checkpoint()
    return work(*arguments)


LENGTHS = st.sampled_from([0.0, 0.01, 0.02, 0.03, 0.25, 0.5, 1.3, 2.6])
ENDS = ["end", "kill"]
FAULTS = ["lose", "lose", "lose", "lock", "unlock", "cut", "mend", "hang", "unhang", "unhang", "full", "room"]
KINDS = ["sample"] * 5 + ["stop", "start", "start", "edit", "replace"] + FAULTS + ENDS


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(KINDS), LENGTHS), max_size=40))
def test_whatever_happens_what_is_kept_is_delivered(steps):
    Disk.full = False
    with (
        TemporaryDirectory() as folder,
        patch("tests.actors.node_stage.HistoryStore", Disk),
        patch("trio.to_thread.run_sync", _in_place),
    ):
        (Path(folder) / "state").mkdir()
        run = Run(Path(folder) / "state", steps)
        trio.run(run.go, clock=MockClock(autojump_threshold=0))
