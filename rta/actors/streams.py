"""What can be done with the streams of a node, whoever asks: over topics, over HTTP, on the command line.

The front of the node: each call is a request to it, or to its administrator, and waits for the reply. Everything that
is done or refused is noted in the audit file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import trio

from rta.actors.administrator import AddStream, ChangeRequest, EditStream, RemoveStream
from rta.actors.audit import Audit
from rta.actors.history_messages import AskKept
from rta.actors.node_messages import Listed, ListStreams, StartStream, StopStream
from rta.actors.publisher_messages import AskRates
from rta.history.entry import Bounds, Key
from rta.inbox import Outlet, Reply
from rta.node.administration import added_name, added_status
from rta.node.listing import complete
from rta.node.node_stream import Initiator, Now, Refusal, Refused

__all__ = ["Streams"]

_PATIENCE = 30.0  # seconds for a reply

C = TypeVar("C")
T = TypeVar("T")

_Several = list[Listed]


class Streams:
    """The streams of one node."""

    def __init__(
        self,
        node: Outlet[ListStreams | StartStream | StopStream],
        administrator: Outlet[ChangeRequest],
        history: Outlet[AskKept],
        publisher: Outlet[AskRates],
        audit: Audit,
        clock: Callable[[], Now],
    ) -> None:
        self._node = node
        self._administrator = administrator
        self._history = history
        self._publisher = publisher
        self._audit = audit
        self._clock = clock

    async def list(self, code: str | None = None, name: str | None = None) -> _Several:
        """All streams, those of a status, or one. The name `default` is the unnamed one.

        :raises Refused: there is no such status or stream.
        """
        found: Reply[_Several] = Reply()
        listed = await _ask(self._node, ListStreams(code, name, found), found)
        return await self._complete(listed, fresh=True)

    async def start(
        self, code: str, name: str, by: Initiator, timeout: float | None = None, consumer: str | None = None
    ) -> Listed:
        """Start or renew; the stream as listed. `timeout` in seconds.

        :raises Refused: it cannot be done.
        """
        details = {"timeout": timeout, "consumer": consumer}
        started: Reply[Listed] = Reply()
        with self._noted("start", by, code, name, {k: v for k, v in details.items() if v is not None}):
            listed = await _ask(self._node, StartStream(code, name, by, timeout, consumer, started), started)
        return (await self._complete([listed]))[0]

    async def stop(self, code: str, name: str, by: Initiator) -> Listed:
        """Stop; the stream as listed.

        :raises Refused: there is none.
        """
        stopped: Reply[Listed] = Reply()
        with self._noted("stop", by, code, name):
            listed = await _ask(self._node, StopStream(code, name, by, stopped), stopped)
        return (await self._complete([listed]))[0]

    async def add(self, fields: Mapping[str, Any], by: Initiator) -> Listed:
        """A new stream of a status; as listed.

        :raises Refused: administration is not allowed, or a field is wrong.
        """
        added: Reply[Listed] = Reply()
        with self._noted("add", by, added_status(fields), added_name(fields), {"fields": dict(fields)}):
            listed = await _have_done(self._administrator, AddStream(dict(fields), by, added), added)
        return (await self._complete([listed]))[0]

    async def edit(self, code: str, name: str, fields: Mapping[str, Any], by: Initiator) -> Listed:
        """Change some settings of a stream; null is the default. A running one starts anew unless only its description
        changes. As listed.

        :raises Refused: administration is not allowed, there is no such stream, or a field is wrong.
        """
        edited: Reply[Listed] = Reply()
        with self._noted("edit", by, code, name, {"fields": dict(fields)}):
            listed = await _have_done(self._administrator, EditStream(code, name, dict(fields), by, edited), edited)
        return (await self._complete([listed]))[0]

    async def remove(self, code: str, name: str, by: Initiator) -> None:
        """Stop a stream and forget it; what is retained of it is cleared.

        :raises Refused: administration is not allowed, or there is none.
        """
        removed: Reply[None] = Reply()
        with self._noted("remove", by, code, name):
            await _have_done(self._administrator, RemoveStream(code, name, by, removed), removed)

    async def _complete(self, listed: Iterable[Listed], fresh: bool = False) -> _Several:
        """With what the history keeps, and what has been sent."""
        kept: Reply[Mapping[Key, Bounds]] = Reply()
        rates: Reply[Mapping[Key, tuple[float, float]]] = Reply()
        bounds = await _ask(self._history, AskKept(fresh, kept), kept)
        sent = await _ask(self._publisher, AskRates(rates), rates)
        return [
            complete(stream, bounds.get(key), sent.get(key, (0.0, 0.0)))
            for stream in listed
            for key in ((stream["code"], stream["name"]),)
        ]

    @contextmanager
    def _noted(
        self, what: str, by: Initiator, code: str, name: str, details: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        about = {"code": code, "stream": name, **(details or {})}
        try:
            yield
        except Refused as e:
            self._audit.note(self._clock(), what, by, f"refused: {e}", **about)
            raise
        self._audit.note(self._clock(), what, by, "ok", **about)


async def _ask(whom: Outlet[C], request: C, reply: Reply[T]) -> T:
    """
    :raises Refused: as the request was, or because nobody answers in time.
    """
    try:
        with trio.fail_after(_PATIENCE):
            return await _have_done(whom, request, reply)
    except trio.TooSlowError:
        raise Refused(f"the node has not answered within {_PATIENCE:g} s", kind=Refusal.UNAVAILABLE) from None


async def _have_done(whom: Outlet[C], request: C, reply: Reply[T]) -> T:
    """Without a limit of our own: a change that has begun takes effect, however long the disk takes, and whoever asked
    for it is to be told so. Commands and HTTP have their limits.

    :raises Refused: as the request was, or because the node has ended.
    """
    try:
        await whom.send(request)
    except trio.BrokenResourceError:
        raise Refused("the node is shutting down", kind=Refusal.UNAVAILABLE) from None
    return await reply.wait()
