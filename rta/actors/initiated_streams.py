"""The streams of the node in this process, as one client sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from rta.actors.streams import Streams
from rta.node.node_stream import Initiator
from rta.node.stream_service import StreamService

__all__ = ["InitiatedStreams"]


@frozen
class InitiatedStreams(StreamService):
    """Everything that is done here is noted as done by `by`."""

    streams: Streams
    by: Initiator

    async def list(self, code: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
        return await self.streams.list(code, name)

    async def start(
        self, code: str, name: str, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        return await self.streams.start(code, name, self.by, timeout, consumer)

    async def stop(self, code: str, name: str) -> dict[str, Any]:
        return await self.streams.stop(code, name, self.by)

    async def add(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return await self.streams.add(fields, self.by)

    async def edit(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return await self.streams.edit(code, name, fields, self.by)

    async def remove(self, code: str, name: str) -> None:
        await self.streams.remove(code, name, self.by)
