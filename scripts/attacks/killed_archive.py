"""Kill a service that records, or the process of its archive, again and again; then compare every sample over REST.

The service is one of the attack's own, on the Redis of the stage. It records 1000 channels of 100 Hz all the time.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import numpy.typing as npt

from rta.archive import read_series, values_of
from rta.wire import DataKind, decode_timestamped
from rta.wire.chunks import ChunkParser
from scripts.attacks.stage import Attack, Stage
from scripts.bench.processes import BenchError
from scripts.bench.redis_server import Conversation, burst_command, session_commands
from scripts.bench.service import Running, start
from scripts.bench.shapes import SHAPES, Maker

__all__ = ["ATTACK"]

_SESSION, _ID, _STREAM = "killed", 77, "killed"
_SHAPE = "D"
_BEGIN = 1_795_000_000 * 10**9
_STEP = 10**8  # ns from one burst to the next
_UP = 60.0  # seconds until a service must record
_COMPLETE = 120.0  # seconds until all must be there after the last kill
_READ = 1 << 20  # bytes

Samples = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]
"""Times and values."""


class _Writer(threading.Thread):
    """Adds bursts to the stream, in real time."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._redis = Conversation(port)
        self._over = threading.Event()
        self.written = 0

    def run(self) -> None:
        maker, began = Maker(_SHAPE), time.monotonic()
        self._redis.fill(session_commands(_SESSION, _ID, _STREAM))
        while not self._over.wait(max(0.0, began + self.written * _STEP / 1e9 - time.monotonic())):
            begin = _BEGIN + self.written * _STEP
            burst = maker.at(self.written, begin, begin + _STEP - 1)
            self._redis.ask(*burst_command(f"stream:{_STREAM}", _ID, burst.packed))
            self.written += 1

    def end(self) -> None:
        """Ending again does nothing."""
        self._over.set()
        self.join()
        self._redis.close()


class _Services:
    """One service after the other, with one archive."""

    def __init__(self, stage: Stage) -> None:
        self._folder = stage.folder / "killed"
        self._folder.mkdir()
        self._redis = stage.redis.url
        self._table = f'[archive]\npath = "{self._folder / "archive"}"\n'
        self.running = self._started()

    def _started(self) -> Running:
        running = start(self._folder, redis=self._redis, more=self._table)
        _await(lambda: _records(running), _UP, "recording service")
        return running

    def kill(self) -> None:
        os.kill(self.running.child.pid, signal.SIGKILL)
        self.stop()
        self.running = self._started()

    def kill_archive(self) -> None:
        before = self.running.metric("rta_archive_bursts_total")
        os.kill(self._archive(), signal.SIGKILL)
        _await(lambda: self.running.metric("rta_archive_bursts_total") > before, _UP, "recording after the kill")

    def _archive(self) -> int:
        for children in Path(f"/proc/{self.running.child.pid}/task").glob("*/children"):
            for pid in map(int, children.read_text().split()):
                if b"rta_transports.sqlite.process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        raise BenchError("the service has no process of an archive")

    def stop(self) -> None:
        self.running.child.stop(20)

    def start_again(self) -> None:
        """Nothing more comes."""
        self.stop()
        self.running = start(self._folder, redis=self._redis, more=self._table)
        _await(lambda: self.running.listens, _UP, "service")


def _records(service: Running) -> bool:
    try:
        return service.metric("rta_archive_bursts_total") > 0
    except (OSError, BenchError):
        return False


def _await(done: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise BenchError(f"no {what} within {seconds:g} s")
        time.sleep(0.05)


def _strike(stage: Stage) -> None:
    numbers = random.Random(stage.sizes.count)
    writer = _Writer(stage.redis.port)
    writer.start()
    services = _Services(stage)
    kills = [0, 0]
    try:
        until = time.monotonic() + stage.sizes.seconds
        while sum(kills) < stage.sizes.count and time.monotonic() < until:
            time.sleep(numbers.expovariate(2))
            if kills[0] > kills[1]:
                services.kill_archive()
                kills[1] += 1
            else:
                services.kill()
                kills[0] += 1
        stage.say(f"killed: the service {kills[0]} times, the process of the archive {kills[1]} times")
        writer.end()
        stage.say(f"live, over REST: {_compared(services, writer.written)}")
        services.start_again()
        stage.say(f"after a restart: {_compared(services, writer.written)}")
    finally:
        writer.end()
        services.stop()


def _compared(services: _Services, bursts: int) -> str:
    """Once all samples are there, or they have had the time to be."""
    until = time.monotonic() + _COMPLETE
    while True:
        found = _read(services.running.port)
        missing, doubled, others = _difference(found, bursts)
        if not (missing or doubled or others) or time.monotonic() > until:
            count = bursts * SHAPES[_SHAPE].channels * SHAPES[_SHAPE].samples
            return f"of {count} samples {missing} missing, {doubled} more than once, {others} that nobody wrote"
        time.sleep(2)


def _read(port: int) -> dict[int, Samples]:
    """All samples that REST gives, by channel."""
    parser = ChunkParser(DataKind.TIMESTAMPED)
    parts: dict[int, list[Samples]] = {}
    url = f"http://127.0.0.1:{port}/rta/v2/sessions/{_SESSION}/data/timestamped/-"
    with urlopen(url, timeout=60) as answer:
        while data := answer.read(_READ):
            for chunk in parser.feed(data):
                (channel,) = chunk.channels
                series = read_series(chunk.kind, channel, chunk.raw(), {})
                values = values_of(channel, series, {})
                assert values is not None
                parts.setdefault(channel, []).append((series.times, values))
    parser.end()
    return {
        channel: (np.concatenate([times for times, _ in some]), np.concatenate([values for _, values in some]))
        for channel, some in parts.items()
    }


def _difference(found: dict[int, Samples], bursts: int) -> tuple[int, int, int]:
    """Samples that are missing, that are there more than once, and that nobody wrote."""
    missing = doubled = others = 0
    nothing = np.empty(0, np.int64), np.empty(0)
    for channel, due in _written(bursts).items():
        (times, values), (due_times, due_values) = found.get(channel, nothing), due
        pairs = set(zip(times.tolist(), values.tolist(), strict=True))
        due_pairs = set(zip(due_times.tolist(), due_values.tolist(), strict=True))
        missing += len(due_pairs - pairs)
        others += len(pairs - due_pairs)
        doubled += len(times) - len(pairs)
    return missing, doubled, others + sum(len(times) for channel, (times, _) in found.items() if not channel)


def _written(bursts: int) -> dict[int, Samples]:
    """What the writer has written, by channel."""
    maker = Maker(_SHAPE)
    variants = min(16, bursts)
    parts: dict[int, list[Samples]] = {}
    for variant in range(variants):
        repeated = np.arange(variant, bursts, 16)
        for item in maker.at(variant, _BEGIN, _BEGIN).message().data:
            if item.WhichOneof("data") == "timestamped_data":
                times, values = decode_timestamped(item.timestamped_data)
                moments = (times[None, :] + repeated[:, None] * _STEP).ravel()
                part = moments, np.tile(values.astype(np.float64), len(repeated))
                parts.setdefault(item.timestamped_data.channel_id, []).append(part)
    return {
        channel: (np.concatenate([times for times, _ in some]), np.concatenate([values for _, values in some]))
        for channel, some in parts.items()
    }


ATTACK = Attack(strike=_strike, count=100, counts="Kills, half of them of the service.", seconds=1200.0)
