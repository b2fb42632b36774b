"""What an attack says of itself, and what it is given."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from scripts.bench.mosquitto import Mosquitto
from scripts.bench.redis_server import RedisServer
from scripts.bench.service import Running

__all__ = ["Attack", "Sizes", "Stage"]


@frozen
class Sizes:
    """How large an attack is."""

    count: int
    """Of whatever the attack has many of."""
    seconds: float
    """How long it is kept up, at most."""
    quiet: float
    """Seconds without it, before and after."""
    rate: float
    """Bursts a second to the honest client."""


@define(eq=False)
class Stage:
    """What an attack is given."""

    folder: Path
    """For files of its own; removed at the end."""
    sizes: Sizes
    redis: RedisServer
    """The service's buffer. The honest client streams the session bench-1, which is in `stream:bench`; in bench-2, of
    the same stream, nothing comes."""
    broker: Mosquitto | None
    """Where the attack has asked for one."""
    stretches: list[tuple[str, int]] = field(factory=list)
    """Their names, and when they began, in ns since the Unix epoch."""
    said: list[str] = field(factory=list)
    service: Running = field(init=False)
    """It is up when the attack strikes."""

    def stretch(self, name: str) -> None:
        """From now on figures belong to another row of the table."""
        self.stretches.append((name, time.time_ns()))

    def say(self, text: str) -> None:
        """A line below the table: what the attack itself has seen."""
        self.said.append(text)


@frozen(kw_only=True)
class Attack:
    """One attack. The module's docstring says what it does."""

    strike: Callable[[Stage], None]
    """Attacks, names stretches of it with `Stage.stretch`, and returns when it is over."""
    count: int
    counts: str
    """What `count` counts, for the help."""
    seconds: float = 10.0
    prepare: Callable[[Stage], str] = lambda stage: ""
    """Called before the service starts, for files that it is to find; returns further lines of its configuration."""
    edge: dict[str, Any] = field(factory=dict)
    """Options of `[edge]`."""
    broker: bool = False
    """Whether a mosquitto is needed."""
    tls: bool = False
    """Whether the service speaks TLS, and so the honest client."""
