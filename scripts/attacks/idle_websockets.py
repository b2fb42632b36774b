"""WebSocket connections to a session that sleeps, that say nothing and answer no ping, and leave all at once."""

from scripts.attacks.stage import Attack
from scripts.attacks.stage.crowd import UPGRADE_SLEEPING
from scripts.attacks.stage.visit import visit_with

__all__ = ["ATTACK"]

ATTACK = Attack(strike=visit_with(UPGRADE_SLEEPING, 5), count=9900, counts="Connections.", seconds=20)
