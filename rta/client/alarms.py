"""The alarms of a service, as it lists them."""

from __future__ import annotations

import json
from typing import Any

from rta.client.rest import RestClient
from rta.errors import TransportError

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
        path = _PATH + ("?active=true" if active else "")
        status, answer = await self._rest.ask("GET", path)
        try:
            document = json.loads(answer)
        except (ValueError, RecursionError):
            document = None
        told = document if isinstance(document, dict) else {}
        if status >= 300:
            reason = told.get("reason")
            raise TransportError(reason if isinstance(reason, str) else f"{self._rest.base}{path} answers {status}")
        alarms = told.get("alarms")
        if not isinstance(alarms, list) or not all(isinstance(alarm, dict) for alarm in alarms):
            raise TransportError(f"{self._rest.base} does not answer as an RTA service")
        return alarms
