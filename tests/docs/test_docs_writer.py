"""The examples of docs/writer.md do what they say."""

import re
from pathlib import Path

import pytest
import redis
from real_servers import RedisServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "writer.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_writes_a_session_that_ends_closed(example: str, redis_server: RedisServer) -> None:
    address = "redis://127.0.0.1:6379"
    assert address in example
    exec(compile(example.replace(address, redis_server.url), PAGE.name, "exec"), {})
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        [key] = client.scan_iter("sessions:*")
        session = client.hgetall(key)
        assert client.smembers("streams") == {"car1"}
    assert '"state":"closed"' in session["json"]
    assert session["tStart"] <= session["tEnd"]
