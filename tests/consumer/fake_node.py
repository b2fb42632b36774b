"""A node that says what a test has it say, and what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import cbor2
import trio
from rta_transports.memory import MemoryTopics
from rta_transports.memory.broker import MemoryBroker

from rta.ports import TopicMessage
from rta.rsmp.payload import iso
from rta.wire.values import Ns

BASE = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
NODE = "dk/cph/tlc-1"


def at(second: float) -> Ns:
    return Ns(BASE + round(second * SECOND))


def entry(seq: Any, second: float | None = None, **values: Any) -> dict[str, Any]:
    """Entry `seq`, by default of that second."""
    return {"ts": iso(at(seq if second is None else second)), "seq": seq, "values": values or {"rpm": seq}}


class FakeNode:
    """Has history of what a test puts there."""

    def __init__(self, broker: MemoryBroker, node_id: str = NODE) -> None:
        self.bus = MemoryTopics(broker=broker)
        self.id = node_id
        self.asked: list[tuple[str, Any]] = []
        """Below the node's topic, and decoded."""
        self.history: list[dict[str, Any]] = []
        self.silent = False
        self.per_message = 2

    async def say(self, topic: str, value: Any, retain: bool = False) -> None:
        payload = value if isinstance(value, bytes) else cbor2.dumps(value)
        await self.bus.publish(f"{self.id}/{topic}", payload, retain=retain, qos=1)
        await trio.testing.wait_all_tasks_blocked()

    async def status(self, *entries: dict[str, Any], stream: str = "car.engine/live", retain: bool = False) -> None:
        await self.say(f"status/{stream}", {"entries": list(entries)}, retain)

    async def online(self) -> None:
        await self.say("presence", "online", retain=True)

    async def state(self, state: str, stream: str = "car.engine/live") -> None:
        await self.say(f"channel/{stream}", {"state": state}, retain=True)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeNode]:
        async with self.bus.connect(self.id), trio.open_nursery() as nursery:
            await nursery.start(self._listen)
            yield self
            nursery.cancel_scope.cancel()

    def of(self, kind: str) -> list[Any]:
        """What was asked on topics of a kind."""
        return [value for topic, value in self.asked if topic.startswith(f"{kind}/")]

    async def _listen(self, *, task_status: trio.TaskStatus[None]) -> None:
        filters = [f"{self.id}/{kind}/#" for kind in ("throttle", "command", "fetch")]
        async with self.bus.subscribe(*filters) as subscription:
            task_status.started()
            while True:
                message = await subscription.receive()
                topic = message.topic.removeprefix(f"{self.id}/")
                self.asked.append((topic, cbor2.loads(message.payload)))
                kind, _, rest = topic.partition("/")
                if self.silent:
                    continue
                if kind == "throttle":
                    running = self.asked[-1][1]["action"] == "start"
                    payload = cbor2.dumps({"state": "running" if running else "stopped"})
                    self.bus.send(f"{self.id}/channel/{rest}", payload, retain=True)
                elif kind == "command":
                    self._answer(message, {"status": "ok", "values": {"did": rest, **self.asked[-1][1]["values"]}})
                elif kind == "fetch":
                    self._send_history(message, self.asked[-1][1])

    def _answer(self, message: TopicMessage, value: Any) -> None:
        assert message.response_topic is not None
        self.bus.send(message.response_topic, cbor2.dumps(value), correlation=message.correlation)

    def _send_history(self, message: TopicMessage, asked: dict[str, str]) -> None:
        kept = [e for e in self.history if asked.get("from", "") <= e["ts"] < asked.get("to", "9")]
        pages = [kept[i : i + self.per_message] for i in range(0, len(kept), self.per_message)] or [[]]
        for i, page in enumerate(pages, 1):
            self._answer(message, {"entries": page, "complete": i == len(pages)})


def seqs(entries: Iterable[Any]) -> list[int | None]:
    return [e.seq for e in entries]
