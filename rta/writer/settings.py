"""What a writer keeps to."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, gt, in_

from rta.wire import TARGET

__all__ = ["OnFull", "WriterSettings"]

OnFull = Literal["wait", "raise", "drop"]


@frozen
class WriterSettings:
    """Bytes are before compression, times in seconds."""

    max_bytes: int = field(default=32 << 20, validator=ge(1))
    """How much may wait for the log, over all sessions. A single piece that is larger is taken when nothing waits."""
    on_full: OnFull = field(default="wait", validator=in_(("wait", "raise", "drop")))
    """At the bound: `wait` for room, `raise` `WriterFull`, or `drop` the oldest data that wait, and count them."""
    target: int = field(default=TARGET, validator=ge(1))
    """A burst is made once so much has been collected."""
    delay: float = field(default=0.1, validator=ge(0))
    """Or once its first sample has waited this long."""
    patience: float = field(default=5.0, validator=gt(0))
    """How long the end may take to write what waits."""
