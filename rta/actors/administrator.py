"""Administration: changes of streams are kept in the state directory before they take effect, one at a time.

Owns the file of changes. Receives requests with their replies in a bounded inbox; whoever asks waits while it is full.
Asks the node whether a change is right, puts it on disk in a thread, and asks the node to apply it. What has begun is
carried out, even if whoever asked for it has gone.

Ends when it is cancelled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import trio
from attrs import frozen

from rta.actors.node_messages import ApplyChange, Listed, PlanAddition, PlanEdit, PlanRemoval
from rta.errors import RtaError
from rta.inbox import Inbox, Outlet, Reply
from rta.node.administration import StreamPlan
from rta.node.changes import save_changes
from rta.node.node_stream import Initiator, Refusal, Refused

__all__ = ["AddStream", "Administrator", "ChangeRequest", "EditStream", "RemoveStream"]

C = TypeVar("C")
T = TypeVar("T")


@frozen(eq=False)
class AddStream:
    """A new stream of a status."""

    fields: Mapping[str, Any]
    by: Initiator
    reply: Reply[Listed]


@frozen(eq=False)
class EditStream:
    """Other settings of a stream."""

    code: str
    name: str
    fields: Mapping[str, Any]
    by: Initiator
    reply: Reply[Listed]


@frozen(eq=False)
class RemoveStream:
    """A stream less."""

    code: str
    name: str
    by: Initiator
    reply: Reply[None]


ChangeRequest = AddStream | EditStream | RemoveStream


class Administrator:
    """The changes of the streams of one node."""

    def __init__(
        self,
        inbox: Inbox[ChangeRequest],
        node: Outlet[PlanAddition | PlanEdit | PlanRemoval | ApplyChange],
        open_history: Callable[[], Awaitable[None]],
        folder: Path | None,
    ) -> None:
        """`open_history`: before a stream has a history, wait for the file, not for ever. `folder`: the state
        directory."""
        self._inbox = inbox
        self._node = node
        self._open_history = open_history
        self._folder = folder

    async def run(self) -> None:
        """Until cancelled; then whoever waits is refused."""
        pending: deque[ChangeRequest] = deque()
        try:
            while True:
                pending.extend(await self._inbox.receive())
                while pending:
                    await self._answer(pending[0])
                    pending.popleft()
        finally:
            for request in [*pending, *self._inbox.close()]:
                request.reply.refuse(Refused("the node is shutting down", kind=Refusal.UNAVAILABLE))

    async def _answer(self, request: ChangeRequest) -> None:
        try:
            listed = await self._change(request)
        except RtaError as e:
            request.reply.refuse(e)
        else:
            if isinstance(request, RemoveStream):
                request.reply.give(None)
            else:
                assert listed is not None
                request.reply.give(listed)

    async def _change(self, request: ChangeRequest) -> Listed | None:
        planned: Reply[StreamPlan] = Reply()
        match request:
            case AddStream(fields):
                await self._node.send(PlanAddition(fields, planned))
            case EditStream(code, name, fields):
                await self._node.send(PlanEdit(code, name, fields, planned))
            case RemoveStream(code, name):
                await self._node.send(PlanRemoval(code, name, planned))
        plan = await planned.wait()
        if plan.definition.history is not None:
            await self._open_history()
        # Not to be broken off: either it is kept and takes effect, or neither.
        with trio.CancelScope(shield=True):
            await self._keep(plan)
        applied: Reply[Listed | None] = Reply()
        await self._node.send(ApplyChange(plan, request.by, applied))
        return await applied.wait()

    async def _keep(self, plan: StreamPlan) -> None:
        assert self._folder is not None, "a plan without a state directory is refused"
        try:
            await trio.to_thread.run_sync(save_changes, self._folder, plan.changes)
        except OSError as e:
            why = f"the change cannot be kept in {self._folder}: {e.strerror or e}"
            raise Refused(why, kind=Refusal.UNAVAILABLE) from None
