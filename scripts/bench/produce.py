"""Add bursts to the stream at a given rate, each stamped with the time just before it is sent.

    python -m scripts.bench.produce GATE REDIS_PORT SHAPE BURSTS SESSIONS RATE

The rate is over all sessions, which take turns. The samples of a burst are those since the one before. It waits for the
gate.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from scripts.bench.gate import Gate, Slot
from scripts.bench.redis_server import STREAM, Conversation, burst_command
from scripts.bench.shapes import Maker

__all__: list[str] = []

_PATIENCE = 60.0  # seconds


def main() -> None:
    path, redis_port, shape, *numbers = sys.argv[1:]
    bursts, sessions, rate = int(numbers[0]), int(numbers[1]), float(numbers[2])
    gate, maker, conversation = Gate(Path(path)), Maker(shape), Conversation(int(redis_port))
    print("READY", flush=True)
    until = time.monotonic() + _PATIENCE
    while not gate[Slot.GO] and time.monotonic() < until:
        time.sleep(0.001)
    gate[Slot.BEGUN] = time.time_ns()
    start = time.monotonic()
    for i in range(bursts):
        time.sleep(max(0.0, start + i / rate - time.monotonic()))
        now = time.time_ns()
        packed = maker.at(i, now - round(sessions / rate * 1e9), now).packed
        conversation.send(burst_command(STREAM, i % sessions + 1, packed))
        conversation.skim()
        gate[Slot.SENT] = i + 1


if __name__ == "__main__":
    main()
