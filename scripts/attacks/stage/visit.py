"""A crowd that comes, stays without a word, and leaves all at once."""

from __future__ import annotations

import time
from collections.abc import Callable

from scripts.attacks.stage.attack import Stage
from scripts.attacks.stage.crowd import Crowd

__all__ = ["visit_with"]


def visit_with(request: bytes, settle: float) -> Callable[[Stage], None]:
    """The strike of connections that each send a request first. `settle`: s before they count as held."""

    def strike(stage: Stage) -> None:
        crowd = Crowd(stage.service.port)
        stage.stretch("coming")
        crowd.join(stage.sizes.count, request)
        crowd.listen(settle)
        stage.stretch("held")
        crowd.listen(stage.sizes.seconds)
        stage.say(f"{len(crowd)} were open at the end, {crowd.ended} had been ended by the service")
        stage.stretch("leaving")
        crowd.leave()
        time.sleep(2)

    return strike
