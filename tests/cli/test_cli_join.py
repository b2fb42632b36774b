"""`rta tail --from start`, sample by sample, while the service and its buffer are killed and come back."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import pytest
import trio
from conftest import Start
from program import PATIENCE, Program, wait_until
from real_servers import RedisServer, held_port
from rta_transports.redis.log import open_log
from rta_transports.redis.options import RedisLogOptions

from rta.consumer.counts import Counts
from rta.ports import BurstLog, Context, SessionRecord
from rta.testing.archive_samples import samples_of
from rta.testing.bursts import json_burst, session_json
from rta.wire import ChannelId, ChunkParser, DataKind, data_item, encode_timestamped, make_burst

pytestmark = pytest.mark.processes

SITE = """\
[site]
state_dir = "{state}"

[edge]
host = "127.0.0.1"
port = {port}

[fanout]
linger = "300ms"

[archive]
transport = "sqlite"

[buffer]
"""

ON_MEMORY = """\
transport = "memory"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"
"""

ON_REDIS = """\
transport = "redis"
url = "{redis}"
"""

ROWS = 500
BEGAN = 1_800_000_000 * 10**9
Sample = tuple[str, int, float]


@pytest.fixture
def port() -> Iterator[int]:
    """Of a service that comes and goes."""
    with held_port() as port:
        yield port


def tail(port: int, session: str) -> tuple[str, ...]:
    return ("tail", "--url", f"http://127.0.0.1:{port}", "--json", "--from", "start", session)


def samples(program: Program) -> Counter[Sample]:
    return Counter((line["parameter"], line["t"], line["value"]) for line in program.lines if "parameter" in line)


def recorded(service: Program) -> Counter[tuple[int, float]]:
    """Time and value of each sample that it gives of the session; none when an answer breaks off."""
    try:
        with urlopen(f"{service.url}/rta/v2/sessions/drive-1/data/timestamped/-", timeout=PATIENCE) as answer:
            chunks = list(ChunkParser(DataKind.TIMESTAMPED).feed(answer.read()))
    except (OSError, HTTPException):
        return Counter()
    return Counter((sample.time, sample.number) for sample in samples_of(chunks))


def kill(program: Program) -> None:
    program.signal(signal.SIGKILL)
    program.ends()


def test_every_sample_comes_once_though_the_service_is_killed(start: Start, tmp_path: Path, port: int) -> None:
    rows = [f"{i * 0.02:.2f},{100 + i / 8},{i % 6}" for i in range(ROWS)]
    (tmp_path / "drive.csv").write_text("\n".join(["Time (s),Speed (km/h),Gear", *rows, ""]))
    site = tmp_path / "site.toml"
    site.write_text((SITE + ON_MEMORY).format(state=tmp_path / "state", port=port))
    service = start("run", "--config", site)
    service.logged("session opened")
    following = start(*tail(port, "drive-1"))
    seen, kept = 0, Counter[tuple[int, float]]()
    for _ in range(2):
        following.until(lambda: len(samples(following)) > seen + 100, "samples of a run")  # noqa: B023
        wait_until(lambda: len(recorded(service)) >= len(kept) + 50, "some of a run to be recorded")  # noqa: B023
        kept = recorded(service)
        kill(service)
        seen = len(samples(following))
        service = start("run", "--config", site)
    assert following.ends() == 0, following.err
    reading = start(*tail(port, "drive-1"))
    assert reading.ends() == 0, reading.err
    came, read = samples(following), samples(reading)
    assert max(came.values()) == max(read.values()) == 1
    assert not read - came
    # What came in the last moment before a kill may not have been recorded; what the archive once gave stays.
    assert not kept - Counter((t, value) for _, t, value in read.elements())
    assert len(read) > 2 * ROWS


class Drive:
    """A session in a Redis, written into by somebody who is no service of ours."""

    def __init__(self, redis: RedisServer) -> None:
        self._redis = redis
        self.written = 0
        self._session: SessionRecord = trio.run(self._begin)

    def write(self, number: int, state: str = "open") -> None:
        """So many samples, a burst for each, then the session JSON."""
        trio.run(self._write, number, state)

    async def _begin(self) -> SessionRecord:
        async with self._open_log() as log:
            session = await log.open_session("drive-1", "car")
            await log.append(session, json_burst(session_json("drive-1")))
            return session

    async def _write(self, number: int, state: str) -> None:
        async with self._open_log() as log:
            for i in range(self.written, self.written + number):
                sample = encode_timestamped(ChannelId(1), [BEGAN + i * 10**7], [float(i)])
                await log.append(self._session, make_burst([data_item(sample)]))
            await log.append(self._session, json_burst(session_json("drive-1", state)))
        self.written += number

    def _open_log(self) -> AbstractAsyncContextManager[BurstLog]:
        return open_log(RedisLogOptions(url=self._redis.url), Context("tests", Path(), time.time_ns, Counts()))


@pytest.fixture
def lasting_redis() -> Iterator[RedisServer]:
    """One that a test may kill: it has all that it has acknowledged when it comes back."""
    with RedisServer("--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


def test_every_sample_comes_once_though_service_and_redis_are_killed_and_the_stream_is_trimmed(
    start: Start, tmp_path: Path, port: int, lasting_redis: RedisServer
) -> None:
    site, aside = tmp_path / "site.toml", tmp_path / "aside.toml"
    text = SITE + ON_REDIS
    site.write_text(text.format(state=tmp_path / "state", port=port, redis=lasting_redis.url))
    aside.write_text(text.format(state=tmp_path / "state", port=0, redis=lasting_redis.url))
    drive = Drive(lasting_redis)
    drive.write(100)
    service = start("run", "--config", site)
    service.logged("ready")
    following = start(*tail(port, "drive-1"))
    following.until(lambda: len(samples(following)) == 100, "what was there")

    # Written while there is no service; Redis goes too, and comes back with it.
    kill(service)
    drive.write(100)
    lasting_redis.kill()
    lasting_redis.start()
    service = start("run", "--config", site)
    drive.write(100)
    following.until(lambda: len(samples(following)) == 300, "what was written meanwhile")
    kill(service)

    # Recorded by a service that the client does not know of, and no longer in the buffer when the client comes back.
    elsewhere = start("run", "--config", aside)
    drive.write(200)
    wait_until(lambda: recorded(elsewhere).total() == drive.written, "all to be recorded")
    kill(elsewhere)
    lasting_redis.ask("XTRIM", "stream:car", "MAXLEN", "1")
    assert lasting_redis.ask("XLEN", "stream:car") == b":1\r\n"
    service = start("run", "--config", site)
    drive.write(100, "closed")

    assert following.ends() == 0, following.err
    reading = start(*tail(port, "drive-1"))
    assert reading.ends() == 0, reading.err
    written = Counter(("channel 1", BEGAN + i * 10**7, float(i)) for i in range(drive.written))
    assert samples(following) == written
    assert samples(reading) == written
