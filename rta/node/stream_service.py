"""What can be done with the streams of a node, wherever the node is: in this process, behind HTTP or behind topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["StreamService"]


class StreamService(Protocol):
    """The streams of one node, for one client.

    A stream is a dict as `rta.node.listing` writes it. The empty name is the name of the unnamed stream. Every call
    raises `RtaError` with the node's reason when it is refused (`Refused` where the node is in this process), and
    `TransportError` when the node cannot be reached.
    """

    async def list(self, code: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
        """All streams, those of the status `code`, or the one called `name`."""
        ...

    async def start(
        self, code: str, name: str, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        """Start or renew a stream. `timeout` in seconds; `consumer`: the id of the node that the stream is for."""
        ...

    async def stop(self, code: str, name: str) -> dict[str, Any]:
        """Stop a stream, whoever started it."""
        ...

    async def add(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add a stream to a status; `fields` has its settings, with `code` and `name`."""
        ...

    async def edit(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change these settings; None stands for the default."""
        ...

    async def remove(self, code: str, name: str) -> None:
        """Stop a stream and forget it."""
        ...
