"""Who of very many connections has something to read, told to a few at a time.

Trio runs every task whose socket has become readable before it looks at anything else: ten thousand clients that hang
up, or answer a ping, at once would hold up live data until all of them are done. So they wait here, in an epoll set of
their own, which is itself one descriptor in Trio's. A connection that says nothing costs nothing here.
"""

from __future__ import annotations

import select
import socket
from collections import OrderedDict

import trio

__all__ = ["Readiness"]

_AT_ONCE = 4  # tasks woken in one turn of the event loop


class Readiness:
    """Wakes tasks that wait for their clients' data. Where there is no epoll, Trio does."""

    def __init__(self) -> None:
        self._poll = select.epoll() if hasattr(select, "epoll") else None
        self._waiting: dict[int, trio.lowlevel.Task] = {}
        self._released: OrderedDict[trio.lowlevel.Task, None] = OrderedDict()
        self._releasing = trio.Event()

    async def run(self) -> None:
        """Until cancelled; who waits meanwhile waits for this."""
        if self._poll is None:
            await trio.sleep_forever()
        with self._poll:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._wake_released)
                while True:
                    await trio.lowlevel.wait_readable(self._poll.fileno())
                    for number, _ in self._poll.poll(0, _AT_ONCE):
                        if (task := self._waiting.pop(number, None)) is not None:
                            trio.lowlevel.reschedule(task)
                    await trio.lowlevel.checkpoint()

    async def _wake_released(self) -> None:
        while True:
            await self._releasing.wait()
            for _ in range(min(_AT_ONCE, len(self._released))):
                trio.lowlevel.reschedule(self._released.popitem(last=False)[0])
            if not self._released:
                self._releasing = trio.Event()
            await trio.lowlevel.checkpoint()

    async def wait(self, sock: socket.socket) -> None:
        """Until the socket has something to read, or its end, or is released."""
        if self._poll is None or self._poll.closed:
            try:
                await trio.lowlevel.wait_readable(sock)
            except trio.ClosedResourceError:
                pass  # released
            return
        number = sock.fileno()
        events = select.EPOLLIN | select.EPOLLONESHOT
        try:
            self._poll.modify(number, events)
        except FileNotFoundError:
            self._poll.register(number, events)
        task = self._waiting[number] = trio.lowlevel.current_task()

        def abort(_: object) -> trio.lowlevel.Abort:
            if task in self._released:
                del self._released[task]
            else:
                del self._waiting[number]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def release(self, sock: socket.socket) -> None:
        """Wake who waits, if not at once, since the socket is going to be closed."""
        trio.lowlevel.notify_closing(sock)
        task = self._waiting.pop(sock.fileno(), None)
        if task is not None:
            self._released[task] = None
            self._releasing.set()
