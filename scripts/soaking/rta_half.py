"""The first half: a writer, Redis, an edge, and WebSocket clients that come back.

Judged: every sample that the writer has taken has come to every client at least once, and none twice on one
connection. A client's place is a minute of the buffer (`fanout.back_scan`), and no fault lasts that long. In the end
REST gives every sample exactly once, as it was written.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import trio

from rta.writer import WriteError
from scripts.soaking.attended import Attended
from scripts.soaking.plan import LEAST, Fault
from scripts.soaking.recorded import differences
from scripts.soaking.recordings import Follower, Recording
from scripts.soaking.servers import Redis, Service
from scripts.soaking.sites import edge_site
from scripts.soaking.tap import Tap

__all__ = ["RtaHalf"]

LANES = ("redis", "edge", "archive")


class RtaHalf:
    """`begin`, then `suffer` the faults of each lane, then `settle`."""

    def __init__(self, folder: Path, sessions: int, rate: float, clients: int) -> None:
        """`rate`: bursts a second of each session; `clients`: of each session."""
        self._folder = folder
        self.recordings = [Recording(f"recording-{i}", rate) for i in range(sessions)]
        self.followers = [Follower(r) for r in self.recordings for _ in range(clients)]
        self.faults = Counter[str]()
        self.wrong: list[str] = []
        self._writing = trio.Event()

    async def begin(self, nursery: trio.Nursery) -> None:
        self.redis = Redis("redis", self._folder, nursery)
        await self.redis.start()
        self.edge = Service("edge", edge_site(self.redis.url), self._folder, nursery)
        await self.edge.start()
        self._tap = Tap(self.edge.port)
        await nursery.start(self._tap.serve)
        nursery.start_soon(self._write)
        for follower in self.followers:
            nursery.start_soon(follower.follow, self._tap.port)

    @property
    def processes(self) -> list[Attended]:
        return [self.redis, self.edge]

    async def _write(self) -> None:
        async def write(recording: Recording) -> None:
            try:
                await recording.write(self.redis.url)
            except WriteError as e:
                self.wrong.append(f"{recording.identity}: {e}")

        async with trio.open_nursery() as nursery:
            for recording in self.recordings:
                nursery.start_soon(write, recording)
        self._writing.set()

    async def suffer(self, faults: Sequence[Fault]) -> None:
        """One lane, at its times from now on."""
        begun = trio.current_time()
        for fault in faults:
            await trio.sleep_until(max(begun + fault.at, trio.current_time() + LEAST))
            await self._strike(fault)
            self.faults[fault.kind] += 1

    async def _strike(self, fault: Fault) -> None:
        match fault.kind:
            case "redis killed":
                await self.redis.kill()
                await trio.sleep(fault.lasting)
                await self.redis.start()
            case "redis paused":
                self.redis.pause()
                await trio.sleep(fault.lasting)
                self.redis.resume()
            case "edge killed":
                await self.edge.kill()
                await trio.sleep(fault.lasting)
                await self.edge.start()
            case "edge stopped":
                await self.edge.stop()
                await trio.sleep(fault.lasting)
                await self.edge.start()
            case "clients cut":
                self._tap.cut()
            case "archive killed":
                self.edge.signal_children(signal.SIGKILL)
            case "archive paused":
                paused = self.edge.signal_children(signal.SIGSTOP)
                await trio.sleep(fault.lasting)
                for pid in paused:  # of an edge that may have been killed meanwhile
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)

    # ---- what came of it

    @property
    def written(self) -> int:
        """Samples, each of which is due to each client of its session."""
        return sum(f.recording.written for f in self.followers)

    @property
    def received(self) -> int:
        return sum(f.numbers.different for f in self.followers)

    @property
    def again(self) -> int:
        return sum(f.again for f in self.followers)

    @property
    def doubled(self) -> int:
        return sum(f.doubled for f in self.followers)

    async def settle(self, patience: float) -> None:
        """No faults any more: the writers end, and the clients get what they are owed, within so many seconds."""
        for recording in self.recordings:
            recording.end()
        with trio.move_on_after(patience):
            await self._writing.wait()
            while self.received < self.written:
                await trio.sleep(0.1)
        lost = sum(len(f.numbers.missing(f.recording.written)) for f in self.followers)
        if lost:
            self.wrong.append(f"{lost} samples were lost: clients never got them")
        if self.doubled:
            self.wrong.append(f"{self.doubled} samples came twice on one connection")
        self.lost = lost
        differing = await differences(self.recordings, self.edge.port, patience)
        for identity, (missing, again, strange) in differing.items():
            self.wrong.append(
                f"REST gives another {identity} than was written: {missing} samples are missing, {again} are there "
                f"again, {strange} nobody wrote"
            )
        self.recorded = sum(r.written for r in self.recordings) - sum(missing for missing, _, _ in differing.values())
