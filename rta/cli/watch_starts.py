"""Streams that `rta watch` keeps running: at the nodes it was given at once, at those of a pattern as they turn up."""

from __future__ import annotations

from collections.abc import Iterable

import trio

from rta.consumer import Consumer, Event, StreamChanged
from rta.errors import RtaError

__all__ = ["Starter"]

_NODES = 1000  # times streams, that are started


class Starter:
    """Each stream of each node is started once; renewing it is the consumer's."""

    def __init__(self, consumer: Consumer, patterns: Iterable[str], streams: Iterable[tuple[str, str]]) -> None:
        self.faults: list[str] = []
        """What could not be started, and why."""
        self._consumer = consumer
        self._streams = tuple(streams)
        self._asked: set[tuple[str, str, str]] = set()
        self._send, self._wanted = trio.open_memory_channel[tuple[str, str, str]](_NODES * max(len(self._streams), 1))
        for pattern in patterns:
            if "+" not in pattern.split("/"):
                for code, name in self._streams:
                    self._ask(pattern, code, name)

    def handle(self, event: Event) -> None:
        """What has happened; a node may have turned up."""
        if isinstance(event, StreamChanged) and (event.code, event.name) in self._streams and event.state is not None:
            self._ask(event.node, event.code, event.name)

    def _ask(self, *which: str) -> None:
        node, code, name = which
        if (node, code, name) in self._asked or len(self._asked) >= _NODES * len(self._streams):
            return
        self._asked.add((node, code, name))
        self._send.send_nowait((node, code, name))

    async def run(self) -> None:
        """Until cancelled."""
        async for node, code, name in self._wanted:
            try:
                await self._consumer.start(node, code, name)
            except RtaError as e:
                self.faults.append(f"{node} {code}/{name} is not started: {e}")
