"""The streams of a service: listed, started and stopped, added, edited and removed. Streams are as the service lists
them, in the keys of the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from rta.client.rest import RestClient

__all__ = ["StreamsClient"]

_PATH = "/rta/v2/streams"


class StreamsClient:
    """Of one service. A name that is empty is that of the unnamed stream.

    Every call raises `RtaError` with the service's own reason when it is refused, `TransportError` when the service or
    its node cannot be reached.
    """

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def list(self) -> list[dict[str, Any]]:
        """All of them."""
        return await self._rest.listed(_PATH, "streams")

    async def show(self, code: str, name: str) -> dict[str, Any]:
        return await self._ask("GET", _path(code, name))

    async def start(
        self, code: str, name: str, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        """Start or renew. `timeout` in seconds; `consumer`: the id of the node it is for."""
        fields = {"timeout": timeout, "consumer": consumer}
        return await self._ask("POST", f"{_path(code, name)}/start", {k: v for k, v in fields.items() if v is not None})

    async def stop(self, code: str, name: str) -> dict[str, Any]:
        return await self._ask("POST", f"{_path(code, name)}/stop", {})

    async def add(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return await self._ask("POST", "", {**fields, "code": code, "name": name})

    async def edit(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change these; None: the default."""
        return await self._ask("PATCH", _path(code, name), fields)

    async def remove(self, code: str, name: str) -> None:
        await self._ask("DELETE", _path(code, name))

    async def _ask(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return await self._rest.call(method, _PATH + path, fields)


def _path(code: str, name: str) -> str:
    return f"/{quote(code, safe='')}/{quote(name or 'default', safe='')}"
