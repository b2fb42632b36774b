"""The history of all streams of a node, in one SQLite file. Blocking: it has a process of its own.

Entries are added at the end of one table, a commit at a time. Where those of a stream are is known in memory for the
newest segment, and from its runs for those before; what is over the limits is gone for readers at once, and from the
file when half of its segment is.

A plain table with the primary key (stream, position), WITHOUT ROWID, would be a third of the code. Measured against it,
300,000 entries each: 1000 streams and 300 entries a commit, 4.1 us of CPU an entry instead of 19.1, and a commit takes
1.20 ms instead of 8.49 (p50); 50 streams and 50 entries a commit, 6.5 us instead of 16.4, and 2.65 ms instead of 3.93.
Only reading is slower: 500 entries in 3.54 ms instead of 1.11.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from attrs import evolve

from rta.errors import DamagedFileError, HistoryError
from rta.history.entry import Bounds, KeptEntry, Key, NewEntry, Retention
from rta.history.file import HISTORY, INSERTED_AT_ONCE, State, insert, places_id, replace_runs, sum_of_entry
from rta.history.opening import Opened, open_file
from rta.history.segment import LONGEST, Segment, chosen
from rta.history.stream_index import FOR_EVER, StreamIndex
from rta.store.database import check_sum, damage_in, spoken, transaction
from rta.store.hold import Hold
from rta.wire.values import Ns

__all__ = ["Bounds", "HistoryStore", "KeptEntry", "Key", "NewEntry", "Retention", "commit", "trim"]

_SEALED_AT_ONCE = 30  # runs that a commit writes besides
_CHECKPOINT = 4 << 20  # bytes of the log, about
_PER_ROW, _PER_COMMIT = 40, 4 * 4096  # bytes, about
_SENTENCES = 100
_FAULTS = (sqlite3.Error, OSError, UnicodeDecodeError, DamagedFileError)  # of the file

T = TypeVar("T")


class HistoryStore:
    """Keeps entries.

    `commit`, `trim`, `forget` and `close` are for one thread at a time; what reads is for any threads at any time.
    """

    def __init__(self, path: Path, segment: int = 1 << 15, patience: float = 0.0, unusable: str | None = None) -> None:
        """Opens the file, or makes it; a damaged one is set aside.

        :param segment: positions in a segment, of a file that is made.
        :param patience: seconds to wait for another process to leave the file.
        :param unusable: why the file that is there is not to be used in any case.
        :raises HistoryError: another process has it, or it cannot be read or written.
        """
        if not 1 <= segment <= LONGEST:
            raise ValueError(f"segment is of 1 to {LONGEST} positions, not {segment}")
        self.damage: list[str] = []
        """What was found damaged, a sentence each; the first hundred."""
        self._path = path
        self._segment = segment
        self._lock = threading.Lock()
        self._written = 0
        self._unusable: str | None = None  # why the file is to be set aside before the next write
        try:
            self._held: Hold | None = Hold(HISTORY, path, patience)
        except OSError as e:
            raise HistoryError(f"the history {path}: {e.strerror}") from e
        try:
            self._file = self._opened(self._held, unusable)
            self._held.note(self.last)
        except BaseException:
            self._held.release()
            raise

    # ---- what there is

    @property
    def last(self) -> int:
        """The greatest position ever used; 0: none."""
        return self._file.state.last

    @property
    def mark(self) -> bytes:
        """As it was given to the last commit that had one; empty: none had."""
        return self._file.state.mark

    def streams(self) -> dict[Key, Bounds]:
        """All streams that have entries."""
        with self._lock:
            tracks = self._file.catalogue.tracks
            return {key: bounds for key, track in tracks.items() if (bounds := track.bounds())}

    def bounds(self, key: Key) -> Bounds | None:
        """What is kept of a stream; None: nothing."""
        with self._lock:
            track = self._file.catalogue.tracks.get(key)
            return track.bounds() if track else None

    # ---- adding

    def commit(self, entries: Sequence[NewEntry], mark: bytes | None = None) -> None:
        """Add entries in one transaction that lasts. Their positions rise, and are greater than `last`.

        :param mark: kept with them; None: the one before stays.
        :raises HistoryError: none of them is kept; the store can be used on.
        """
        self._writing(lambda: self._commit(entries, mark))
        if entries and self._held is not None:
            self._held.note(self.last)
        self._written += _PER_COMMIT
        if self._written >= _CHECKPOINT:
            self._checkpoint()

    def _commit(self, entries: Sequence[NewEntry], mark: bytes | None) -> None:
        file, catalogue = self._file, self._file.catalogue
        state = file.state
        last = state.last
        new: dict[Key, StreamIndex] = {}
        added: list[StreamIndex] = []
        values: list[int | bytes] = []
        size = 0
        for key, pos, ts, seq, data in entries:
            if pos <= last:
                raise ValueError(f"position {pos} after {last}")
            last = pos
            track = catalogue.tracks.get(key) or new.get(key)
            if track is None:
                track = new[key] = StreamIndex(state.streams + len(new) + 1, key, 0)
            added.append(track)
            values += (pos, track.id, ts, seq, sum_of_entry(pos, track.id, ts, seq, data), data)
            size += _PER_ROW + len(data)
        sealed: list[tuple[StreamIndex, Segment | None]] = []
        simple = mark is None and not new and not catalogue.waiting and not file.db.in_transaction
        if simple and 0 < len(entries) <= INSERTED_AT_ONCE:
            state = evolve(state, last=last)
            file.db.execute(insert(len(entries)), values)  # a transaction of its own
        else:
            with transaction(file.db):
                for track in new.values():
                    _write_stream(file.db, track.id, track.key, 0)
                for start in range(0, len(values), 6 * INSERTED_AT_ONCE):
                    piece = values[start : start + 6 * INSERTED_AT_ONCE]
                    file.db.execute(insert(len(piece) // 6), piece)
                sealed = self._seal()
                state = State(
                    last,
                    state.mark if mark is None else mark,
                    catalogue.sealed_then(len(sealed)),
                    state.streams + len(new),
                    state.segment,
                )
                state.write(file.db)
        with self._lock:
            file.state = state
            catalogue.has_sealed(sealed)
            catalogue.tracks |= new
            for track, (_, pos, ts, seq, _) in zip(added, entries, strict=True):
                catalogue.add(track, pos, ts, seq)
        self._written += size

    def _seal(self) -> list[tuple[StreamIndex, Segment | None]]:
        """Write some of the runs that wait, with the sizes of the segments that are done with."""
        db, catalogue = self._file.db, self._file.catalogue
        sealed = catalogue.to_seal(_SEALED_AT_ONCE)
        values: list[int | bytes] = []
        for track, run in sealed:
            if run is not None and run.places is not None:
                packed = run.places.pack(run.segment * catalogue.segment)
                number = places_id(run.segment, track.id)
                row = (number, run.first, run.last, run.count, run.begins, run.oldest, run.newest)
                values += (*row, check_sum(*row, packed), packed)
        if values:  # in one step, as entries are
            db.execute(replace_runs(len(values) // 9), values)
        for segment in catalogue.full(catalogue.sealed_then(len(sealed))):
            db.execute("REPLACE INTO segments VALUES (?, ?)", (segment, catalogue.entries[segment]))
        return sealed

    def _checkpoint(self) -> None:
        """Bring what is in the log into the file, between commits; readers are not waited for."""
        with suppress(sqlite3.Error):  # the next one may do
            self._file.db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._written = 0

    # ---- reading

    def read(
        self,
        key: Key,
        *,
        since: Ns | None = None,
        until: Ns | None = None,
        after: int = 0,
        upto: int | None = None,
        limit: int = 500,
    ) -> list[KeptEntry]:
        """Entries of a stream in recording order, committed ones only.

        :param since: stream time, inclusive; None: from the first on.
        :param until: stream time, exclusive; None: up to the last.
        :param after: positions are greater than this.
        :param upto: and no greater than this; None: up to the last.
        :param limit: no more than this many.
        :raises HistoryError: the file cannot be read; if it is damaged, the next write sets it aside. An entry that is
            not as it was written is left out, and `damage` says so.
        """
        upto = FOR_EVER if upto is None else upto
        if self._held is None:
            raise HistoryError(f"the history {self._path} is closed")
        try:
            while True:
                with self._lock:
                    file = self._file
                    track = file.catalogue.tracks.get(key)
                    floor = track.floor if track else 0
                    runs = track.behind(after) if track else []
                if track is None:
                    return []
                places: list[tuple[int, int | None]] = []
                removed: set[int] = set()
                for i, run in enumerate(runs):
                    if run.first > upto or len(places) >= limit:
                        break
                    if run.within(since, until):
                        begins = runs[i + 1].begins if i + 1 < len(runs) else None
                        found = file.rows.places(track, run)
                        if not found.positions:
                            removed.add(run.last)
                        places += islice(
                            chosen(found, begins, max(after, floor), upto, since, until), limit - len(places)
                        )
                rows = file.rows.entries(track.id, [pos for pos, _ in places])
                if lost := removed.union(pos for pos, _ in places if pos not in rows):
                    after = max(after, self._lose(file, track, lost))
                    continue
                return [
                    KeptEntry(pos, Ns(row[0]), row[1], row[2], None if next_ts is None else Ns(next_ts))
                    for pos, next_ts in places
                    for row in (rows[pos],)
                ]
        except _FAULTS as e:
            damage = damage_in(e)
            with self._lock:
                if damage is not None and self._file is file:
                    self._unusable = self._unusable or damage
            raise spoken(HISTORY, self._path, e) from e

    def _lose(self, file: Opened, track: StreamIndex, lost: set[int]) -> int:
        """Entries are not where they should be; up to where they are just gone."""
        with self._lock:
            if self._file is not file or file.catalogue.tracks.get(track.key) is not track:
                return 0
            lost = {pos for pos in lost if pos > track.doomed}
            if not lost:
                return track.doomed
            before = track.count
            file.catalogue.lose(track, lost, file.rows.places)
            missing = before - track.count
            newest = file.rows.entries(track.id, [track.last])
            if track.last in newest:
                track.newest, track.seq = newest[track.last][:2]
        code, name = track.key
        if missing > 0:
            self._damaged(f"{missing} entries of {code}{'/' if name else ''}{name} cannot be read and are left out")
        return 0

    def _damaged(self, sentence: str) -> None:
        if len(self.damage) < _SENTENCES:
            self.damage.append(sentence)

    # ---- removing

    def trim(self, limits: Mapping[Key, Retention], at_most: int = 20_000) -> dict[Key, int]:
        """Take out what is over the limits, of each stream from its oldest entry on.

        :param at_most: positions that are looked through in the file, to remove what is gone; the rest is for later.
        :return: how many entries of each stream went; streams of which none did are left out.
        :raises HistoryError: nothing went.
        """
        return self._writing(lambda: self._trim(limits, at_most))

    def _trim(self, limits: Mapping[Key, Retention], at_most: int) -> dict[Key, int]:
        file, catalogue = self._file, self._file.catalogue
        cuts = {}
        for key, limit in limits.items():
            track = catalogue.tracks.get(key)
            if track and (cut := track.cut(limit, file.rows.places)):
                cuts[track] = cut
        if not cuts and not file.cleaning.due(catalogue):
            return {}
        with self._lock:  # readers may miss entries from here on
            for track, cut in cuts.items():
                track.doomed = max(track.doomed, cut.floor)
        with transaction(file.db):
            for track, cut in cuts.items():
                _write_stream(file.db, track.id, track.key, cut.floor)
            step = file.cleaning.step(file.db, catalogue, at_most)
        with self._lock:
            catalogue.cut(cuts)
            file.cleaning.done(catalogue, step)
        self._written += _PER_COMMIT + 100 * step.removed
        return {track.key: sum(cut.gone.values()) for track, cut in cuts.items()}

    def forget(self, key: Key) -> None:
        """A stream is no more: none of its entries is read again, even if there is a stream of this name later.

        :raises HistoryError: it is still there.
        """
        self._writing(lambda: self._forget(key))

    def _forget(self, key: Key) -> None:
        file = self._file
        track = file.catalogue.tracks.get(key)
        if track is None:
            return
        with self._lock:
            track.doomed = FOR_EVER
        with transaction(file.db):
            file.db.execute("DELETE FROM streams WHERE id = ?", (track.id,))
        with self._lock:
            file.catalogue.forget(key, file.rows.places)

    # ---- the file

    def _writing(self, write: Callable[[], T]) -> T:
        """Write; if the file turns out to be damaged, begin another one and write there.

        :raises HistoryError: nothing has been written.
        """
        if self._held is None:
            raise HistoryError(f"the history {self._path} is closed")
        if self._unusable is None and not self._file.is_in_place():
            self._unusable = "somebody has moved or removed it"
        if self._unusable is None:
            try:
                return write()
            except _FAULTS as e:
                self._unusable = damage_in(e)
                if self._unusable is None:
                    # A full disk may hold a log that is in the file already, or could be.
                    self._checkpoint()
                    raise spoken(HISTORY, self._path, e) from e
        self._file.close()
        opened = self._opened(self._held, self._unusable)
        opened.state = evolve(opened.state, last=self.last, mark=self.mark)
        with self._lock:
            self._file, self._unusable = opened, None
        try:
            return write()
        except _FAULTS as e:
            raise spoken(HISTORY, self._path, e) from e

    def _opened(self, held: Hold, unusable: str | None) -> Opened:
        """:raises HistoryError: it cannot be opened."""
        try:
            return open_file(self._path, self._segment, held, self._damaged, unusable)
        except _FAULTS as e:
            raise spoken(HISTORY, self._path, e) from e

    def close(self) -> None:
        """End; what is committed is in the file. Closing again does nothing."""
        if self._held is not None:
            self._file.close()
            self._held.release()
            self._held = None


def commit(store: HistoryStore, removed: Collection[Key], entries: Sequence[NewEntry], mark: bytes | None) -> None:
    """Streams that are removed go first: entries may be of others that have their names now.

    It can be asked again by somebody who does not know whether it has been done.

    :raises HistoryError: nothing has been committed.
    """
    if entries and entries[0][1] <= store.last:
        if entries[-1][1] <= store.last:
            return
        entries = [entry for entry in entries if entry[1] > store.last]  # the rest of a damaged file has the first ones
        removed = ()
    for key in removed:
        store.forget(key)
    if entries or mark is not None:
        store.commit(entries, mark)


def trim(store: HistoryStore, limits: Mapping[Key, Retention], others: Retention) -> None:
    """Take out what is over the limits; `others`: of streams that have none.

    :raises HistoryError: it is all still there.
    """
    store.trim({**dict.fromkeys(store.streams(), others), **limits})


def _write_stream(db: sqlite3.Connection, number: int, key: Key, floor: int) -> None:
    row = (number, *key, floor)
    db.execute("REPLACE INTO streams VALUES (?, ?, ?, ?, ?)", (*row, check_sum(*row)))
