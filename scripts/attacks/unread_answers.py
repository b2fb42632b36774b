"""Requests for the metrics, many sent ahead on each connection, whose answers are never read."""

from scripts.attacks.stage import Attack, Stage
from scripts.attacks.stage.crowd import Crowd

__all__ = ["ATTACK"]

_AHEAD = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000


def _strike(stage: Stage) -> None:
    crowd = Crowd(stage.service.port, reads=False)
    stage.stretch("coming")
    crowd.join(stage.sizes.count, _AHEAD)
    stage.stretch("held")
    crowd.listen(stage.sizes.seconds)
    stage.say(f"{len(crowd)} were open at the end, {crowd.ended} had been ended by the service")
    crowd.leave()


ATTACK = Attack(strike=_strike, count=500, counts="Connections.", seconds=30, edge={"stall_timeout": 10.0})
