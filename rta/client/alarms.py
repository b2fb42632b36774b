"""The alarms of a service, as it lists them."""

from __future__ import annotations

from typing import Any

from rta.client.rest import RestClient

__all__ = ["AlarmsClient"]

_PATH = "/rta/v2/alarms"


class AlarmsClient:
    """Of one service."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def list(self, active: bool = False) -> list[dict[str, Any]]:
        """All that are configured, or only those that are active: `code`, `component`, `description`, `active`,
        `since`, `values`, `source`, `rule`.

        :raises TransportError: the service or its node cannot be reached.
        """
        return await self._rest.listed(_PATH + ("?active=true" if active else ""), "alarms")
