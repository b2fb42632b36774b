"""Alarms over HTTP, and between workers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rta.errors import MalformedError, TransportError
from rta.ports import SessionRecord
from rta.rest import make_app
from rta.rest.alarm_calls import ask_alarms, asks_alarms, read_ask, read_listed, write_listed
from rta.rest.stream_calls import Ask, StreamCall

ALARMS = [{"code": "car.oil", "active": True, "description": "Öl \ud800"}, {"code": "car.quiet", "active": False}]


class Site:
    """Two alarms, and what clients see of them."""

    version = label = description = host = "site"
    trouble: str | None = None

    async def sessions(self) -> list[SessionRecord]:
        return []

    async def list_alarms(self, active_only: bool) -> list[dict[str, Any]]:
        if self.trouble is not None:
            raise TransportError(self.trouble)
        return [alarm for alarm in ALARMS if alarm["active"] or not active_only]

    async def get(self, path: str) -> tuple[int, Any]:
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [],
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await make_app(self)(scope, receive, send)  # type: ignore[arg-type]
        return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize("path", ["/rta/v2/alarms", "/rta/v2/alarms/", "/x/rta/v2/alarms?active=false"])
async def test_all_are_listed(path):
    status, document = await Site().get(path)
    assert status == 200
    assert [alarm["code"] for alarm in document["alarms"]] == ["car.oil", "car.quiet"]


async def test_those_that_are_active_are_listed():
    status, document = await Site().get("/rta/v2/alarms?active=true")
    assert status == 200
    assert [alarm["code"] for alarm in document["alarms"]] == ["car.oil"]


async def test_another_wish_is_refused_with_its_field():
    refusal = {"reason": "active: expected true or false", "field": "active"}
    assert await Site().get("/rta/v2/alarms?active=perhaps") == (400, refusal)


async def test_a_node_that_is_away_is_said_to_be():
    site = Site()
    site.trouble = "worker 0 does not answer"
    assert await site.get("/rta/v2/alarms") == (503, {"reason": "worker 0 does not answer"})


@pytest.mark.parametrize("active_only", [True, False])
def test_what_one_worker_asks_another_understands(active_only):
    request = ask_alarms(active_only)
    assert asks_alarms(request)
    assert read_ask(request) is active_only
    assert not asks_alarms(StreamCall(Ask.LIST).to_bytes())


def test_what_one_worker_answers_another_reads():
    assert read_listed(write_listed(ALARMS)) == ALARMS
    for answer in (b"", b"{}", b"\xff"):
        with pytest.raises(MalformedError):
            read_listed(answer)
