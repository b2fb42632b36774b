"""Alarms over HTTP: `GET /rta/v2/alarms`, `?active=true` for those that are active."""

from __future__ import annotations

import json
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from rta.errors import TransportError

__all__ = ["PATH", "AlarmResource", "AlarmService"]

PATH = "/rta/v2/alarms"

_YES, _NO = ("true", "1", "yes"), ("", "false", "0", "no")


class AlarmService(Protocol):
    """What stands behind it."""

    async def list_alarms(self, active_only: bool) -> list[dict[str, Any]]:
        """The alarms of the node, as they are listed; none where there is no node.

        :raises TransportError: the process that has them is not there now.
        """
        ...


class AlarmResource:
    """The list."""

    def __init__(self, service: AlarmService) -> None:
        self._service = service

    async def list(self, request: Request) -> Response:
        active = request.query_params.get("active", "").lower()
        if active not in (*_YES, *_NO):
            return _response({"reason": "active: expected true or false", "field": "active"}, 400)
        try:
            return _response({"alarms": await self._service.list_alarms(active in _YES)})
        except TransportError as e:
            return _response({"reason": str(e)}, 503)


def _response(document: dict[str, Any], status: int = 200) -> Response:
    text = json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(text, status, media_type="application/json")
