"""What can happen to a node, to its broker, and to the way between them."""

from __future__ import annotations

import math
import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import trio

from scripts.soaking.clock import ProcessClock
from scripts.soaking.ledger import Ledger
from scripts.soaking.plan import LEAST, Fault
from scripts.soaking.servers import Broker, Service
from scripts.soaking.tap import Tap

__all__ = ["NodeFaults"]

_HOUR = 3600.0
_FULL = 4096  # bytes behind which nothing can be written
_BEFORE = 2.0  # seconds before a disturbance of the node from which on it need not have recorded everything
_CUT = 15.0  # seconds for a replay to begin


class NodeFaults:
    """Strikes, and remembers for which times the node is excused. Times are steady seconds."""

    def __init__(self, node: Service, broker: Broker, way: Tap, ledger: Ledger, clock: ProcessClock, calm: float):
        """`calm`: seconds after a disturbance of the node until it has to record everything again."""
        self._node, self._broker, self._way, self._ledger, self._clock = node, broker, way, ledger, clock
        self._calm = calm
        self.happened = Counter[str]()
        self._disturbed: list[tuple[float, float]] = []
        self._without = -math.inf
        """Until when it was without a history: the disk full, or the process of it gone."""

    def excuses(self, at: float) -> bool:
        """Whether the node need not have recorded what happened then."""
        return any(begun <= at <= ended for begun, ended in self._disturbed)

    @property
    def may_leave_out(self) -> bool:
        """Whether what is published need not be in the history: there is none now, or was not until shortly ago."""
        return trio.current_time() < self._without + self._calm

    @contextmanager
    def disturbance(self) -> Iterator[None]:
        """The node is not to be relied on in the block, nor shortly afterwards."""
        begun = trio.current_time()
        try:
            yield
        finally:
            self._disturbed.append((begun - _BEFORE, trio.current_time() + self._calm))

    async def suffer(self, faults: Sequence[Fault]) -> None:
        """One lane, at its times from now on."""
        begun = trio.current_time()
        for fault in faults:
            await trio.sleep_until(max(begun + fault.at, trio.current_time() + LEAST))
            if await self._strike(fault):
                self.happened[fault.kind] += 1

    async def _strike(self, fault: Fault) -> bool:
        """Whether it has happened."""
        match fault.kind:
            case "broker killed" | "broker emptied":
                await self._broker.kill()
                if fault.kind == "broker emptied":
                    self._broker.empty()
                await trio.sleep(fault.lasting)
                await self._broker.start()
            case "broker paused":
                self._broker.pause()
                await trio.sleep(fault.lasting)
                self._broker.resume()
            case "network cut":
                self._way.closed = True
                self._way.cut()
                await trio.sleep(fault.lasting)
                self._way.closed = False
            case "network still":
                self._way.stand_still()
                await trio.sleep(fault.lasting)
                self._way.move()
            case "network deaf":
                self._way.go_deaf()
                await trio.sleep(fault.lasting)
                self._way.hear_again()
            case "cut in a replay":
                return await self._cut_in_a_replay(fault.lasting, once_acknowledged=False)
            case "cut before an acknowledgement":
                return await self._cut_in_a_replay(fault.lasting, once_acknowledged=True)
            case _:
                with self.disturbance():
                    await self._strike_node(fault)
        return True

    async def _strike_node(self, fault: Fault) -> None:
        match fault.kind:
            case "node killed":
                await self._node.kill()
                await trio.sleep(fault.lasting)
                await self._node.start()
            case "history killed":
                self._without = trio.current_time()
                self._node.signal_children(signal.SIGKILL)
            case "history paused":
                self._without = math.inf
                paused = self._node.signal_children(signal.SIGSTOP)
                await trio.sleep(fault.lasting)
                for pid in paused:  # of a node that may have been killed meanwhile
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
                self._without = trio.current_time()
            case "node stopped":
                await self._node.stop()
                await trio.sleep(fault.lasting)
                await self._node.start()
            case "disk full":
                self._without = math.inf
                self._node.limit_files(_FULL)
                await trio.sleep(fault.lasting)
                self._node.limit_files(None)
                self._without = trio.current_time()
            case "clock forward" | "clock back":
                self._clock.set(_HOUR if fault.kind == "clock forward" else -_HOUR)
                await trio.sleep(fault.lasting)
                self._clock.set(0)
            case _:
                raise ValueError(fault.kind)

    async def _cut_in_a_replay(self, outage: float, once_acknowledged: bool) -> bool:
        """An outage, so that there is something to replay, and a cut in the middle of that."""
        cut = trio.Event()

        def strike(acknowledged: bool) -> None:
            if acknowledged is once_acknowledged and not cut.is_set():
                cut.set()
                self._way.cut()

        self._way.closed = True
        self._way.cut()
        await trio.sleep(outage)
        self._ledger.on_replay = strike
        self._way.closed = False
        with trio.move_on_after(_CUT):
            await cut.wait()
        self._ledger.on_replay = None
        return cut.is_set()
