"""The commands every node has: `stream.list`, `stream.add`, `stream.edit`, `stream.remove`.

Source: docs/rsmp.md, "Administration" and "Commands".
"""

from __future__ import annotations

from typing import Any

from attrs import define
from attrs.validators import ge

from rta.actors.streams import Streams
from rta.node.listing import page, without_last
from rta.node.node_stream import Initiator, Refused
from rta.ports import option
from rta.ports.command import Call, Command

__all__ = ["stream_commands"]


@define
class _Listed:
    """Which streams are listed."""

    code: str | None = option("Only those of this status.", None)
    stream: str | None = option("Only this one of it.", None)
    from_: int = option("The first one, where a list did not fit one message.", 0, validator=ge(0))


def stream_commands(streams: Streams) -> list[Command]:
    """Commands on these streams."""

    async def listed(call: Call) -> dict[str, Any]:
        want: _Listed = call.parameters
        if want.code is None and want.stream is not None:
            raise Refused("needs a code beside it", "stream")
        return page([without_last(s) for s in await streams.list(want.code, want.stream)], want.from_)

    async def add(call: Call) -> dict[str, Any]:
        return without_last(await streams.add(call.parameters, _by(call)))

    async def edit(call: Call) -> dict[str, Any]:
        fields = dict(call.parameters)
        code, name = _which(fields)
        return without_last(await streams.edit(code, name, fields, _by(call)))

    async def remove(call: Call) -> None:
        fields = dict(call.parameters)
        code, name = _which(fields)
        if fields:
            raise Refused("there is no such field", next(iter(fields)))
        await streams.remove(code, name, _by(call))

    return [
        Command("stream.list", listed, _Listed, description="All settings and the state of streams."),
        Command("stream.add", add, dict, description="Add a stream to a status."),
        Command("stream.edit", edit, dict, description="Change settings of a stream; null is the default."),
        Command("stream.remove", remove, dict, description="Stop a stream and forget it."),
    ]


def _by(call: Call) -> Initiator:
    return Initiator("topic", call.sender)


def _which(fields: dict[str, Any]) -> tuple[str, str]:
    """Takes code and name out of the fields."""
    code, name = fields.pop("code", None), fields.pop("name", None)
    if not isinstance(code, str):
        raise Refused("expected text" if code is not None else "is required, and not there", "code")
    if name is not None and not isinstance(name, str):
        raise Refused("expected text", "name")
    return code.replace("/", "."), name or ""
