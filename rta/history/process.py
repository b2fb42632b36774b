"""The process of a history: does what its node asks, on the one file that it has open.

    python -m rta.history.process SOCKET PATH [WHY]

WHY: the file that is there is not to be used, because of this; it is set aside, and another one begun.

What writes is done as it comes, what reads by one thread beside it. So neither disk nor reading takes anything from
the node. It ends when the node closes its end of the socket, or is gone.
Opening has a bound of computing time; over it the kernel ends us (SIGXCPU), and the node knows what that means.
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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

from rta.errors import HistoryError

# What is asked of us is in these: they are there before it is.
from rta.history import answer, replay  # noqa: F401
from rta.history.calls import Beginning, StoreCall, StoreReply, read, write
from rta.history.file import SUFFIXES, beside
from rta.history.store import HistoryStore

__all__ = ["serve"]

_PATIENCE = 5.0  # seconds for a node that was killed to leave the file
_OPENING = 20, 10 << 20  # seconds of computing to open a file, and bytes for each of which one second more is allowed
_TURN = 0.0005  # seconds after which a commit takes its turn from what is being read


class _Line:
    """To the node."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._told = 0

    def perform(self, store: HistoryStore, call: StoreCall) -> None:
        """Do it, and answer."""
        value: object = None
        error: Exception | None = None
        try:
            value = call.work(store, *call.arguments)
        except HistoryError as e:
            error = e
        except Exception:  # noqa: BLE001 - a programming error: it is raised where it was asked for
            error = RuntimeError(traceback.format_exc())
        self.answer(call.number, value, error, store)

    def answer(self, number: int, value: object, error: Exception | None, store: HistoryStore | None = None) -> None:
        with self._lock:
            found = [] if store is None else store.damage[self._told :]
            self._told += len(found)
            try:
                said = write(StoreReply(number, value, error, found))
            except Exception:  # noqa: BLE001 - as above
                said = write(StoreReply(number, None, RuntimeError(traceback.format_exc()), found))
            with suppress(OSError):  # the node is gone; the end of its calls says so too
                self._link.sendall(said)


def serve(link: socket.socket, path: Path, unusable: str | None = None) -> None:
    """Until the node has closed its end. `unusable`: why the file that is there is not to be used."""
    line = _Line(link)
    try:
        with _bounded(path):
            store = HistoryStore(path, patience=_PATIENCE, unusable=unusable)
    except HistoryError as e:
        line.answer(0, None, e)
        return
    line.answer(0, Beginning(store.last, store.mark, store.streams()), None, store)
    to_read: SimpleQueue[StoreCall] = SimpleQueue()
    threading.Thread(target=_read_all, args=(line, store, to_read), daemon=True).start()
    gc.freeze()
    try:
        with link.makefile("rb") as calls:
            while (call := read(calls)) is not None:
                if call.writes:
                    line.perform(store, call)
                else:
                    to_read.put(call)
    finally:
        store.close()


@contextmanager
def _bounded(path: Path) -> Iterator[None]:
    """Whatever stands in the file, to open it takes no longer than this. Waiting for the disk does not count."""
    size = 0
    for suffix in SUFFIXES:
        with suppress(OSError):
            size += os.lstat(beside(path, suffix)).st_blocks * 512
    least, per_second = _OPENING
    before = resource.getrlimit(resource.RLIMIT_CPU)
    limit = least + size // per_second
    hard = before[1]
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


def _read_all(line: _Line, store: HistoryStore, calls: SimpleQueue[StoreCall]) -> None:
    try:
        while True:
            line.perform(store, calls.get())
    except BaseException:  # noqa: BLE001 - nobody would notice
        traceback.print_exc()
        os._exit(1)  # there will be another process, which reads


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever ends the node ends us with it, and in order
    sys.setswitchinterval(_TURN)
    descriptor, path, *why = sys.argv[1:]
    with socket.socket(fileno=int(descriptor)) as link, suppress(ConnectionError):  # answers that nobody waited for
        serve(link, Path(path), *why)
    os._exit(0)  # whatever is still being read


if __name__ == "__main__":
    main()
