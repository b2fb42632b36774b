"""More connections than the service takes, and new ones without end: whether a probe still gets its answer."""

import time

from scripts.attacks.stage import Attack, Stage
from scripts.attacks.stage.crowd import Crowd

__all__ = ["ATTACK"]

_NEW = 50  # connections at a time


def _strike(stage: Stage) -> None:
    crowd, until = Crowd(stage.service.port), time.monotonic() + stage.sizes.seconds
    crowd.join(stage.sizes.count, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    stage.stretch("full")
    while time.monotonic() < until:
        crowd.join(_NEW)
        crowd.listen(0.1)
    stage.say(f"{len(crowd)} were open at the end, {crowd.ended} had been ended by the service")
    crowd.leave()


ATTACK = Attack(strike=_strike, count=1000, counts="Connections at first.", seconds=20, edge={"max_connections": 1000})
