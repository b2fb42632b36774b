"""A fetch: the entries of a stream that a node has kept, page by page."""

from __future__ import annotations

import trio

from rta.consumer.answers import Expected
from rta.consumer.events import HistoryPage
from rta.consumer.reading import Fault, read_page
from rta.errors import MalformedError, NotConnectedError
from rta.rsmp.payload import encode, iso
from rta.wire.values import Ns

__all__ = ["Fetch", "write_range"]

_MS = 1_000_000


class Fetch:
    """`async for page in fetch`; the last page is `complete`."""

    def __init__(self, node: str, expected: Expected, timeout: float, fault: Fault) -> None:
        """`timeout`: seconds from one message to the next."""
        self._node = node
        self._expected = expected
        self._timeout = timeout
        self._fault = fault
        self._complete = False

    def __aiter__(self) -> Fetch:
        return self

    async def __anext__(self) -> HistoryPage:
        """The next page. What comes of this fetch after an error is left out.

        :raises NotConnectedError: nothing came in time, or the connection was lost.
        :raises QueueFullError: the reader is too slow.
        """
        while not self._complete:
            payload = await self._next()
            try:
                page = read_page(payload, self._fault)
            except MalformedError as e:
                self._fault(e.kind, str(e))
                continue
            self._complete = page.complete
            return page
        raise StopAsyncIteration

    async def _next(self) -> bytes:
        with trio.move_on_after(self._timeout):
            return await self._expected.receive()
        raise NotConnectedError(f"{self._node}: no answer to the fetch within {self._timeout:g} s")


def write_range(since: Ns | None, until: Ns | None) -> bytes:
    """The payload of a fetch. Times are sent in milliseconds; the end is rounded up, so that nothing is missing."""
    asked = {}
    if since is not None:
        asked["from"] = iso(since)
    if until is not None:
        asked["to"] = iso(Ns(-(-until // _MS) * _MS))
    return encode(asked)
