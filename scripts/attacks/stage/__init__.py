"""Where attacks take place: a service of this checkout, its servers, an honest client, and what is measured."""

from scripts.attacks.stage.attack import Attack, Sizes, Stage
from scripts.attacks.stage.run import run

__all__ = ["Attack", "Sizes", "Stage", "run"]
