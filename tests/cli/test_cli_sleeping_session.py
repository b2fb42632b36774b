"""A session on Redis of which nothing has come for hours: it is there, its end is sent, and what is not is said."""

from __future__ import annotations

import json
import time

import pytest
import redis
from program import Program

from rta.cli.tail_screen import NOTHING_SENT
from rta.testing.bursts import json_burst, session_json
from rta.wire import ChannelId, TimeRange, data_item, encode_timestamped, make_burst, range_item

pytestmark = pytest.mark.processes

HOUR = 3_600_000
SITE = """
edge.port = 0
fanout.linger = "100ms"

[buffer]
transport = "redis"
url = "{url}"
"""


@pytest.fixture
def began(redis_server) -> int:
    """A session of two hours with data every minute, which ended three hours ago: when it began, ms."""
    began = time.time_ns() // 1_000_000 - 5 * HOUR
    with redis.Redis(port=redis_server.port) as server:
        ended = began + 2 * HOUR
        last = session_json("night", "closed", configBindings=[])
        for ms in range(began, ended + 1, 60_000):
            ns = ms * 1_000_000
            items = [data_item(encode_timestamped(ChannelId(1), [ns], [1.0])), range_item(TimeRange(began * 10**6, ns))]
            server.xadd("stream:car", {"id": 7, "data": make_burst(items).packed}, id=f"{ms}-0")
        server.xadd("stream:car", {"id": 7, "data": json_burst(last).packed}, id=f"{ended + HOUR}-0")
        for ms in range(ended, ended + 2 * HOUR, 10_000):
            server.xadd("stream:car", {"id": 8, "data": json_burst().packed}, id=f"{max(ms, ended + HOUR + 1)}-*")
        server.sadd("streams", "car")
        server.hset(
            "sessions:night",
            mapping={
                "streamSessionId": 7,
                "streamName": "car",
                "streamPosition": "0-0",
                "lastUpdated": ended + HOUR,
                "json": last,
                "tStart": began * 10**6,
                "tEnd": ended * 10**6,
            },
        )
    return began


@pytest.fixture
def service(start, site, redis_server, began) -> Program:
    return start("run", "--config", site(SITE.format(url=redis_server.url)))


def test_tail_gets_its_end_and_says_that_there_is_more(command, service, began):
    tail = command("tail", "night", "--json", "--url", service.url)
    times = [line["t"] // 10**6 for text in tail.out.splitlines() if "t" in (line := json.loads(text))]
    first = (began + 110 * 60_000) // 1000 * 1000
    assert times == [ms for ms in range(began, began + 2 * HOUR + 1, 60_000) if ms >= first]
    closed, more, *rest = tail.err.splitlines()
    assert (tail.status, closed, rest) == (0, "the session is closed", [])
    assert more.startswith("sent from ")
    assert "Z on; the session began " in more
    assert (
        command("sessions", "--url", service.url)
        .out.splitlines()[1]
        .endswith(f"2:00:00 from {more.split()[-2]} {more.split()[-1]}")
    )
    table = command("tail", "night", "--url", service.url).out
    assert more in table


def test_tail_of_a_session_whose_data_are_gone_says_so(command, service, redis_server):
    with redis.Redis(port=redis_server.port) as server:
        server.xtrim("stream:car", maxlen=1, approximate=False)
    for form in ([], ["--json"]):
        tail = command("tail", "night", *form, "--url", service.url)
        assert (tail.status, NOTHING_SENT in tail.out + tail.err) == (0, True)
