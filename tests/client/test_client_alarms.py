"""Alarms as a client has them: what the service says, or one error."""

from __future__ import annotations

import pytest

from rta.client import RestClient
from rta.errors import NotConnectedError, UnreadableError

ALARMS = "/rta/v2/alarms"


async def test_alarms_are_as_listed(serve):
    base = serve({ALARMS: (200, b'{"alarms": [{"code": "a.b"}]}'), f"{ALARMS}?active=true": (200, b'{"alarms": []}')})
    assert await RestClient(base).alarms() == [{"code": "a.b"}]
    assert await RestClient(base).alarms(active=True) == []


async def test_a_node_that_is_away_says_why(serve):
    base = serve({ALARMS: (503, b'{"reason": "worker 0 does not answer"}')})
    with pytest.raises(NotConnectedError, match=r"^worker 0 does not answer$"):
        await RestClient(base).alarms()


@pytest.mark.parametrize(("status", "body"), [(404, b"Not Found"), (500, b"[]"), (500, b'{"reason": 5}')])
async def test_an_error_without_a_reason_is_its_status(serve, status, body):
    base = serve({ALARMS: (status, body)})
    with pytest.raises(UnreadableError, match=f"^{base}{ALARMS} answers {status}$"):
        await RestClient(base).alarms()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"alarms": 5}', b'{"alarms": [5]}', b"[" * 100_000])
async def test_what_lists_no_alarms_is_no_rta_service(serve, body):
    base = serve({ALARMS: (200, body)})
    with pytest.raises(UnreadableError, match=f"^{base} does not answer as an RTA service$"):
        await RestClient(base).alarms()
