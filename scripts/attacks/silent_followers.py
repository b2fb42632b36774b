"""WebSocket connections to the honest client's session that say and take nothing; time ranges are owed to each."""

from scripts.attacks.stage import Attack
from scripts.attacks.stage.crowd import UPGRADE
from scripts.attacks.stage.visit import visit_with

__all__ = ["ATTACK"]

ATTACK = Attack(strike=visit_with(UPGRADE, 5), count=9900, counts="Connections.", seconds=20)
