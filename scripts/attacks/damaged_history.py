"""Start services on histories that have been damaged: how soon each listens, records, and ends when it is told to."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from rta.history.file import HISTORY_FILE
from rta.history.store import HistoryStore
from rta.wire.values import Ns
from scripts.attacks.stage import Attack, Stage
from scripts.bench.processes import BenchError
from scripts.bench.service import Running, start

__all__ = ["ATTACK"]

_ENTRIES = 10_000
_ENDING = 20.0  # seconds; then it is killed
_SITE = """
[site]
node = "attacked"
state_dir = "state"
[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
loop = true
[[status]]
code = "car.engine"
attributes.rpm = { from = "parameter:rpm" }
[[status.stream]]
name = "live"
attributes = { rpm = "change" }
history = {}
"""


def _nothing(path: Path, numbers: random.Random) -> None:
    """To compare with."""


def _bits(path: Path, numbers: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(1000):
        data[numbers.randrange(len(data))] ^= 1 << numbers.randrange(8)
    path.write_bytes(data)


def _head(path: Path, numbers: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[18] ^= 1 << numbers.randrange(3, 8)
    path.write_bytes(data)


def _swapped_pages(path: Path, numbers: random.Random) -> None:
    data = path.read_bytes()
    page = HISTORY_FILE.page
    pages = [data[at : at + page] for at in range(0, len(data), page)]
    one, other = numbers.sample(range(1, len(pages)), 2)
    pages[one], pages[other] = pages[other], pages[one]
    path.write_bytes(b"".join(pages))


def _cut_off(path: Path, numbers: random.Random) -> None:
    os.truncate(path, numbers.randrange(path.stat().st_size))


def _noise(path: Path, numbers: random.Random) -> None:
    path.write_bytes(numbers.randbytes(path.stat().st_size))


def _pipe(path: Path, numbers: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path, numbers: random.Random) -> None:
    path.unlink()
    path.mkdir()


_DAMAGES: list[Callable[[Path, random.Random], None]] = [
    _nothing, _bits, _head, _swapped_pages, _cut_off, _noise, _pipe, _folder,
]  # fmt: skip


def _strike(stage: Stage) -> None:
    whole = stage.folder / "whole.sqlite"
    store = HistoryStore(whole)
    for first in range(1, _ENTRIES + 1, 100):
        store.commit([(("car.engine", "live"), pos, Ns(pos), pos, b"\xa0") for pos in range(first, first + 100)])
    store.close()
    numbers = random.Random(1)
    for number in range(stage.sizes.count):
        damage = _DAMAGES[number % len(_DAMAGES)]
        folder = stage.folder / f"damaged-{number}"
        (folder / "state").mkdir(parents=True)
        (folder / "drive.csv").write_text("time,rpm\n" + "".join(f"{i / 10},{i}\n" for i in range(600)))
        path = folder / "state" / "history.sqlite"
        path.write_bytes(whole.read_bytes())
        damage(path, numbers)
        stage.say(f"{damage.__name__[1:].replace('_', ' '):14} {_life(folder, stage.sizes.seconds)}")


def _life(folder: Path, seconds: float) -> str:
    """From its start to its end."""
    began = time.monotonic()
    service = start(folder, memory=True, more=_SITE)
    try:
        listens = _until(lambda: service.listens, began, seconds)
        records = _until(lambda: _recorded(service), began, seconds)
        ending = time.monotonic()
        os.kill(service.child.pid, signal.SIGTERM)
        ends = _until(lambda: not service.child.running, ending, _ENDING)
    finally:
        service.child.stop()
    return f"listens after {listens}, records after {records}, ends {ends} after SIGTERM"


def _until(done: Callable[[], bool], began: float, seconds: float) -> str:
    while not done():
        if time.monotonic() > began + seconds:
            return f"more than {seconds:g} s"
        time.sleep(0.02)
    return f"{time.monotonic() - began:.1f} s"


def _recorded(service: Running) -> bool:
    try:
        return service.metric("rta_history_entries_total") > 0
    except (OSError, BenchError):
        return False


ATTACK = Attack(strike=_strike, count=16, counts="Services, one after the other.", seconds=30)
