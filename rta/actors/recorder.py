"""The recorder: what streams with a history send is committed to disk before it is published.

Owns what is on its way to the history file, and which entries are still to be delivered. What the node has to send
passes through it: things of streams without history at once; those of streams with one in batches, each as soon as the
one before is committed, in the order in which they came.

Live goes first: entries that cannot be committed (disk full), or not in time (a disk that hangs), are published all the
same, counted, and health says so. Such entries are in no history and no replay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import trio
from attrs import define, field

from rta.actors.deliveries import AckTracker
from rta.actors.history_file import HistoryFile, Written
from rta.actors.history_worker import OpenHistory
from rta.errors import HistoryError
from rta.health import Health
from rta.history.calls import Beginning
from rta.history.delivery import UnackedSpans
from rta.history.entry import Bounds, Key, NewEntry, Retention
from rta.history.store import HistoryStore
from rta.history.work import commit, trim
from rta.node.node import Node, NodeEvent, Removed, Update
from rta.node.node_stream import NodeStream, Now
from rta.ports import Reporter
from rta.rsmp.message import StatusMessage
from rta.rsmp.payload import write_values
from rta.stream.definition import History
from rta.wire.values import Ns

__all__ = ["Recorder"]

_AT_ONCE = 2000  # things in one commit
_WAITING = 50_000  # things that wait; over it they go on without being kept
_PATIENCE = 1.0  # seconds until what waits for a disk that hangs goes on without it
_LOOK = 0.1
_TRIM = 10.0  # seconds between looks for what is too old
_CLOSING = 2.0
_LOOKING = 1.0
_UNKNOWN = History()

T = TypeVar("T")


@define(eq=False)
class _Group:
    """Things on their way through together, in order, and the entries that are committed before they go on."""

    number: int
    since: float
    """When they came, steady seconds."""
    things: list[NodeEvent] = field(factory=list)
    entries: list[NewEntry] = field(factory=list)
    replayed: list[tuple[Update, int, int]] = field(factory=list)
    """Updates of streams that replay, and the first and last position of their entries."""


class Recorder:
    """The history of one node."""

    def __init__(
        self,
        folder: Path | None,
        node: Node,
        pass_on: Callable[[list[NodeEvent]], None],
        clock: Callable[[], Now],
        health: Health,
        report: Reporter,
        keepers: OpenHistory,
    ) -> None:
        """`folder`: the state directory; None: nothing is kept. `pass_on`: to the publisher."""
        self._node = node
        self._pass_on = pass_on
        self._clock = clock
        self._report = report
        self._file = None if folder is None else HistoryFile(folder, keepers, self._begin, health, report)
        self.deliveries = AckTracker(self._wake_up)
        self._queue: deque[_Group] = deque()
        self._batch: list[_Group] = []
        self._waiting = 0
        """Things in the queue."""
        self._taken = self._gone = 0
        """The numbers of the last group that has come, and of the last that has gone on."""
        self._last_of: dict[Key, int] = {}
        """The last group with something of a stream; until it has gone on, what else the stream sends waits for it."""
        self._newest: dict[Key, StatusMessage] = {}
        """What a stream has sent last; one that aggregates may send it again."""
        self._position = 0
        """The last one that was given out."""
        self._committed = 0
        self._overtaken = False
        """What is being written has not been in time; what comes does not wait for it."""
        self._begun = False
        self._unsure: tuple[list[_Group], set[Key]] = [], set()
        """Groups with entries, and removed streams, of a commit that may have been done or not."""
        self._kept: dict[Key, Bounds] = {}
        self._looking = False
        self._removed: set[Key] = set()
        """Streams that are gone, and their history is not yet."""
        self._trimmed_at = float("-inf")
        self._working = trio.CancelScope()
        self._wake = trio.Event()
        self._moved = trio.Event()
        self._closing = trio.Event()

    # ---- what is kept, and what is owed

    @property
    def usable(self) -> bool:
        """Whether there is a history now."""
        return self._file is not None and self._file.usable

    async def open(self) -> None:
        """Before a stream with a history begins, beside `run`. Bounded: what cannot be used is tried again."""
        if self._file is not None:
            await self._file.open()

    def _begin(self, beginning: Beginning) -> None:
        self._position = max(beginning.last, self._position)
        self._kept = beginning.kept
        if not self._begun:
            self._begun = True
            self._committed = beginning.last
            self.deliveries.begin(beginning.mark, beginning.last, self._node.streams)
        groups, removed = self._unsure
        if groups and groups[-1].entries[-1][1] <= beginning.last:
            self._owe(groups)
        else:
            self._removed |= removed
        self._unsure = [], set()

    def seqs(self) -> dict[Key, int]:
        """The number of the newest kept entry of each stream, as of the last look."""
        return {key: bounds.seq for key, bounds in self._kept.items()}

    async def look(self) -> None:
        """See what is kept, if it can be told in time."""
        if self._looking:
            return
        self._looking = True
        try:
            with trio.move_on_after(_LOOKING), suppress(HistoryError):
                self._kept = await self.read(HistoryStore.streams)
        finally:
            self._looking = False

    def bounds(self, key: Key) -> Bounds | None:
        """What is kept of a stream, as of the last look; None: nothing."""
        return self._kept.get(key)

    async def read(self, work: Callable[..., T], *arguments: object) -> T:
        """Have a function of the store read something.

        :raises HistoryError: it cannot be read, or there is no history.
        """
        if self._file is None:
            raise HistoryError("there is no history without a state directory")
        return await self._file.read(work, *arguments)

    def delivery(self, stream: NodeStream) -> UnackedSpans | None:
        """What of a stream is to be delivered; None: it does not replay, or there is no history now."""
        return self.deliveries.of(stream) if self.usable else None

    async def settled(self, patience: float) -> None:
        """Wait until all that has been taken up to now has gone on; at most so many seconds."""
        upto = self._position
        with trio.move_on_after(patience):
            while any(group.entries and group.entries[0][1] <= upto for group in (*self._batch, *self._queue)):
                await self._moved.wait()

    def _wake_up(self) -> None:
        self._wake.set()

    # ---- the way through

    def take(self, out: list[NodeEvent]) -> None:
        """What the node has to send."""
        if self._file is None:
            self._pass_on(out)
            return
        direct: list[NodeEvent] = []
        group: _Group | None = None
        usable = self.usable
        for thing in out:
            key = thing.stream.key
            recorded = removed = False
            if isinstance(thing, Update):
                recorded = self._is_new(thing)
                if recorded and (self._overtaken or not usable):
                    recorded = False
                    self._report.count("rta_history_left_out_total", len(thing.message.events))
            elif isinstance(thing, Removed):
                removed = True
                self._newest.pop(key, None)
            if not recorded and self._last_of.get(key, 0) <= self._gone and not (removed and usable):
                direct.append(thing)
                self._forget(thing)
                continue
            if group is None:
                self._taken += 1
                group = _Group(self._taken, trio.current_time())
                self._queue.append(group)
            self._last_of[key] = group.number
            group.things.append(thing)
            if isinstance(thing, Update) and recorded:
                self._enter(group, thing)
            elif removed:
                group = None  # it ends a commit
        self._waiting += len(out) - len(direct)
        if direct:
            self._pass_on(direct)
        if self._waiting > _WAITING:
            self._overtake("the disk does not keep up")
        elif self._queue:
            self._wake.set()

    def _is_new(self, update: Update) -> bool:
        """Whether it is to be committed: its stream has a history, and it has not been in hand before."""
        stream = update.stream
        return stream.definition.history is not None and self._newest.get(stream.key) is not update.message

    def _enter(self, group: _Group, update: Update) -> None:
        stream, message = update.stream, update.message
        key = stream.key
        self._newest[key] = message
        update.values = []
        before = pos = self._position
        for event in message.events:
            pos += 1
            values = write_values(event.values)
            update.values.append(values)
            group.entries.append((key, pos, event.ts, event.seq, values))
        self._position = pos
        if stream.definition.replay is not None:
            group.replayed.append((update, before + 1, pos))

    def _on(self, groups: Sequence[_Group], kept: bool) -> None:
        """They go on, in order."""
        for group in groups:
            self._gone = group.number
            if not kept:
                if group.entries:
                    self._report.count("rta_history_left_out_total", len(group.entries))
            else:
                for update, first, last in group.replayed:
                    if (delivery := self.delivery(update.stream)) is not None:
                        update.done = self.deliveries.sent(delivery, first, last)
            self._forget(group.things[-1])  # a removal ends a group
            self._pass_on(group.things)
        self._moved.set()
        self._moved = trio.Event()

    def _forget(self, thing: NodeEvent) -> None:
        """A stream that is removed leaves nothing, once what was before it has gone on."""
        if isinstance(thing, Removed):
            key = thing.stream.key
            self.deliveries.forget(key)
            self._kept.pop(key, None)
            self._removed.add(key)
            if self._last_of.get(key, 0) <= self._gone:
                self._last_of.pop(key, None)

    def _overtake(self, why: str) -> None:
        """Live goes on without the disk."""
        if self._file is not None:
            self._file.fail(why)
            self._overtaken = self._file.writing
        self.deliveries.spoil()  # the next mark tells whether it works again
        groups = [*self._batch, *self._queue]
        self._queue.clear()
        self._batch = []
        self._waiting = 0
        self._on(groups, kept=False)

    # ---- writing

    async def run(self) -> None:
        """Until `close`."""
        if self._file is None:
            await self._closing.wait()
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._file.run)
            with self._working:
                await self._work(self._file)
            self._file.close()

    async def _work(self, file: HistoryFile) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            while not self._closing.is_set():
                with trio.move_on_after(_LOOK):
                    await self._wake.wait()
                self._wake = trio.Event()
                await self._look(file)
            if file.usable:
                await self._commit_all(file)
                await self._write_mark(file, at_once=True)
            nursery.cancel_scope.cancel()

    def close(self) -> None:
        """There is no more: what waits is committed, then `run` ends; soon, even if the disk hangs."""
        self._working.deadline = trio.current_time() + _CLOSING
        self._closing.set()
        self._wake.set()

    async def _look(self, file: HistoryFile) -> None:
        if file.worth_trying and any(s.definition.history for s in self._node.streams):
            file.want()
        if not file.usable:
            if self._queue:
                self._overtake("there is no history")
            return
        await self._commit_all(file)
        if self.deliveries.dirty:
            await self._write_mark(file)
        if trio.current_time() >= self._trimmed_at + _TRIM:
            self._trimmed_at = trio.current_time()
            await self._write(file, trim, *self._limits())

    async def _watch(self) -> None:
        """A disk that hangs, or is too slow."""
        while True:
            await trio.sleep(_LOOK)
            first = (self._batch or self._queue or (None,))[0]
            if first is not None and trio.current_time() >= first.since + _PATIENCE:
                self._overtake("the disk does not answer in time")

    async def _write(self, file: HistoryFile, work: Callable[..., object], *arguments: object) -> Written:
        try:
            return await file.write(work, *arguments)
        finally:
            self._overtaken = False

    async def _commit_all(self, file: HistoryFile) -> None:
        while file.usable and (self._queue or self._removed):
            if not await self._commit(file) and not self._queue:
                return  # the streams that are gone have to wait

    async def _commit(self, file: HistoryFile) -> bool:
        """What waits, as far as it fits in one commit, to the next removal; whether it is on the disk."""
        batch = self._batch = self._next_batch()
        entries = [entry for group in batch for entry in group.entries]
        removed, self._removed = self._removed, set()
        mark = self.deliveries.due_mark(self._committed) if entries else None
        written = await self._write(file, commit, removed, entries, mark)
        done = written is Written.YES
        self.deliveries.spoil()
        if done:
            self._committed = max(self._committed, entries[-1][1] if entries else 0)
            file.works()
        elif written is Written.UNKNOWN and entries:
            self._unsure = [group for group in batch if group.entries], removed
        else:
            self._removed |= removed
        if self._batch is batch:
            self._batch = []
            if done and entries:
                self._report.count("rta_history_entries_total", len(entries))
            self._on(batch, done)
        elif done:
            self._owe(batch)
        return done

    def _next_batch(self) -> list[_Group]:
        """What is committed together: what waits, as far as it fits, to the next removal."""
        batch: list[_Group] = []
        size = 0
        while self._queue and size < _AT_ONCE:
            group = self._queue.popleft()
            self._waiting -= len(group.things)
            size += len(group.things)
            batch.append(group)
            if isinstance(group.things[-1], Removed):
                break
        return batch

    def _owe(self, batch: list[_Group]) -> None:
        """They were published, who knows how, before they were committed: they come again."""
        for group in batch:
            for update, first, last in group.replayed:
                stream = update.stream
                delivery = None if stream.key in self._removed else self.deliveries.of(stream)
                if delivery is not None:
                    self.deliveries.sent(delivery, first, last)(False)

    async def _write_mark(self, file: HistoryFile, at_once: bool = False) -> None:
        mark = self.deliveries.due_mark(self._committed, at_once)
        if mark is not None:
            if await self._write(file, commit, (), (), mark) is Written.YES:
                file.works()
            else:
                self.deliveries.spoil()

    def _limits(self) -> tuple[dict[Key, Retention], Retention]:
        """How much is to be kept now; of streams that are no longer configured the last day, lest a slip in the file
        costs it."""
        now = self._clock()
        limits = {}
        for stream in self._node.streams:
            history = stream.definition.history
            if history is not None:
                limits[stream.key] = Retention(history.entries, Ns(self._node.ts(stream, now) - history.age))
        return limits, Retention(_UNKNOWN.entries, Ns(now.wall - _UNKNOWN.age))
