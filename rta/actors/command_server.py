"""The command server: checks the commands that come over topics, has them carried out, and answers.

Owns the registry of commands, and a task for each that is being carried out: at most 16 at once, each within 30 s. Over
that bound, and over the rate of the token bucket, a command is refused, counted, and answered. Receives commands from
`TopicRequests`; sends `CommandResult` to the publisher, and waits while that is full. The sender of a command is known
only by where it wants its answer. Ends when it is cancelled.

Source: docs/rsmp.md, "Commands" and "Response Topic".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import structlog
import trio

from rta.actors.audit import Audit
from rta.actors.publisher_messages import CommandResult
from rta.errors import MalformedError, RtaError
from rta.formatting import choices
from rta.inbox import Outlet
from rta.node.node_stream import Initiator, Now, Refused
from rta.node.token_bucket import TokenBucket
from rta.options import CONVERTER, faults, written
from rta.ports import Reporter, TopicMessage
from rta.ports.command import Call, Command
from rta.rsmp.components import select_components
from rta.rsmp.payload import encode, read_map
from rta.rsmp.topics import NodeTopics, TopicKind, is_response_topic

__all__ = ["CommandServer"]

log = structlog.get_logger("rta.node")

_AT_ONCE = 16
_DEADLINE = 30.0  # seconds for one command


class CommandServer:
    """Commands of one node."""

    def __init__(
        self,
        topics: NodeTopics,
        publisher: Outlet[CommandResult],
        audit: Audit,
        clock: Callable[[], Now],
        report: Reporter,
    ) -> None:
        self._topics = topics
        self._publisher = publisher
        self._audit = audit
        self._clock = clock
        self._report = report
        self._commands: dict[str, Command] = {}
        self._quota = TokenBucket()
        self._running = 0
        self._nursery: trio.Nursery | None = None

    def register(self, commands: Iterable[Command]) -> None:
        """Commands that there are from now on.

        :raises RtaError: there is one of this code already.
        """
        for command in commands:
            if command.code in self._commands:
                raise RtaError(f"there are two commands {command.code!r}")
            self._commands[command.code] = command

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            await trio.sleep_forever()

    async def handle(self, message: TopicMessage, code: str) -> None:
        """A command that came by a topic, live."""
        topic = message.response_topic
        if topic is not None and not is_response_topic(topic, TopicKind.RESULT, code):
            self._report.count("rta_topic_input_refused_total", kind="command", reason="response_topic")
            return
        sender = "" if topic is None else topic.rpartition(f"/{TopicKind.RESULT}/")[0]
        reply = _Reply(self, message, code, Initiator("topic", sender))
        if topic is None and code not in self._commands:
            reply.code = "unknown"  # a topic of ours says nothing that somebody made up
        if not self._quota.acquire(self._clock().steady):
            await reply.refuse("too many commands; try again later", None, "flood")
        elif self._running >= _AT_ONCE:
            await reply.refuse("too many commands are being carried out; try again later", None, "busy")
        else:
            await self._begin(message, code, reply)

    async def _begin(self, message: TopicMessage, code: str, reply: _Reply) -> None:
        command = self._commands.get(code)
        if command is None:
            known = {c: (c,) for c in sorted(self._commands)}
            await reply.refuse(f"there is no command {code[:100]!r}; {choices(code[:100], known)}", None, "unknown")
            return
        try:
            call = _read(command, message.payload, reply.by.who)
        except Refused as e:
            await reply.refuse(str(e), e.field, "invalid")
        except MalformedError as e:
            await reply.refuse(str(e), None, e.kind)
        else:
            assert self._nursery is not None, "the server is not running"
            self._running += 1
            self._nursery.start_soon(self._carry_out, command, call, reply)

    async def _carry_out(self, command: Command, call: Call, reply: _Reply) -> None:
        try:
            with trio.fail_after(_DEADLINE):
                values = await command.run(call)
            await reply.give(values)
        except RtaError as e:
            await reply.refuse(str(e), e.field if isinstance(e, Refused) else None, "refused")
        except trio.TooSlowError:
            await reply.refuse(f"not done within {_DEADLINE:g} s", None, "slow")
        except Exception:  # a plug-in's fault, set off by a message from outside, must not end the node
            log.exception("a command has failed", command=command.code)
            await reply.refuse("it has failed; the node's log says why", None, "fault")
        finally:
            self._running -= 1

    async def settle(self, reply: _Reply, result: dict[str, Any], outcome: str, audited: bool = True) -> None:
        """An answer is there."""
        payload = encode(result)
        self._report.count("rta_commands_total", status=result["status"])
        if audited:
            self._audit.note(self._clock(), "command", reply.by, outcome, code=reply.code)
        topic = reply.message.response_topic or self._topics.topic(TopicKind.RESULT, reply.code)
        await self._publisher.send(CommandResult(topic, payload, reply.message.correlation))


class _Reply:
    """Where the answer to one command goes."""

    def __init__(self, server: CommandServer, message: TopicMessage, code: str, by: Initiator) -> None:
        self._server = server
        self.message = message
        self.code = code
        self.by = by

    async def give(self, values: dict[str, Any] | None) -> None:
        """It is done."""
        await self._server.settle(
            self, {"status": "ok"} if values is None else {"status": "ok", "values": values}, "ok"
        )

    async def refuse(self, reason: str, field: str | None, kind: str) -> None:
        """It is not done."""
        self._server._report.count("rta_topic_input_refused_total", kind="command", reason=kind)
        result: dict[str, Any] = {"status": "error", "reason": reason}
        if field is not None:
            result["values"] = {"field": field}
        # A flood must not wash away what else is on record.
        await self._server.settle(self, result, f"refused: {reason}", audited=kind not in ("flood", "busy"))


def _read(command: Command, payload: bytes, sender: str) -> Call:
    """A call, found valid.

    :raises Refused: something of it is not.
    :raises MalformedError: it cannot be read.
    """
    message = read_map(payload)
    values = (
        message.get("values", None) if "values" in message else {k: v for k, v in message.items() if k != "component"}
    )
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise Refused("expected a map", "values")
    components = list(command.components)
    if "component" in message and message["component"] is not None:
        if not components:
            raise Refused("this command takes no component", "component")
        try:
            components = select_components(message["component"], command.components)
        except MalformedError as e:
            raise Refused(str(e), "component") from None
    try:
        parameters = CONVERTER.structure(values, command.parameters)
    except (ValueError, ExceptionGroup) as e:
        key, reason = next(iter(faults(e, ())))
        raise Refused(reason, written(key)) from None
    return Call(parameters, components, sender)
