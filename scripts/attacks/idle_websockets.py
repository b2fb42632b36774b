"""WebSocket connections to a session that sleeps, that say nothing and answer no ping, and leave all at once."""

import time

from scripts.attacks.stage import Attack, Stage
from scripts.attacks.stage.crowd import UPGRADE_SLEEPING, Crowd

__all__ = ["ATTACK"]


def _strike(stage: Stage) -> None:
    crowd = Crowd(stage.service.port)
    stage.stretch("coming")
    crowd.join(stage.sizes.count, UPGRADE_SLEEPING)
    crowd.listen(5)
    stage.stretch("held")
    crowd.listen(stage.sizes.seconds)
    stage.say(f"{len(crowd)} were open at the end, {crowd.ended} had been ended by the service")
    stage.stretch("leaving")
    crowd.leave()
    time.sleep(2)


ATTACK = Attack(strike=_strike, count=9900, counts="Connections.", seconds=20)
