"""The recorder: what streams with a history send is committed to disk before it is published.

Owns the history file, its one writing thread, and what of each stream is still to be delivered. What the node has to
send passes through it: things of streams without history at once; those of streams with one in batches, each as soon
as the one before is committed, in the order in which they came.

Live goes first: entries that cannot be committed (disk full), or not in time (a disk that hangs), are published all the
same, counted, and health says so. Such entries are in no history and no replay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import cbor2
import structlog
import trio
from attrs import define, evolve

from rta.actors.health import Health
from rta.errors import HistoryError
from rta.history.delivery import Delivery, Mark, read_mark, write_mark
from rta.history.entry import Bounds, Key, Limit, NewEntry
from rta.history.store import HistoryStore
from rta.node.node import Node, Removed, ToSend, Update
from rta.node.run import NodeStream, Now
from rta.ports import Reporter
from rta.stream.definition import History, Ns
from rta.stream.message import StatusMessage

__all__ = ["Recorder", "Threads", "in_threads"]

log = structlog.get_logger("rta.history")

T = TypeVar("T")

_FILE = "history.sqlite"
_WHO = "history"
_AT_ONCE = 2000  # things in one commit
_WAITING = 50_000  # things that wait; over it they go on without being kept
_PATIENCE = 1.0  # seconds until what waits for a disk that hangs goes on without it
_LOOK = 0.1
_MARK = 0.25  # seconds until an acknowledgement is on disk: what comes again after a crash
_TRIM = 10.0  # seconds between looks for what is too old
_OPEN_AGAIN = 10.0
_OPENING = 20.0  # seconds that the node waits for its history
_CLOSING = 2.0
_UNKNOWN = History()


class Threads(Protocol):
    """Runs something that blocks, and gives what it gives."""

    async def __call__(self, work: Callable[[], T], /) -> T: ...


def in_threads(at_once: int) -> Threads:
    """In threads that are abandoned when their caller is cancelled: a disk that hangs holds up nobody."""
    limiter = trio.CapacityLimiter(at_once)

    async def run(work: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=limiter)

    return run


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
        self._path = None if folder is None else folder / _FILE
        self._node = node
        self._pass_on = pass_on
        self._clock = clock
        self._health = health
        self._report = report
        self._thread = in_threads(1) if thread is None else thread
        self.store: HistoryStore | None = None
        """None while there is none, or it cannot be used."""
        self.owing = trio.Event()
        """Set, and made anew, when a stream has come to owe something."""
        self._deliveries: dict[Key, Delivery] = {}
        self._queue: list[_Waiting] = []
        self._batch: list[_Waiting] = []
        self._of_stream: Counter[Key] = Counter()
        """How much of a stream is on its way; then its other things wait behind that."""
        self._newest: dict[Key, StatusMessage] = {}
        """What a stream has sent last; one that aggregates may send it again."""
        self._position = 0
        """The last one that was given out."""
        self._committed = 0
        self._writing = False
        self._overtaken = False
        """What is being written has not been in time; what comes does not wait for it."""
        self._removed: set[Key] = set()
        """Streams that are gone, and their history is not yet."""
        self._opening = trio.Lock()
        self._opened: list[HistoryStore] = []
        """The file, if a thread has opened it that was not waited for."""
        self._working = trio.CancelScope()
        self._wake = trio.Event()
        self._moved = trio.Event()
        self._closing = trio.Event()
        self._dirty = False
        self._marked_at = self._trimmed_at = self._opened_at = float("-inf")
        self._damage_told = 0
        self._failing = False

    # ---- the file

    async def open(self) -> None:
        """Before a stream with a history begins; bounded. A file that cannot be used is tried again by `run`."""
        if self._path is None or self.store is not None:
            return
        with trio.move_on_after(_OPENING) as scope:
            await self._open(self._path)
        if scope.cancelled_caught:
            self._fail(f"{self._path} has not been opened within {_OPENING:g} s")

    async def _open(self, path: Path) -> None:
        async with self._opening:
            if self.store is None:
                self._opened_at = trio.current_time()
                try:
                    self._begin(await self._thread(partial(_opened, path, self._opened)))
                except HistoryError as e:
                    self._fail(str(e))

    def _begin(self, store: HistoryStore) -> None:
        mark = read_mark(store.mark)
        self._position = self._committed = max(store.last, self._position)
        for stream in self._node.streams:
            if stream.definition.replay is not None:
                self._deliveries[stream.key] = Delivery(mark.owed(stream.key, store.last))
        self.store = store
        self._dirty = True
        self._works()
        self._tell_damage(store)

    def _tell_damage(self, store: HistoryStore) -> None:
        for sentence in store.damage[self._damage_told :]:
            log.error("the history is damaged", damage=sentence)
            self._report.count("rta_history_damaged_total")
        self._damage_told = len(store.damage)

    def _fail(self, why: str) -> None:
        if not self._failing:
            self._failing = True
            log.error("nothing is being recorded; live goes on", why=why)
        self._health.fail(_WHO, f"nothing is being recorded: {why}")

    def _works(self) -> None:
        if self._failing:
            self._failing = False
            log.info("recording again")
        self._health.ok(_WHO)

    # ---- what is kept, and what is owed

    def seqs(self) -> dict[Key, int]:
        """The number of the newest kept entry of each stream."""
        return {} if self.store is None else {key: bounds.seq for key, bounds in self.store.streams().items()}

    def bounds(self, key: Key) -> Bounds | None:
        """What is kept of a stream."""
        return None if self.store is None else self.store.bounds(key)

    def delivery(self, stream: NodeStream) -> Delivery | None:
        """What of a stream is to be delivered; None: it does not replay, or there is no history now."""
        if stream.definition.replay is None or self.store is None:
            self._deliveries.pop(stream.key, None)
            return None
        return self._deliveries.setdefault(stream.key, Delivery())

    def replayed(self, delivery: Delivery, upto: int) -> None:
        """Its owed entries up to this position have been acknowledged."""
        delivery.replayed(upto)
        self._touch()

    def _settled(self, delivery: Delivery, first: int, delivered: bool) -> None:
        delivery.settled(first, delivered)
        if not delivered:
            self.owing.set()
            self.owing = trio.Event()
        self._touch()

    def _touch(self) -> None:
        self._dirty = True
        self._wake.set()

    async def settled(self, patience: float) -> None:
        """Wait until all that has been taken up to now has gone on; at most so many seconds."""
        upto = self._position
        with trio.move_on_after(patience):
            while any(one.entries and one.entries[0].pos <= upto for one in (*self._batch, *self._queue)):
                await self._moved.wait()

    # ---- the way through

    def take(self, out: list[ToSend]) -> None:
        """What the node has to send."""
        direct: list[ToSend] = []
        now = trio.current_time()
        for thing in out:
            entries = self._entries(thing) if isinstance(thing, Update) else []
            if isinstance(thing, Removed):
                self._newest.pop(thing.stream.key, None)
            if entries or self._of_stream[thing.stream.key] or (isinstance(thing, Removed) and self.store):
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
            if self._path is not None:
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
                    delivery.sent(entries[0].pos, entries[-1].pos)
                    thing = evolve(thing, done=partial(self._settled, delivery, entries[0].pos))
            out.append(thing)
            self._forget(thing)
        self._pass_on(out)
        self._moved.set()
        self._moved = trio.Event()

    def _forget(self, thing: ToSend) -> None:
        """A stream that is removed leaves nothing, once what was before it has gone on."""
        if isinstance(thing, Removed):
            self._deliveries.pop(thing.stream.key, None)
            if self._path is not None:
                self._removed.add(thing.stream.key)

    def _overtake(self, why: str) -> None:
        """Live goes on without the disk."""
        self._fail(why)
        self._dirty = True  # the next mark tells whether it works again
        self._overtaken = self._writing
        batch, queue = self._batch, self._queue
        self._queue = []
        self._batch = []
        self._on([*batch, *queue], kept=False)

    # ---- writing

    async def run(self) -> None:
        """Until `close`."""
        if self._path is None:
            await self._closing.wait()
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            with self._working:
                while not self._closing.is_set():
                    with trio.move_on_after(_LOOK):
                        await self._wake.wait()
                    self._wake = trio.Event()
                    await self._look(self._path)
                if self.store is not None:
                    await self._commit_all()
                    await self._write_mark()
                    await self._thread(self.store.close)
            nursery.cancel_scope.cancel()

    def close(self) -> None:
        """There is no more: what waits is committed, then `run` ends; soon, even if the disk hangs."""
        self._working.deadline = trio.current_time() + _CLOSING
        self._closing.set()
        self._wake.set()

    async def _look(self, path: Path) -> None:
        now = trio.current_time()
        if self.store is None:
            if now >= self._opened_at + _OPEN_AGAIN and any(s.definition.history for s in self._node.streams):
                await self._open(path)
            if self.store is None:
                if self._queue:
                    self._overtake("there is no history")
                return
        await self._commit_all()
        if self._dirty and now >= self._marked_at + self._mark_every:
            await self._write_mark()
        if now >= self._trimmed_at + _TRIM:
            self._trimmed_at = now
            await self._trim(self.store)

    async def _watch(self) -> None:
        """A disk that hangs, or is too slow."""
        while True:
            await trio.sleep(_LOOK)
            first = next(iter(self._batch or self._queue), None)
            if first is not None and trio.current_time() >= first.since + _PATIENCE:
                self._overtake("the disk does not answer in time")

    async def _write(self, work: Callable[[], None]) -> bool:
        """Whether it is on the disk."""
        self._writing = True
        try:
            await self._thread(work)
        except HistoryError as e:
            self._fail(str(e))
            return False
        finally:
            self._writing = self._overtaken = False
        return True

    async def _commit_all(self) -> None:
        while self._queue:
            await self._commit()
        if self._removed:
            await self._commit()

    async def _commit(self) -> None:
        """What waits, as far as it fits in one commit, to the next removal."""
        store = self.store
        assert store is not None
        end = next((i for i, one in enumerate(self._queue[:_AT_ONCE], 1) if isinstance(one.thing, Removed)), _AT_ONCE)
        batch = self._batch = self._queue[:end]
        del self._queue[:end]
        entries = [entry for one in batch for entry in one.entries]
        removed, self._removed = self._removed, set()
        mark = self._due_mark() if entries else None
        kept = await self._write(partial(_commit, store, removed, entries, mark))
        self._dirty = True
        if kept:
            self._committed = max(self._committed, entries[-1].pos if entries else 0)
            self._works()
        else:
            self._removed |= removed
        if self._batch is batch:
            self._batch = []
            if kept and entries:
                self._report.count("rta_history_entries_total", len(entries))
            self._on(batch, kept)
        elif kept:
            self._owe(batch)
        self._tell_damage(store)

    def _owe(self, batch: list[_Waiting]) -> None:
        """They were published, who knows how, before they were committed: they come again."""
        for one in batch:
            stream = one.thing.stream
            delivery = self.delivery(stream) if one.entries and stream.key not in self._removed else None
            if delivery is not None:
                delivery.sent(one.entries[0].pos, one.entries[-1].pos)
                self._settled(delivery, one.entries[0].pos, False)

    @property
    def _mark_every(self) -> float:
        return _MARK if self._deliveries else _TRIM

    def _due_mark(self) -> bytes | None:
        now = trio.current_time()
        if now < self._marked_at + self._mark_every:
            return None
        self._marked_at, self._dirty = now, False
        owed = {key: delivery.undelivered() for key, delivery in self._deliveries.items()}
        return write_mark(Mark(self._committed, owed))

    async def _write_mark(self) -> None:
        if self.store is not None:
            self._marked_at = float("-inf")
            mark = self._due_mark()
            if await self._write(partial(self.store.commit, [], mark)):
                self._works()
            else:
                self._dirty = True

    async def _trim(self, store: HistoryStore) -> None:
        now = self._clock()
        # Of streams that are no longer configured the last day stays, lest a slip in the file costs it.
        unknown = Limit(_UNKNOWN.entries, Ns(now.wall - _UNKNOWN.age))
        limits = dict.fromkeys(store.streams(), unknown)
        for stream in self._node.streams:
            history = stream.definition.history
            if history is not None:
                limits[stream.key] = Limit(history.entries, Ns(self._node.ts(stream, now) - history.age))
        await self._write(partial(_trim, store, limits))


def _opened(path: Path, opened: list[HistoryStore]) -> HistoryStore:
    """The file, and in `opened` too: nobody may be waiting any more, and another try could not open it again."""
    if opened:
        return opened[0]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise HistoryError(f"cannot make {path.parent}: {e.strerror or e}") from None
    opened.append(HistoryStore(path))
    return opened[0]


def _commit(store: HistoryStore, removed: set[Key], entries: list[NewEntry], mark: bytes | None) -> None:
    """Streams that are removed go first: entries may be of others that have their names now."""
    for key in removed:
        store.forget(key)
    if entries:
        store.commit(entries, mark)


def _trim(store: HistoryStore, limits: dict[Key, Limit]) -> None:
    store.trim(limits)
