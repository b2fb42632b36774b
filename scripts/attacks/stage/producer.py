"""Add stamped bursts to the session of the honest client until there are enough; it says when it is ready.

python -m scripts.attacks.stage.producer GATE REDIS_PORT RATE
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from scripts.bench.gate import Gate, Slot
from scripts.bench.redis_server import STREAM, Conversation, burst_command
from scripts.bench.shapes import Maker

__all__: list[str] = []


def main() -> None:
    gate, conversation, rate = Gate(Path(sys.argv[1])), Conversation(int(sys.argv[2])), float(sys.argv[3])
    maker, parent = Maker("S"), os.getppid()
    print("READY", flush=True)
    start, sent = time.monotonic(), 0
    while not gate[Slot.ENOUGH] and os.getppid() == parent:
        time.sleep(max(0.0, start + sent / rate - time.monotonic()))
        conversation.send(burst_command(STREAM, 1, maker.burst(sent, time.time_ns()).packed))
        conversation.skim()
        sent += 1
        gate[Slot.SENT] = sent
    gate[Slot.READY] = 1


if __name__ == "__main__":
    main()
