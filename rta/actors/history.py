"""The history: what streams with a history send is committed to disk before it is published.

Owns what is on its way to the history file, which entries are still to be delivered, and the file.

What a turn of the node has for streams without history goes on at once. What streams with one send goes on in batches,
each as soon as the one before is committed, in the order in which it came. The disk is waited for by a task of its own,
which reports back by a message: a disk that hangs holds up nothing but the streams with a history.

Live goes first: entries that cannot be committed (disk full), or not in time (a disk that hangs), are published all the
same, counted, and health says so. Such entries are in no history and no replay. That is also what happens at the bound,
which is 50 000 events that wait for the disk.

Receives, in one inbox (see `rta.actors.history_messages`): turns from the node, which waits while it is full; questions
with their replies; posted, because they must not wait: `Acked` from the publisher, one for each message that has been
handed to it, `Replayed` from the replayer, one for each of its messages, and from its own tasks what the disk has done,
one at a time.

Sends turns to the publisher, and waits while that is full. The publisher never waits for the history, and the disk is
waited for elsewhere, so this cannot deadlock.

Ends when it is cancelled, or with `CloseHistory`, when what waits is committed; soon, even if the disk hangs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import trio
from attrs import define, field, frozen

from rta.actors.history_file import HistoryFile, Written
from rta.actors.history_messages import (
    Acked,
    AskKept,
    AskOwed,
    CloseHistory,
    FileLost,
    FileOpened,
    HistoryMessage,
    JobDone,
    KeptRead,
    Owed,
    Replayed,
    SettleHistory,
)
from rta.errors import HistoryError
from rta.history.ack_tracker import AckTracker
from rta.history.entry import Beginning, Bounds, Key, NewEntry, Retention
from rta.history.store import HistoryStore, commit, trim
from rta.inbox import Inbox, Outlet, Reply
from rta.latest import Latest
from rta.node.events import Outgoing, Receipt, RecordedUpdate, Removed, Turn, Update
from rta.node.node_stream import Now
from rta.node.view import NodeView
from rta.ports import Reporter
from rta.rsmp.message import StatusMessage
from rta.rsmp.payload import write_values
from rta.stream.definition import History
from rta.wire.values import Ns

__all__ = ["HistoryActor"]

_AT_ONCE = 2000  # events in one commit
_WAITING = 50_000  # events that wait; over it they go on without being kept
_PATIENCE = 1.0  # seconds until what waits for a disk that hangs goes on without it
_AGAIN = 0.1  # seconds until a removal that could not be committed is tried again
_TRIM = 10.0  # seconds between looks for what is too old
_CLOSING = 2.0
_LOOKING = 1.0  # seconds for the file to say what it keeps
_UNKNOWN = History()
_NEVER = float("inf")

T = TypeVar("T")


@frozen(eq=False)
class _Entered:
    """An update on its way to the disk."""

    update: Update
    first: int
    """Position of its first entry."""
    values: tuple[bytes, ...]

    @property
    def last(self) -> int:
        return self.first + len(self.values) - 1


@define(eq=False)
class _Group:
    """Events on their way through together, in order, and the entries that are committed before they go on."""

    number: int
    since: float
    """When they came, steady seconds."""
    events: list[Outgoing | _Entered] = field(factory=list)
    entries: list[NewEntry] = field(factory=list)

    @property
    def replayed(self) -> Iterable[_Entered]:
        """Updates of streams that replay."""
        return (e for e in self.events if isinstance(e, _Entered) and e.update.stream.replay is not None)


@frozen(eq=False)
class _Job:
    """Something for the task that waits for the disk."""

    work: Callable[..., object]
    arguments: tuple[object, ...]
    batch: Sequence[_Group] = ()
    removed: Collection[Key] = ()


class HistoryActor:
    """The history of one node."""

    def __init__(
        self,
        inbox: Inbox[HistoryMessage],
        publisher: Outlet[Turn],
        view: Latest[NodeView],
        file: HistoryFile | None,
        clock: Callable[[], Now],
        report: Reporter,
    ) -> None:
        """`file`: None, nothing is kept. It is its own from now on, but for `read`."""
        self.owing = Latest(0)
        """Another number when a stream has come to owe something."""
        self._inbox = inbox
        self._publisher = publisher
        self._view = view
        self._file = file
        self._clock = clock
        self._report = report
        self._acks = AckTracker()
        self._jobs, self._to_do = trio.open_memory_channel[_Job](1)
        self._job: _Job | None = None
        """What is being written."""
        self._out: list[Outgoing] = []
        self._queue: deque[_Group] = deque()
        self._batch: Sequence[_Group] = ()
        """What goes on when it has been committed."""
        self._waiting = 0
        """Events in the queue."""
        self._come = self._gone = 0
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
        self._usable = False
        self._begun = False
        self._unsure: tuple[Sequence[_Group], Collection[Key]] = (), ()
        """Groups with entries, and removed streams, of a commit that may have been done or not."""
        self._kept: Mapping[Key, Bounds] = {}
        self._reading = False
        self._settling: list[tuple[int, Reply[None]]] = []
        self._removed: set[Key] = set()
        """Streams that are gone, and their history is not yet."""
        self._remove_at = self._trim_at = 0.0
        self._closing: float | None = None
        """When it ends at the latest."""
        self._last_written = False
        """The last checkpoint is on its way to the disk."""

    # ---- asked by others, in their tasks

    async def open(self) -> None:
        """Before a stream with a history begins, beside `run`. Bounded: what cannot be used is tried again."""
        if self._file is not None:
            await self._file.store.open()

    async def read(self, work: Callable[..., T], *arguments: object) -> T:
        """Have a function of the store read something.

        :raises HistoryError: it cannot be read, or there is no history.
        """
        if self._file is None:
            raise HistoryError("there is no history without a state directory")
        return await self._file.store.read(work, *arguments)

    # ---- the task

    async def run(self) -> None:
        """Until `CloseHistory`, or cancelled."""
        async with trio.open_nursery() as nursery:
            if self._file is not None:
                nursery.start_soon(self._file.store.run)
            async with trio.open_nursery() as writing:
                writing.start_soon(self._write)
                await self._serve(nursery)
                writing.cancel_scope.cancel()
            if self._file is not None:
                self._file.store.close()

    async def _serve(self, nursery: trio.Nursery) -> None:
        while True:
            messages: list[HistoryMessage] = []
            with trio.move_on_at(self._wakes()):
                messages = await self._inbox.receive()
            for message in messages:
                self._handle(message, nursery)
            now = trio.current_time()
            self._work(now)
            if self._closing is not None:
                self._out.clear()  # nobody is there any more
                if now >= self._closing or self._job is None or not self._usable:
                    return
            elif self._out:
                out, self._out = tuple(self._out), []
                await self._publisher.send(Turn(out))
            self._say_settled()

    async def _write(self) -> None:
        async for job in self._to_do:
            assert self._file is not None
            written = await self._file.write(job.work, *job.arguments)
            self._inbox.post(JobDone(written))

    async def _read_kept(self, reply: Reply[Mapping[Key, Bounds]]) -> None:
        kept = None
        try:
            with trio.move_on_after(_LOOKING):
                kept = await self.read(HistoryStore.streams)
        except HistoryError:
            pass
        self._inbox.post(KeptRead(kept, reply))

    # ---- what comes; no checkpoint from here on

    def _handle(self, message: HistoryMessage, nursery: trio.Nursery) -> None:
        match message:
            case Turn(events):
                self._accept(events)
            case Acked((key, first), delivered):
                self._settle(key, first, delivered)
            case JobDone(written):
                job, self._job, self._overtaken = self._job, None, False
                if job is not None and job.work is commit:
                    self._has_committed(job, written)
            case Replayed(key, upto):
                self._acks.replayed(key, upto)
            case AskOwed(key, reply):
                reply.give(self._owed(key))
            case SettleHistory(settled):
                self._settling.append((self._position, settled))
            case AskKept(fresh, asked):
                if fresh and not self._reading and self._file is not None:
                    self._reading = True
                    nursery.start_soon(self._read_kept, asked)
                else:
                    asked.give(self._kept)
            case KeptRead(kept, asked):
                self._reading = False
                if kept is not None:
                    self._kept = kept
                asked.give(self._kept)
            case FileOpened(beginning):
                self._begin(beginning)
            case FileLost():
                self._usable = False
            case CloseHistory():
                self._closing = trio.current_time() + _CLOSING
                self._remove_at = 0.0

    def _begin(self, beginning: Beginning) -> None:
        self._usable = True
        self._position = max(beginning.last, self._position)
        self._kept = dict(beginning.kept)
        if not self._begun:
            self._begun = True
            self._committed = beginning.last
            self._acks.begin(beginning.mark, beginning.last, [k for k in self._view.value.streams if self._replays(k)])
        groups, removed = self._unsure
        if groups and groups[-1].entries[-1][1] <= beginning.last:
            self._owe(groups)
        else:
            self._removed.update(removed)
        self._unsure = (), ()

    def _replays(self, key: Key) -> bool:
        stream = self._view.value.streams.get(key)
        return stream is not None and stream.definition.replay is not None

    def _owed(self, key: Key) -> Owed | None:
        if not self._usable or not self._replays(key):
            return None
        spans = self._acks.spans(key)
        return Owed(spans.owed, spans.spans <= 1)

    def _settle(self, key: Key, first: int, delivered: bool) -> None:
        if self._acks.settled(key, first, delivered):
            self.owing.show(self.owing.value + 1)

    # ---- the way through

    def _accept(self, events: Iterable[Outgoing]) -> None:
        """What the node has to send."""
        if self._file is None:
            self._out.extend(events)
            return
        group: _Group | None = None
        usable, last_of = self._usable, self._last_of
        for event in events:
            key = event.stream.key
            recorded = removed = False
            if isinstance(event, Update):
                recorded = event.stream.history is not None and self._newest.get(key) is not event.message
                if recorded and (self._overtaken or not usable):
                    recorded = False
                    self._report.count("rta_history_left_out_total", len(event.message.events))
            elif isinstance(event, Removed):
                removed = True
                self._newest.pop(key, None)
            if not recorded and last_of.get(key, 0) <= self._gone and not (removed and usable):
                self._out.append(event)
                if removed:
                    self._forget(key)
                continue
            if group is None:
                self._come += 1
                group = _Group(self._come, trio.current_time())
                self._queue.append(group)
            last_of[key] = group.number
            self._waiting += 1
            if recorded:
                assert isinstance(event, Update)
                self._enter(group, event)
            else:
                group.events.append(event)
            if removed:
                group = None  # it ends a commit
        if self._waiting > _WAITING:
            self._overtake("the disk does not keep up")

    def _enter(self, group: _Group, update: Update) -> None:
        key, first = update.stream.key, self._position + 1
        self._newest[key] = update.message
        values = tuple([write_values(event.values) for event in update.message.events])
        for event, written in zip(update.message.events, values, strict=True):
            self._position += 1
            group.entries.append((key, self._position, event.ts, event.seq, written))
        group.events.append(_Entered(update, first, values))

    def _on(self, groups: Sequence[_Group], kept: bool) -> None:
        """They go on, in order."""
        for group in groups:
            self._gone = group.number
            if not kept and group.entries:
                self._report.count("rta_history_left_out_total", len(group.entries))
            for event in group.events:
                self._out.append(self._published(event, kept) if isinstance(event, _Entered) else event)
            if isinstance(group.events[-1], Removed):  # which ends a group
                self._forget(group.events[-1].stream.key)

    def _published(self, entered: _Entered, kept: bool) -> RecordedUpdate:
        stream, receipt = entered.update.stream, None
        if kept and self._usable and self._replays(stream.key):
            receipt = Receipt(stream.key, entered.first)
            self._acks.sent(stream.key, entered.first, entered.last)
        elif not self._replays(stream.key):
            self._acks.forget(stream.key)
        return RecordedUpdate(stream, entered.update.message, entered.values, receipt)

    def _forget(self, key: Key) -> None:
        """A stream that is removed leaves nothing, once what was before it has gone on."""
        self._acks.forget(key)
        self._kept = {k: bounds for k, bounds in self._kept.items() if k != key}
        self._removed.add(key)
        if self._last_of.get(key, 0) <= self._gone:
            self._last_of.pop(key, None)

    def _overtake(self, why: str) -> None:
        """Live goes on without the disk."""
        assert self._file is not None
        self._file.fail(why)
        self._overtaken = self._job is not None
        self._acks.spoil()  # the next checkpoint tells whether it works again
        groups = [*self._batch, *self._queue]
        self._queue.clear()
        self._batch = ()
        self._waiting = 0
        self._on(groups, kept=False)

    def _say_settled(self) -> None:
        pending = (group.entries[0][1] for group in (*self._batch, *self._queue) if group.entries)
        first = next(pending, None)
        waiting, self._settling = self._settling, []
        for upto, reply in waiting:
            if first is None or first > upto:
                reply.give(None)
            else:
                self._settling.append((upto, reply))

    # ---- writing

    def _wakes(self) -> float:
        """When there is something to do though nothing comes, steady seconds."""
        file = self._file
        if file is None:
            return _NEVER if self._closing is None else self._closing
        wakes = _NEVER if self._closing is None else self._closing
        first = self._first()
        if first is not None:
            wakes = min(wakes, first.since + _PATIENCE)
        if not self._usable:
            return min(wakes, file.store.try_again_at) if self._closing is None and self._keeps_anything() else wakes
        if self._job is None:
            wakes = min(wakes, self._acks.due(), self._trim_at)
            if self._removed:
                wakes = min(wakes, self._remove_at)
        return wakes

    def _work(self, now: float) -> None:
        """What there is to write, one after the other; what is overdue goes on without it."""
        file = self._file
        if file is None:
            return
        if not self._usable:
            if self._closing is None and now >= file.store.try_again_at and self._keeps_anything():
                file.store.want()
            if self._queue or self._batch:
                self._overtake("there is no history")
            return
        if self._job is None:
            self._job = self._next_job(now)
            if self._job is not None:
                self._jobs.send_nowait(self._job)  # there is room: the one before is done
        first = self._first()
        if first is not None and now >= first.since + _PATIENCE:
            self._overtake("the disk does not answer in time")

    def _first(self) -> _Group | None:
        """What has waited longest."""
        if self._batch:
            return self._batch[0]
        return self._queue[0] if self._queue else None

    def _keeps_anything(self) -> bool:
        return any(s.definition.history is not None for s in self._view.value.streams.values())

    def _next_job(self, now: float) -> _Job | None:
        if self._queue or (self._removed and now >= self._remove_at):
            return self._next_commit(now)
        if self._closing is not None:
            if self._last_written:
                return None
            self._last_written = True
            return _Job(commit, ((), (), self._acks.checkpoint(self._committed, now)))
        if now >= self._acks.due():
            return _Job(commit, ((), (), self._acks.checkpoint(self._committed, now)))
        if now >= self._trim_at:
            self._trim_at = now + _TRIM
            return _Job(trim, self._limits())
        return None

    def _next_commit(self, now: float) -> _Job:
        """What waits, as far as it fits in one commit, to the next removal."""
        batch: list[_Group] = []
        size = 0
        while self._queue and size < _AT_ONCE:
            group = self._queue.popleft()
            self._waiting -= len(group.events)
            size += len(group.events)
            batch.append(group)
            if isinstance(group.events[-1], Removed):
                break
        entries = [entry for group in batch for entry in group.entries]
        removed, self._removed = self._removed, set()
        mark = self._acks.checkpoint(self._committed, now) if entries and now >= self._acks.due() else None
        self._batch = batch
        return _Job(commit, (removed, entries, mark), batch, removed)

    def _has_committed(self, job: _Job, written: Written) -> None:
        batch, done = job.batch, written is Written.YES
        entries = [entry for group in batch for entry in group.entries]
        if batch or job.removed or not done:
            self._acks.spoil()
        if done:
            assert self._file is not None
            self._committed = max(self._committed, entries[-1][1] if entries else 0)
            self._file.works()
        elif written is Written.UNKNOWN and entries:
            self._unsure = [group for group in batch if group.entries], job.removed
        else:
            self._removed.update(job.removed)
            self._remove_at = trio.current_time() + _AGAIN
        if self._batch is batch:
            self._batch = ()
            if done and entries:
                self._report.count("rta_history_entries_total", len(entries))
            self._on(batch, done)
        elif done:
            self._owe(batch)

    def _owe(self, batch: Sequence[_Group]) -> None:
        """They were published, who knows how, before it was known that they are committed: they come again."""
        for group in batch:
            for entered in group.replayed:
                key = entered.update.stream.key
                if key not in self._removed and self._replays(key):
                    self._acks.sent(key, entered.first, entered.last)
                    self._settle(key, entered.first, False)

    def _limits(self) -> tuple[dict[Key, Retention], Retention]:
        """How much is to be kept now. Of streams that are no longer configured, the last day: so a slip in the
        configuration does not cost it."""
        now = self._clock()
        limits = {}
        for key, stream in self._view.value.streams.items():
            history = stream.definition.history
            if history is not None:
                limits[key] = Retention(history.entries, Ns(stream.clock.now(now.wall) - history.age))
        return limits, Retention(_UNKNOWN.entries, Ns(now.wall - _UNKNOWN.age))
