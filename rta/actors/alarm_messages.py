"""What the alarms receive."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from rta.alarm.monitor import AlarmChange
from rta.inbox import Reply
from rta.stream.clock import ClockChanged, Sampled

__all__ = ["AlarmMessage", "AlarmSamples", "EndAlarms", "ListAlarms", "PictureDue", "PlugInSays"]


@frozen(eq=False)
class AlarmSamples:
    """Samples and clocks of alarms, from the node."""

    items: tuple[Sampled | ClockChanged, ...]


@frozen(eq=False)
class PlugInSays:
    """What a plug-in has set."""

    change: AlarmChange


@frozen
class PictureDue:
    """There is a connection, and the streams have said what they have to: all full updates are due."""

    connection: int


@frozen(eq=False)
class ListAlarms:
    """All alarms as they are listed."""

    active_only: bool
    history: bool
    reply: Reply[list[dict[str, Any]]]


@frozen(eq=False)
class EndAlarms:
    """Say what has changed, and nothing more."""

    reply: Reply[None]


AlarmMessage = AlarmSamples | PlugInSays | PictureDue | ListAlarms | EndAlarms
