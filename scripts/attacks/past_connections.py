"""Connections that come, ask for one thing and go, in waves: what memory they leave behind."""

from scripts.attacks.stage import Attack, Stage
from scripts.attacks.stage.crowd import Crowd

__all__ = ["ATTACK"]

_WAVE = 5000


def _strike(stage: Stage) -> None:
    left = stage.sizes.count
    for wave in range(1, 1000):
        if left <= 0:
            break
        stage.stretch(f"wave {wave}")
        crowd = Crowd(stage.service.port)
        crowd.join(min(left, _WAVE), b"GET /rta/v2/sessions HTTP/1.1\r\nHost: localhost\r\n\r\n")
        crowd.listen(stage.sizes.seconds)
        crowd.leave()
        left -= _WAVE


ATTACK = Attack(strike=_strike, count=50_000, counts="Connections, 5000 at a time.", seconds=2)
