"""The recorder: what streams with a history send is committed to disk before it is published.

Owns what is on its way to the history file, and which entries are still to be delivered. What the node has to send
passes through it: things of streams without history at once; those of streams with one in batches, each as soon as the
one before is committed, in the order in which they came.

Live goes first: entries that cannot be committed (disk full), or not in time (a disk that hangs), are published all the
same, counted, and health says so. Such entries are in no history and no replay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cbor2
import trio
from attrs import define, evolve

from rta.actors.deliveries import Deliveries
from rta.actors.health import Health
from rta.actors.history_file import HistoryFile
from rta.actors.threads import Threads
from rta.history.delivery import Delivery
from rta.history.entry import Bounds, Key, Limit, NewEntry
from rta.history.store import HistoryStore
from rta.node.node import Node, Removed, ToSend, Update
from rta.node.run import NodeStream, Now
from rta.ports import Reporter
from rta.stream.definition import History, Ns
from rta.stream.message import StatusMessage

__all__ = ["Recorder"]

_AT_ONCE = 2000  # things in one commit
_WAITING = 50_000  # things that wait; over it they go on without being kept
_PATIENCE = 1.0  # seconds until what waits for a disk that hangs goes on without it
_LOOK = 0.1
_TRIM = 10.0  # seconds between looks for what is too old
_CLOSING = 2.0
_UNKNOWN = History()


@define(eq=False)
class _Waiting:
    """Something on its way through, and the entries that are committed before it goes on."""

    thing: ToSend
    entries: list[NewEntry]
    since: float
    """When it came, steady seconds."""


class Recorder:
    """The history of one node."""

    def __init__(
        self,
        folder: Path | None,
        node: Node,
        pass_on: Callable[[list[ToSend]], None],
        clock: Callable[[], Now],
        health: Health,
        report: Reporter,
        thread: Threads | None = None,
    ) -> None:
        """`folder`: the state directory; None: nothing is kept. `pass_on`: to the publisher. `thread` runs what
        writes, one call at a time."""
        self._node = node
        self._pass_on = pass_on
        self._clock = clock
        self._report = report
        self._file = None if folder is None else HistoryFile(folder, health, report, thread)
        self.deliveries = Deliveries(self._wake_up)
        self._queue: list[_Waiting] = []
        self._batch: list[_Waiting] = []
        self._of_stream: Counter[Key] = Counter()
        """How much of a stream is on its way; then its other things wait behind that."""
        self._newest: dict[Key, StatusMessage] = {}
        """What a stream has sent last; one that aggregates may send it again."""
        self._position = 0
        """The last one that was given out."""
        self._committed = 0
        self._overtaken = False
        """What is being written has not been in time; what comes does not wait for it."""
        self._removed: set[Key] = set()
        """Streams that are gone, and their history is not yet."""
        self._trimmed_at = float("-inf")
        self._working = trio.CancelScope()
        self._wake = trio.Event()
        self._moved = trio.Event()
        self._closing = trio.Event()

    # ---- what is kept, and what is owed

    @property
    def store(self) -> HistoryStore | None:
        """None while there is none, or it cannot be used."""
        return None if self._file is None else self._file.store

    async def open(self) -> None:
        """Before a stream with a history begins; bounded. A file that cannot be used is tried again by `run`."""
        if self._file is not None:
            await self._file.open(self._begin)

    def _begin(self, store: HistoryStore) -> None:
        self._position = self._committed = max(store.last, self._position)
        self.deliveries.begin(store.mark, store.last, self._node.streams)

    def seqs(self) -> dict[Key, int]:
        """The number of the newest kept entry of each stream."""
        return {} if self.store is None else {key: bounds.seq for key, bounds in self.store.streams().items()}

    def bounds(self, key: Key) -> Bounds | None:
        """What is kept of a stream."""
        return None if self.store is None else self.store.bounds(key)

    def delivery(self, stream: NodeStream) -> Delivery | None:
        """What of a stream is to be delivered; None: it does not replay, or there is no history now."""
        return None if self.store is None else self.deliveries.of(stream)

    async def settled(self, patience: float) -> None:
        """Wait until all that has been taken up to now has gone on; at most so many seconds."""
        upto = self._position
        with trio.move_on_after(patience):
            while any(one.entries and one.entries[0].pos <= upto for one in (*self._batch, *self._queue)):
                await self._moved.wait()

    def _wake_up(self) -> None:
        self._wake.set()

    # ---- the way through

    def take(self, out: list[ToSend]) -> None:
        """What the node has to send."""
        if self._file is None:
            self._pass_on(out)
            return
        direct: list[ToSend] = []
        now = trio.current_time()
        for thing in out:
            entries = self._entries(thing) if isinstance(thing, Update) else []
            if isinstance(thing, Removed):
                self._newest.pop(thing.stream.key, None)
            if entries or thing.stream.key in self._of_stream or (isinstance(thing, Removed) and self.store):
                self._queue.append(_Waiting(thing, entries, now))
                self._of_stream[thing.stream.key] += 1
            else:
                direct.append(thing)
                self._forget(thing)
        if direct:
            self._pass_on(direct)
        if len(self._queue) > _WAITING:
            self._overtake("the disk does not keep up")
        elif self._queue:
            self._wake.set()

    def _entries(self, update: Update) -> list[NewEntry]:
        """What is to be committed of it, which is nothing if it has been before."""
        key, message = update.stream.key, update.message
        if update.stream.definition.history is None or self._newest.get(key) is message:
            return []
        if self.store is None or self._overtaken:
            self._report.count("rta_history_left_out_total", len(message.events))
            return []
        self._newest[key] = message
        at = self._position
        self._position += len(message.events)
        return [
            NewEntry(key, at + place, event.ts, event.seq, cbor2.dumps(event.values))
            for place, event in enumerate(message.events, 1)
        ]

    def _on(self, waiting: list[_Waiting], kept: bool) -> None:
        """They go on, in order."""
        out: list[ToSend] = []
        for one in waiting:
            thing, entries = one.thing, one.entries
            self._of_stream[thing.stream.key] -= 1
            if not self._of_stream[thing.stream.key]:
                del self._of_stream[thing.stream.key]
            if isinstance(thing, Update) and entries:
                if not kept:
                    self._report.count("rta_history_left_out_total", len(entries))
                elif (delivery := self.delivery(thing.stream)) is not None:
                    thing = evolve(thing, done=self.deliveries.sent(delivery, entries[0].pos, entries[-1].pos))
            out.append(thing)
            self._forget(thing)
        self._pass_on(out)
        self._moved.set()
        self._moved = trio.Event()

    def _forget(self, thing: ToSend) -> None:
        """A stream that is removed leaves nothing, once what was before it has gone on."""
        if isinstance(thing, Removed):
            self.deliveries.forget(thing.stream.key)
            self._removed.add(thing.stream.key)

    def _overtake(self, why: str) -> None:
        """Live goes on without the disk."""
        if self._file is not None:
            self._file.fail(why)
            self._overtaken = self._file.writing
        self.deliveries.spoil()  # the next mark tells whether it works again
        batch, queue = self._batch, self._queue
        self._queue = []
        self._batch = []
        self._on([*batch, *queue], kept=False)

    # ---- writing

    async def run(self) -> None:
        """Until `close`."""
        if self._file is None:
            await self._closing.wait()
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            with self._working:
                while not self._closing.is_set():
                    with trio.move_on_after(_LOOK):
                        await self._wake.wait()
                    self._wake = trio.Event()
                    await self._look(self._file)
                if self._file.store is not None:
                    await self._commit_all(self._file, self._file.store)
                    await self._write_mark(self._file, self._file.store, at_once=True)
                    await self._file.close()
            nursery.cancel_scope.cancel()

    def close(self) -> None:
        """There is no more: what waits is committed, then `run` ends; soon, even if the disk hangs."""
        self._working.deadline = trio.current_time() + _CLOSING
        self._closing.set()
        self._wake.set()

    async def _look(self, file: HistoryFile) -> None:
        if file.worth_trying and any(s.definition.history for s in self._node.streams):
            await self.open()
        if file.store is None:
            if self._queue:
                self._overtake("there is no history")
            return
        await self._commit_all(file, file.store)
        if self.deliveries.dirty:
            await self._write_mark(file, file.store)
        if trio.current_time() >= self._trimmed_at + _TRIM:
            self._trimmed_at = trio.current_time()
            await self._write(file, partial(_trim, file.store, self._limits(file.store)))

    async def _watch(self) -> None:
        """A disk that hangs, or is too slow."""
        while True:
            await trio.sleep(_LOOK)
            first = next(iter(self._batch or self._queue), None)
            if first is not None and trio.current_time() >= first.since + _PATIENCE:
                self._overtake("the disk does not answer in time")

    async def _write(self, file: HistoryFile, work: Callable[[], None]) -> bool:
        try:
            return await file.write(work)
        finally:
            self._overtaken = False

    async def _commit_all(self, file: HistoryFile, store: HistoryStore) -> None:
        while self._queue or self._removed:
            if not await self._commit(file, store) and not self._queue:
                return  # the streams that are gone have to wait

    async def _commit(self, file: HistoryFile, store: HistoryStore) -> bool:
        """What waits, as far as it fits in one commit, to the next removal; whether it is on the disk."""
        end = next((i for i, one in enumerate(self._queue[:_AT_ONCE], 1) if isinstance(one.thing, Removed)), _AT_ONCE)
        batch = self._batch = self._queue[:end]
        del self._queue[:end]
        entries = [entry for one in batch for entry in one.entries]
        removed, self._removed = self._removed, set()
        mark = self.deliveries.due_mark(self._committed) if entries else None
        kept = await self._write(file, partial(_commit, store, removed, entries, mark))
        self.deliveries.spoil()
        if kept:
            self._committed = max(self._committed, entries[-1].pos if entries else 0)
            file.works()
        else:
            self._removed |= removed
        if self._batch is batch:
            self._batch = []
            if kept and entries:
                self._report.count("rta_history_entries_total", len(entries))
            self._on(batch, kept)
        elif kept:
            self._owe(batch)
        return kept

    def _owe(self, batch: list[_Waiting]) -> None:
        """They were published, who knows how, before they were committed: they come again."""
        for one in batch:
            stream = one.thing.stream
            delivery = self.delivery(stream) if one.entries and stream.key not in self._removed else None
            if delivery is not None:
                self.deliveries.sent(delivery, one.entries[0].pos, one.entries[-1].pos)(False)

    async def _write_mark(self, file: HistoryFile, store: HistoryStore, at_once: bool = False) -> None:
        mark = self.deliveries.due_mark(self._committed, at_once)
        if mark is not None:
            if await self._write(file, partial(store.commit, [], mark)):
                file.works()
            else:
                self.deliveries.spoil()

    def _limits(self, store: HistoryStore) -> dict[Key, Limit]:
        """How much is to be kept now."""
        now = self._clock()
        # Of streams that are no longer configured the last day stays, lest a slip in the file costs it.
        limits = dict.fromkeys(store.streams(), Limit(_UNKNOWN.entries, Ns(now.wall - _UNKNOWN.age)))
        for stream in self._node.streams:
            history = stream.definition.history
            if history is not None:
                limits[stream.key] = Limit(history.entries, Ns(self._node.ts(stream, now) - history.age))
        return limits


def _commit(store: HistoryStore, removed: set[Key], entries: list[NewEntry], mark: bytes | None) -> None:
    """Streams that are removed go first: entries may be of others that have their names now."""
    for key in removed:
        store.forget(key)
    if entries:
        store.commit(entries, mark)


def _trim(store: HistoryStore, limits: dict[Key, Limit]) -> None:
    store.trim(limits)
