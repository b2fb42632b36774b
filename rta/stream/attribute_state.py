"""The newest value of an attribute, or of one component of it, and the streams that depend on it."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from rta.formatting import replace_surrogates
from rta.rsmp.message import Component, Value
from rta.stream.definition import AttributeDefinition
from rta.stream.timer_heap import Timer, TimerHeap
from rta.wire.values import Ns

if TYPE_CHECKING:
    from rta.stream.updates import Updates
    from rta.stream.windows import Windows

__all__ = ["NEVER", "AttributeState", "differ", "known", "rounded"]

NEVER = Ns(-(1 << 63))
"""Before any sample."""

_EXPIRY = 1  # after events of the millisecond before, before updates of the same moment


class AttributeState:
    """Shared by all streams of a status. Null until there is a sample, and again when the newest is too old."""

    __slots__ = (
        "_expiry",
        "_timers",
        "attribute",
        "collectors",
        "component",
        "digits",
        "max_age",
        "moment",
        "ts",
        "value",
        "watchers",
    )

    def __init__(self, definition: AttributeDefinition, component: Component, timers: TimerHeap) -> None:
        self.attribute = definition.name
        self.component = component
        self.digits = definition.round
        self.max_age = definition.max_age
        self.ts = NEVER
        """The time of the newest sample."""
        self.moment = NEVER
        """Since when the value is what it is: the time of the newest sample, or when that became too old."""
        self.value: Value = None
        """Rounded."""
        self.watchers: dict[Updates, None] = {}
        """Called when the value changes."""
        self.collectors: dict[Windows, None] = {}
        """Given every sample."""
        self._timers = timers
        self._expiry = Timer(self._expire, _EXPIRY)

    def feed(self, ts: Ns, value: Value, reached: Ns) -> bool:
        """A sample that is not older than the newest; `value` as `known` gives it. `reached`: stream time until now.
        Whether it counts: it does not if it came when it was too old already."""
        self.ts = ts
        if self.max_age is not None and ts + self.max_age <= reached:
            return False
        self.moment = ts
        if self.digits is not None:
            value = rounded(value, self.digits)
        if self.max_age is not None and value is not None and self._expiry.entry is None:
            self._timers.set(self._expiry, Ns(ts + self.max_age))
        if differ(value, self.value):
            self.value = value
            for watcher in self.watchers:
                watcher.changed(self, ts)
        return True

    def forget(self) -> None:
        """Be as before the first sample. Watchers are not called."""
        self.ts = self.moment = NEVER
        self.value = None
        self._timers.cancel(self._expiry)

    def _expire(self, at: Ns) -> None:
        if self.value is None or self.max_age is None:
            return
        if self.ts + self.max_age > at:  # it is cheaper to check now than to set the timer at each sample
            self._timers.set(self._expiry, Ns(self.ts + self.max_age))
            return
        self.moment = at
        self.value = None
        for watcher in self.watchers:
            watcher.changed(self, at)


def known(value: Value) -> Value:
    """The value as it can be sent: None if it is not finite. Integers of more than 64 bits become floats. Halves of
    characters in text, which JSON allows, become question marks."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        try:
            return float(value)
        except OverflowError:
            return None
    return value


def rounded(value: Value, digits: int) -> Value:
    """A number rounded to so many digits behind the point, without a sign before zero; other values as they are."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value
    return round(value, digits) + 0.0 if digits > 0 and isinstance(value, float) else int(round(value, digits))


def differ(one: Value, other: Value) -> bool:
    """Whether a consumer would call it a change: 1 and 1.0 are equal, 1 and true are not."""
    return one != other or isinstance(one, bool) is not isinstance(other, bool)
