"""The second half: a node with streams on a broker, a plant that they tell of, and a consumer.

Judged by what passes between node and broker (`ledger.py`) and by what the node has in its history at the end
(`judge.py`). What the broker itself forgets when it is killed is no fault of the node: what a consumer has heard is
only told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio

from rta.writer import WriteError, WriterSettings, open_writer
from scripts.soaking.asking import fetched, picture_of
from scripts.soaking.attended import Attended
from scripts.soaking.clock import ProcessClock
from scripts.soaking.consumer import Consumer
from scripts.soaking.history import kept_in
from scripts.soaking.judge import Judge, wrong_in_picture
from scripts.soaking.ledger import Ledger
from scripts.soaking.node_faults import NodeFaults
from scripts.soaking.plan import Fault
from scripts.soaking.servers import Broker, Redis, Service
from scripts.soaking.sites import NODE, Streams, node_site
from scripts.soaking.tap import Tap

__all__ = ["LANES", "StreamsHalf"]

LANES = ("broker", "node", "history")

_FIRST = 30.0  # seconds until the node says something


class StreamsHalf:
    """`begin`, then `suffer` the faults of each lane, then `settle`."""

    def __init__(self, folder: Path, streams: Streams, rate: float, calm: float = 15.0) -> None:
        """`rate`: how often a second each number changes. `calm`: seconds after a disturbance of the node until it has
        to record everything again."""
        self._folder = folder
        self._streams = streams
        self._rate = rate
        self._calm = calm
        self.ledger = Ledger(NODE, frozenset(streams.kept))
        self.clock = ProcessClock(folder)
        self.wrong: list[str] = []
        self.committed = 0
        self.lost = 0
        self._number = 0
        self._said_at: dict[int, float] = {}
        """When the plant has said each number; steady seconds."""
        self._uncommitted: set[int] = set()
        """Entries that were first published while they might be left out of the history."""
        self._enough, self._said_all = trio.Event(), trio.Event()
        self._over, self._left = trio.Event(), trio.Event()

    async def begin(self, nursery: trio.Nursery) -> None:
        self.feed = Redis("feed", self._folder, nursery)
        await self.feed.start()
        self.broker = Broker(self._folder, nursery)
        await self.broker.start()
        way = Tap(self.broker.port, self.ledger.listen)
        await nursery.start(way.serve)
        site = node_site(self._streams, self.feed.url, way.port)
        self.node = Service("node", site, self._folder, nursery, self.clock.environ)
        self._faults = NodeFaults(self.node, self.broker, way, self.ledger, self.clock, self._calm)
        self.consumer = Consumer(self.broker.port, NODE, self._streams.kept)
        with self._faults.disturbance():
            nursery.start_soon(self._act)
            await self.node.start()
            with trio.move_on_after(_FIRST):
                while not self.published:
                    await trio.sleep(0.02)
        nursery.start_soon(self._notice)

    def close(self) -> None:
        self.consumer.close()

    @property
    def processes(self) -> list[Attended]:
        return [self.broker, self.node]

    @property
    def faults(self) -> Counter[str]:
        return self._faults.happened

    async def suffer(self, faults: Sequence[Fault]) -> None:
        """One lane, at its times from now on."""
        await self._faults.suffer(faults)

    # ---- the plant

    async def _act(self) -> None:
        """Until all is over."""
        try:
            await self._count_up()
        except WriteError as e:
            self.wrong.append(f"the plant: {e}")
        self._left.set()

    async def _count_up(self) -> None:
        """Every number is one more, again and again."""
        settings = WriterSettings(delay=0.05, patience=2.0)
        async with open_writer(self.feed.url, stream="plant", settings=settings) as writer:
            session = await writer.open_session(identity="plant")
            while not self._enough.is_set():
                due = trio.current_time() + 1 / self._rate
                self._number += 1
                self._said_at[self._number] = trio.current_time()
                for channel in range(len(self._streams.kept)):
                    await session.write(channel, [self.clock.now()], [float(self._number)])
                for topic in self._streams.plain.values():
                    self.consumer.say(topic, self._number)
                await trio.sleep_until(due)
            await session.flush()
            self._said_all.set()
            await self._over.wait()

    async def _notice(self) -> None:
        while True:
            await trio.sleep(0.2)
            new, self.ledger.first_published = self.ledger.first_published, []
            if self._faults.may_leave_out:
                self._uncommitted.update(new)

    # ---- what came of it

    @property
    def published(self) -> int:
        return sum(map(len, self.ledger.published.values()))

    @property
    def acknowledged(self) -> int:
        return sum(map(len, self.ledger.acknowledged.values()))

    @property
    def open(self) -> int:
        """Entries that have been published and not been acknowledged; without those that could not be committed."""
        sent, taken = self.ledger.published, self.ledger.acknowledged
        return sum(len(sent[s] - taken[s] - self._uncommitted) for s in sent)

    async def settle(self, patience: float) -> None:
        """No faults any more: within so many seconds everything is as it should be."""
        await trio.sleep(self._calm)
        self._enough.set()
        await self._said_all.wait()
        for topic in self._streams.plain.values():
            self.consumer.say(topic, self._number, retain=True)
        with trio.move_on_after(patience) as scope:
            while self.ledger.done != set(self._streams.kept) or self.open:
                await trio.sleep(0.2)
        if scope.cancelled_caught:
            self.wrong.append(f"replay has not come to its end within {patience:g} s")
        await self._see_picture(patience)
        if not await self.node.healthy():
            self.wrong.append("the node is not healthy at the end")
        before = {stream: set(published) for stream, published in self.ledger.published.items()}
        over_topics = await self._fetch()
        await self.node.stop()
        self._over.set()
        await self._left.wait()
        self._judge(over_topics, before)

    async def _see_picture(self, patience: float) -> None:
        wrong: list[str] = ["the picture could not be seen"]
        with trio.move_on_after(patience):
            while wrong:
                try:
                    wrong = wrong_in_picture(await picture_of(self.broker.port, NODE), self._streams, self._number)
                except OSError as e:
                    wrong = [f"the picture could not be seen: {e}"]
                await trio.sleep(0.2)
        self.wrong += wrong

    async def _fetch(self) -> dict[str, list[dict[str, Any]]]:
        answers: dict[str, list[dict[str, Any]]] = {}
        for stream in self._streams.kept:
            try:
                answers[stream] = await fetched(self.broker.port, NODE, stream)
            except (OSError, ValueError, KeyError, TypeError) as e:
                self.wrong.append(f"fetch: {e!r}")
                break
        return answers

    def _judge(self, over_topics: dict[str, list[dict[str, Any]]], before: dict[str, set[int]]) -> None:
        """`over_topics`: what fetches gave; `before`: what had been published by then."""
        due = {number for number, at in self._said_at.items() if not self._faults.excuses(at)}
        judge = Judge(self.ledger, self._uncommitted, due)
        kept = kept_in(self.node.state, self._streams.kept)
        for stream, attribute in self._streams.kept.items():
            judge.take(stream, attribute, kept[stream], over_topics.get(stream), before[stream])
        self.wrong += [*judge.wrong, *self.consumer.unreadable[:10]]
        self.committed, self.lost = judge.committed, judge.lost
