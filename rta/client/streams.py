"""The streams of a service over HTTP: listed, started, stopped, added, edited and removed.

Streams are as the service lists them, in the keys of the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from rta.client.rest import RestClient

__all__ = ["StreamsClient"]

_PATH = "/rta/v2/streams"


class StreamsClient:
    """The streams of one service, as `rta.node.stream_service.StreamService` describes them.

    Every call raises `RtaError` with the service's own reason when it is refused, and `TransportError` when the service
    or its node cannot be reached.
    """

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def list(self, code: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
        """All streams, those of the status `code`, or the one called `name`."""
        if code is not None and name is not None:
            return [await self._call("GET", _path(code, name))]
        query = "" if code is None else f"?code={quote(code, safe='')}"
        return await self._rest.listed(_PATH + query, "streams")

    async def start(
        self, code: str, name: str, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        """Start or renew a stream. `timeout` in seconds; `consumer`: the id of the node that the stream is for."""
        fields = {"timeout": timeout, "consumer": consumer}
        given = {k: v for k, v in fields.items() if v is not None}
        return await self._call("POST", f"{_path(code, name)}/start", given)

    async def stop(self, code: str, name: str) -> dict[str, Any]:
        return await self._call("POST", f"{_path(code, name)}/stop", {})

    async def add(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add a stream; `fields` has its settings, with `code` and `name`."""
        return await self._call("POST", "", fields)

    async def edit(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change these settings; None stands for the default."""
        return await self._call("PATCH", _path(code, name), fields)

    async def remove(self, code: str, name: str) -> None:
        await self._call("DELETE", _path(code, name))

    async def _call(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return await self._rest.call(method, _PATH + path, fields)


def _path(code: str, name: str) -> str:
    return f"/{quote(code, safe='')}/{quote(name or 'default', safe='')}"
