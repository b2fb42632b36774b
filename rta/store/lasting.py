"""A store that lasts: the process that has it open, and the next one when that is gone.

What was asked of a process that is gone is asked again of the next one. Whoever reads waits for a turn: 32 read at
once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any, TypeVar

import trio

from rta.errors import RtaError
from rta.store.kind import StoreKind
from rta.store.worker import StoreWorker

__all__ = ["LastingStore", "OpenWorker"]

_AGAIN = 10.0  # seconds until a store that cannot be used is tried again, or another process is started at once again
_READERS = 32  # at once; others wait
_PATIENCE = 6.0  # seconds to wait for its opening: another process may take 5 s to leave it

T = TypeVar("T")

OpenWorker = Callable[[Path], AbstractAsyncContextManager[StoreWorker]]
"""Starts a process that has the store open. Raises `kind.error`: it cannot be opened. At the end what was written is in
its files."""


class LastingStore:
    """One store, which may not be there."""

    def __init__(
        self,
        kind: StoreKind,
        path: Path,
        open_worker: OpenWorker,
        *,
        begun: Callable[[Any], None],
        works: Callable[[], None],
        lost: Callable[[], None],
        fails: Callable[[str], None],
        ended: Callable[[], None],
    ) -> None:
        """:param begun: is called with the worker's `beginning` each time that it has been opened, before anybody can
            use it.
        :param works: and then this is.
        :param lost: it cannot be used.
        :param fails: why not.
        :param ended: a process has ended though nobody had asked it to.
        """
        self.path = path
        self._kind = kind
        self._open_worker = open_worker
        self._begun, self._works, self._lost, self._fails, self._ended = begun, works, lost, fails, ended
        self._worker: StoreWorker | None = None
        self._reviving = False
        """The process has ended by itself, and there will be another one at once."""
        self._wanted = trio.Event()
        self._changed = trio.Event()
        """Set, and made anew, when it has been opened, or cannot be, or has been lost."""
        self._tried_at = self._revived_at = float("-inf")
        self._reading = trio.CapacityLimiter(_READERS)
        self._told = 0
        self._closed = False
        self._life = trio.CancelScope()
        self._use = trio.CancelScope()

    @property
    def usable(self) -> bool:
        """Whether what is to be written can be given to it."""
        return self._worker is not None or self._reviving

    @property
    def opening(self) -> bool:
        """Whether it is about to be usable, or to fail."""
        return self._wanted.is_set() and not self.usable

    @property
    def try_again_at(self) -> float:
        """When it is time to open it again, steady seconds."""
        return float("inf") if self.usable or self.opening else self._tried_at + _AGAIN

    # ---- its life

    async def run(self) -> None:
        """Until `close`."""
        try:
            with self._life:
                while not self._closed:
                    await self._wanted.wait()
                    await self._open()
                    if not self._reviving:
                        self._wanted = trio.Event()
                    self._change()
        finally:
            self._worker, self._reviving = None, False
            self._change()

    async def _open(self) -> None:
        """One process, from its beginning to its end."""
        self._tried_at = trio.current_time()
        if self._reviving:
            self._revived_at = self._tried_at
        try:
            async with self._open_worker(self.path) as worker:
                self._begun(worker.beginning)
                self._worker, self._reviving, self._told = worker, False, 0
                self._works()
                self._change()
                with trio.CancelScope() as self._use:
                    await worker.lost.wait()
                self._worker = None
                self._reviving = not self._closed and trio.current_time() >= self._revived_at + _AGAIN
        except RtaError as e:
            if not isinstance(e, self._kind.error):
                raise
            self._reviving = False
            self._fails(str(e))
            return
        if not self._closed:
            self._ended()
            if not self._reviving:
                self._fails(f"the process of the {self._kind.name} has ended by itself")

    def _change(self) -> None:
        if not self.usable:
            self._lost()
        self._changed.set()
        self._changed = trio.Event()

    async def open(self) -> None:
        """Unless it is; wait until it is, or has been tried. Bounded."""
        if self.usable:
            return
        self.want()
        with trio.move_on_after(_PATIENCE) as scope:
            await self._changed.wait()
        if scope.cancelled_caught:
            self._fails(f"{self.path} has not been opened within {_PATIENCE:g} s")

    def want(self) -> None:
        """It is to be opened, unless it is."""
        self._wanted.set()

    def close(self) -> None:
        """There is no more: `run` ends, soon."""
        self._closed = True
        self._use.cancel()
        if self._worker is None:
            self._life.cancel()

    # ---- its use

    async def write(self, work: Callable[..., T], *arguments: object) -> T:
        """Have a function of the store write something. It may be done twice.

        :raises RtaError: `kind.error`; `kind.lost`: it may have been written.
        """
        return await self._ask(True, work, arguments)

    async def read(self, work: Callable[..., T], *arguments: object, cursor: int | None = None) -> T:
        """Have a function of the store read something.

        :param cursor: calls of one cursor are done one after the other, in order. What it has in a process that is gone
            is gone.
        :raises RtaError: it cannot be read; `kind.error`.
        """
        async with self._reading:
            return await self._ask(False, work, arguments, cursor)

    def tell(self, cursor: int, work: Callable[..., object], *arguments: object) -> None:
        """Have a function of the store done after the other calls of a cursor, and do not wait: as at its end."""
        if self._worker is not None:
            self._worker.tell(cursor, work, *arguments)

    async def _ask(
        self, writes: bool, work: Callable[..., T], arguments: tuple[object, ...], cursor: int | None = None
    ) -> T:
        asked = False
        while True:
            while self._worker is None or self._worker.lost.is_set():
                if not self.usable:
                    raise (self._kind.lost if asked else self._kind.error)(f"{self.path} cannot be used")
                await self._changed.wait()
            asked = True
            with suppress(self._kind.lost):
                return await self._worker.ask(writes, work, *arguments, cursor=cursor)

    def new_damage(self) -> list[str]:
        """What has been found damaged since this was asked, a sentence each."""
        damage = [] if self._worker is None else self._worker.damage
        found = damage[self._told :]
        self._told = len(damage)
        return found
