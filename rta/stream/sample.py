"""The samples that the engine is fed with."""

from __future__ import annotations

from typing import NamedTuple

from rta.rsmp.message import Component, Value
from rta.wire.values import Ns

__all__ = ["Sample"]


class Sample(NamedTuple):
    """One value of one attribute, or of one component of it."""

    ts: Ns
    """Stream time."""
    attribute: str
    component: Component
    """PLAIN for an attribute without components."""
    value: Value
    """NaN and infinite count as null."""
