"""TLS handshakes that are begun and left: whole greetings, garbage, and halves of greetings that are held open."""

from __future__ import annotations

import random
import ssl
import time
from collections import deque

from scripts.attacks.stage import Attack, Stage
from scripts.attacks.stage.crowd import Crowd

__all__ = ["ATTACK"]

_EVERY = 0.05  # seconds between two groups
_HELD = 1.0  # seconds that a greeting waits for its answer, which takes the service most of a handshake
_SLOW = 6000  # halves that are held at most


def _greeting() -> bytes:
    """What a client says first. The same bytes do for everybody."""
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def _flood(stage: Stage, first: bytes, *, held: float) -> None:
    """So many a second, each of which sends this and waits for so long."""
    crowds: deque[tuple[float, Crowd]] = deque()
    began = time.monotonic()
    until, begun = began + stage.sizes.seconds / 3, 0
    while (now := time.monotonic()) < until:
        due = int((now - began) * stage.sizes.count) - begun
        if due > 0 and sum(len(crowd) for _, crowd in crowds) < _SLOW:
            crowd = Crowd(stage.service.port)
            crowd.join(due, first)
            crowds.append((now + held, crowd))
        begun += max(0, due)
        for _, crowd in crowds:
            crowd.listen(0)
        while crowds and crowds[0][0] <= now:
            crowds.popleft()[1].leave()
        time.sleep(_EVERY)
    for _, crowd in crowds:
        crowd.leave()
    stage.say(f"{begun} were begun in {time.monotonic() - began:.1f} s")


def _strike(stage: Stage) -> None:
    greeting, before = _greeting(), stage.service.child.cpu()
    stage.stretch("greetings")
    _flood(stage, greeting, held=_HELD)
    stage.say(f"greetings took {stage.service.child.cpu() - before:.1f} s of CPU")
    stage.stretch("garbage")
    _flood(stage, b"\x16\x03\x01\x00\xff" + random.Random(1).randbytes(255), held=_HELD)
    stage.stretch("halves")
    _flood(stage, greeting[: len(greeting) // 2], held=stage.sizes.seconds)


ATTACK = Attack(strike=_strike, count=500, counts="Handshakes a second.", seconds=30, tls=True)
