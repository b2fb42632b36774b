"""The process that has a store open, as it runs: does what is asked of it by the process that has started it.

    python -m MODULE SOCKET PATH [WHY]

WHY: what is there is not to be used, because of this; it is set aside, and begun anew.

What writes is done by one thread, in order, what reads by others beside it. So neither disk nor reading takes anything
from whoever asks. It ends when that one closes its end of the socket, or is gone.
Opening has a bound of computing time; over it the kernel ends us (SIGXCPU), and the other end knows what that means.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from attrs import frozen

from rta.errors import RtaError
from rta.store.calls import StoreCall, StoreReply, read, send_pieces, write
from rta.store.kind import StoreKind

__all__ = ["OpenStore", "StoreProgram", "run_program"]

_OPENING = 20, 10 << 20  # seconds of computing to open it, and bytes for each of which one second more is allowed
_TURN = 0.0005  # seconds after which what writes takes its turn from what is being read


class OpenStore(Protocol):
    """A store, in the process that has it open. Its functions are called by several threads."""

    damage: list[str]
    """What was found damaged, a sentence each; only added to."""

    def close(self) -> None: ...


S = TypeVar("S", bound=OpenStore)


@frozen
class StoreProgram(Generic[S]):
    """What is to be run."""

    kind: StoreKind
    open: Callable[[Path, str | None], S]
    """Opens the store at a path; the text: why what is there is not to be used. Raises `kind.error`."""
    beginning: Callable[[S], object]
    """What whoever has started us is told once it is open."""
    files: Callable[[Path], Iterable[Path]]
    """Those that may be read to open it: their sizes count for how long that may take."""
    readers: int = 1
    """How many calls that read are done at the same time."""


class _Waiting:
    """Calls that wait for a thread. Of one cursor only one call is under way."""

    def __init__(self) -> None:
        self._calls: deque[StoreCall] = deque()
        self._busy: set[int] = set()
        self._ended = False
        self._changed = threading.Condition()

    def add(self, call: StoreCall) -> None:
        with self._changed:
            self._calls.append(call)
            self._changed.notify()

    def end(self) -> None:
        """There are no more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @contextmanager
    def next(self) -> Iterator[StoreCall | None]:
        """One that can be done now, for as long as it is being done; None: there are no more."""
        with self._changed:
            while (call := self._free()) is None and not self._ended:
                self._changed.wait()
        yield call
        if call is not None and call.cursor is not None:
            with self._changed:
                self._busy.discard(call.cursor)
                self._changed.notify()

    def _free(self) -> StoreCall | None:
        for i, call in enumerate(self._calls):
            if call.cursor is None or call.cursor not in self._busy:
                del self._calls[i]
                if call.cursor is not None:
                    self._busy.add(call.cursor)
                return call
        return None


class _Line(Generic[S]):
    """To whoever has started us."""

    def __init__(self, link: socket.socket, kind: StoreKind) -> None:
        self._link = link
        self._expected = (kind.error, *kind.answers)
        self._lock = threading.Lock()
        self._told = 0

    def serve(self, store: S, waiting: _Waiting) -> None:
        """Do what waits, until there is no more."""
        try:
            while True:
                with waiting.next() as call:
                    if call is None:
                        return
                    value, error = self._performed(store, call)
                self.answer(call.number, value, error, store)  # meanwhile the next call of its cursor is done
        except BaseException:  # noqa: BLE001 - nobody would notice
            traceback.print_exc()
            os._exit(1)  # there will be another process, which serves

    def _performed(self, store: S, call: StoreCall) -> tuple[object, Exception | None]:
        try:
            return call.work(store, *call.arguments), None
        except Exception as e:  # noqa: BLE001 - a programming error is raised where it was asked for, too
            return None, e if isinstance(e, self._expected) else RuntimeError(traceback.format_exc())

    def answer(self, number: int, value: object, error: Exception | None, store: S | None = None) -> None:
        with self._lock:
            found = [] if store is None else store.damage[self._told :]
            self._told += len(found)
            try:
                said = write(StoreReply(number, value, error, found))
            except Exception:  # noqa: BLE001 - as above
                said = write(StoreReply(number, None, RuntimeError(traceback.format_exc()), found))
            with suppress(OSError):  # the other end is gone; the end of its calls says so too
                send_pieces(self._link, said)


def _serve(program: StoreProgram[S], link: socket.socket, path: Path, unusable: str | None = None) -> None:
    """Until the other end is closed."""
    line: _Line[S] = _Line(link, program.kind)
    try:
        with _bounded(program.files(path)):
            store = program.open(path, unusable)
    except RtaError as e:
        if not isinstance(e, program.kind.error):
            raise
        line.answer(0, None, e)
        return
    line.answer(0, program.beginning(store), None, store)
    writing, reading = _Waiting(), _Waiting()
    writer = _started(line, store, writing)
    for _ in range(program.readers):
        _started(line, store, reading)
    gc.freeze()
    try:
        with link.makefile("rb") as calls:
            while (call := read(calls)) is not None:
                (writing if call.writes else reading).add(call)
    finally:
        writing.end()
        writer.join()
        store.close()


def _started(line: _Line[Any], store: OpenStore, waiting: _Waiting) -> threading.Thread:
    thread = threading.Thread(target=line.serve, args=(store, waiting), daemon=True)
    thread.start()
    return thread


@contextmanager
def _bounded(files: Iterable[Path]) -> Iterator[None]:
    """Whatever stands in the files, to open them takes no longer than this. Waiting for the disk does not count."""
    size = 0
    for file in files:
        with suppress(OSError):
            size += os.lstat(file).st_blocks * 512
    least, per_second = _OPENING
    before = resource.getrlimit(resource.RLIMIT_CPU)
    limit = least + size // per_second
    hard = before[1]
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


def run_program(program: StoreProgram[S]) -> None:
    """With the arguments of the command line. It does not return."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever ends the one that has started us ends us with it, and in order
    sys.setswitchinterval(_TURN)
    descriptor, path, *why = sys.argv[1:]
    with socket.socket(fileno=int(descriptor)) as link, suppress(ConnectionError):  # answers that nobody waited for
        _serve(program, link, Path(path), *why)
    os._exit(0)  # whatever is still being read
