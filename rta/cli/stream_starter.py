"""Starting the streams that `rta watch` keeps running: at once at the nodes that are named, and at those of a pattern
when they turn up.
"""

from __future__ import annotations

from collections.abc import Iterable

import trio

from rta.consumer import Consumer, Event, StreamChanged
from rta.errors import RtaError

__all__ = ["StreamStarter"]

_NODES = 1000  # nodes at which each of the streams is started at most


class StreamStarter:
    """Asks the consumer to start each stream of each node once. The consumer renews them by itself.

    `run` is the task; `handle` gives it nodes that turn up, in a queue that has room for all that may be started.
    """

    def __init__(self, consumer: Consumer, patterns: Iterable[str], streams: Iterable[tuple[str, str]]) -> None:
        self.faults: list[str] = []
        """One line for each stream that could not be started, with the reason."""
        self._consumer = consumer
        self._streams = tuple(streams)
        self._asked: set[tuple[str, str, str]] = set()
        self._send, self._wanted = trio.open_memory_channel[tuple[str, str, str]](_NODES * max(len(self._streams), 1))
        for pattern in patterns:
            if "+" not in pattern.split("/"):
                for code, name in self._streams:
                    self._enqueue(pattern, code, name)

    def handle(self, event: Event) -> None:
        """Note an event: its node may have turned up."""
        if isinstance(event, StreamChanged) and (event.code, event.name) in self._streams and event.state is not None:
            self._enqueue(event.node, event.code, event.name)

    def _enqueue(self, *which: str) -> None:
        node, code, name = which
        if (node, code, name) in self._asked or len(self._asked) >= _NODES * len(self._streams):
            return
        self._asked.add((node, code, name))
        self._send.send_nowait((node, code, name))

    async def run(self) -> None:
        """Start what is in the queue, until cancelled."""
        async for node, code, name in self._wanted:
            try:
                await self._consumer.start(node, code, name)
            except RtaError as e:
                self.faults.append(f"{node} {code}/{name} is not started: {e}")
