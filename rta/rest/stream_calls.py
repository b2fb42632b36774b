"""What clients ask of a node's streams, apart from how it came: HTTP requests become calls, calls are answered by the
process that has the node, and both can be handed on as bytes between workers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import Enum
from typing import Any

import attrs
from attrs import field, frozen

from rta.actors.streams import Streams
from rta.errors import MalformedError
from rta.node.node_stream import Initiator, Refusal, Refused

__all__ = ["Ask", "Reply", "StreamCall", "answer_call", "perform", "read_reply"]

_STATUSES = {
    Refusal.INVALID: 400,
    Refusal.FORBIDDEN: 403,
    Refusal.UNKNOWN: 404,
    Refusal.CONFLICT: 409,
    Refusal.UNAVAILABLE: 503,
}


class Ask(Enum):
    """What is to be done."""

    LIST = "list"
    """All streams, or those of `code`."""
    SHOW = "show"
    ADD = "add"
    """`fields` name it."""
    EDIT = "edit"
    REMOVE = "remove"
    START = "start"
    STOP = "stop"


@frozen
class StreamCall:
    """One call, by a client that may make it."""

    ask: Ask
    code: str | None = None
    name: str = ""
    """Empty: the unnamed stream."""
    fields: dict[str, Any] = field(factory=dict)
    who: str = ""
    """The client's address."""

    def to_bytes(self) -> bytes:
        return json.dumps({**attrs.asdict(self), "ask": self.ask.value}).encode()


@frozen
class Reply:
    """The answer, as an HTTP status and a JSON document; None: without one."""

    status: int
    document: Any = None

    @classmethod
    def refusing(cls, status: int, reason: str, wrong: str | None = None) -> Reply:
        """`wrong`: the field that it is about."""
        return cls(status, {"reason": reason} if wrong is None else {"reason": reason, "field": wrong})


async def perform(call: StreamCall, streams: Streams | None) -> Reply:
    """Have it done. `streams`: None where the site has no status."""
    if streams is None:
        if call.ask is Ask.LIST and call.code is None:
            return Reply(200, {"streams": []})
        return Reply.refusing(404, "this site has no streams: its configuration has no [[status]]")
    if call.ask in (Ask.LIST, Ask.SHOW):
        await streams.look()
    try:
        return await _perform(call, streams)
    except Refused as e:
        return Reply.refusing(_STATUSES[e.kind], str(e), e.field)


async def _perform(call: StreamCall, streams: Streams) -> Reply:
    code, name, fields, by = call.code or "", call.name, call.fields, Initiator("http", call.who)
    match call.ask:
        case Ask.LIST:
            return Reply(200, {"streams": streams.list(call.code)})
        case Ask.SHOW:
            return Reply(200, streams.list(code, name)[0])
        case Ask.ADD:
            return Reply(201, await streams.add(fields, by))
        case Ask.EDIT:
            return Reply(200, await streams.edit(code, name, fields, by))
        case Ask.REMOVE:
            _check_known(fields, ())
            await streams.remove(code, name, by)
            return Reply(204)
        case Ask.START:
            _check_known(fields, ("timeout", "consumer"))
            return Reply(200, streams.start(code, name, by, _timeout(fields), _consumer(fields)))
        case Ask.STOP:
            _check_known(fields, ())
            return Reply(200, streams.stop(code, name, by))


def _check_known(fields: Iterable[str], known: tuple[str, ...]) -> None:
    for key in fields:
        if key not in known:
            there = f"there are: {', '.join(known)}" if known else "expected none"
            raise Refused(f"there is no such field; {there}", key[:60])


def _timeout(fields: dict[str, Any]) -> float | None:
    value = fields.get("timeout")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("expected a number of seconds", "timeout")
    try:
        return float(value)
    except OverflowError:
        raise Refused("expected a number of seconds, and not such a large one", "timeout") from None


def _consumer(fields: dict[str, Any]) -> str | None:
    value = fields.get("consumer")
    if value is not None and not isinstance(value, str):
        raise Refused("expected the id of a node", "consumer")
    return value


# ---- between workers


async def answer_call(data: bytes, streams: Streams | None) -> bytes:
    """A call that another worker handed on is done here; the reply, for `read_reply`.

    :raises MalformedError: it is no call.
    """
    try:
        told = json.loads(data)
        call = StreamCall(**{**told, "ask": Ask(told["ask"])})
    except (ValueError, LookupError, TypeError):
        raise MalformedError("worker", "a call from another worker cannot be read") from None
    reply = await perform(call, streams)
    return json.dumps([reply.status, reply.document]).encode()


def read_reply(data: bytes) -> Reply:
    """
    :raises MalformedError: it is none.
    """
    try:
        status, document = json.loads(data)
    except (ValueError, TypeError):
        raise MalformedError("worker", "a reply of another worker cannot be read") from None
    return Reply(status, document)
