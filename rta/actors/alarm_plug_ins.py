"""Alarms of plug-ins: each watches in a task of its own, and what it says is checked before it counts.

A plug-in that fails is logged, counted, and started again after a while; nothing else is disturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cbor2
import structlog
import trio

from rta.actors.alarm_messages import AlarmMessage, PlugInSays
from rta.alarm.monitor import AlarmChange
from rta.backoff import Backoff
from rta.errors import MalformedError, RtaError
from rta.formatting import replace_surrogates, shown
from rta.inbox import Inbox
from rta.node.node_stream import Now
from rta.ports import Reporter
from rta.ports.alarm import Alarm
from rta.rsmp.names import COMPONENT, read_code
from rta.rsmp.payload import encode, read_map
from rta.wire.values import Ns

__all__ = ["PlugInBoard", "watch_plug_in"]

log = structlog.get_logger("rta.alarms")

_AT_ONCE = 1000  # changes on their way to the alarms
_VALUES = 2048  # bytes of CBOR
_LATEST = 253_402_300_800_000_000_000  # ns; the year 10000
_CALM = 60.0  # seconds of work after which a fault is a first one again


class PlugInBoard:
    """What one plug-in is given; see `rta.ports.alarm.Board`."""

    def __init__(self, alarm: Alarm, inbox: Inbox[AlarmMessage], clock: Callable[[], Now]) -> None:
        self._code = alarm.code
        self._components = tuple(alarm.components) or ("",)
        self._inbox = inbox
        self._clock = clock

    @staticmethod
    def components_of(name: str, alarm: Alarm) -> tuple[str, ...]:
        """Those of an alarm that a plug-in offers; `("",)` where it has none.

        :raises RtaError: its code or a component cannot be called so.
        """
        try:
            if read_code(alarm.code) != alarm.code:
                raise ValueError(f"expected a code with a dot, got {shown(alarm.code)}")
            for component in alarm.components:
                COMPONENT(None, None, component)  # type: ignore[arg-type]
        except (ValueError, TypeError) as e:
            raise RtaError(f"alarm {name!r}: {e}") from None
        if len(set(alarm.components)) < len(alarm.components):
            raise RtaError(f"alarm {name!r}: one of its components is there twice")
        return tuple(alarm.components) or ("",)

    def set(
        self, active: bool, values: Mapping[str, Any] | None = None, component: str = "", ts: int | None = None
    ) -> None:
        if not isinstance(active, bool):
            raise RtaError(f"active: expected true or false, got {shown(active)}")
        if component not in self._components:
            raise RtaError(f"component: alarm {self._code} has no component {shown(component)}")
        if ts is not None and (isinstance(ts, bool) or not isinstance(ts, int) or not 0 <= ts < _LATEST):
            raise RtaError(f"ts: expected ns since the Unix epoch, got {shown(ts)}")
        if self._inbox.posted >= _AT_ONCE:
            raise RtaError(f"there are {_AT_ONCE} changes that nobody has seen yet; await something between them")
        moment = self._clock().wall if ts is None else Ns(ts)
        self._inbox.post(PlugInSays(AlarmChange(self._code, component, moment, active, _plain(values or {}))))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in the types of JSON."""
    if not isinstance(values, Mapping):
        raise RtaError(f"values: expected a map, got {shown(values)}")
    try:
        payload = encode(values)
        if len(payload) > _VALUES:
            raise RtaError(f"values: expected at most {_VALUES} bytes, got {len(payload)}")
        return {replace_surrogates(key): value for key, value in read_map(payload).items()}
    except MalformedError as e:
        raise RtaError(f"values: {e}") from None
    except (cbor2.CBORError, ValueError, TypeError, ArithmeticError, RecursionError) as e:
        raise RtaError(f"values: expected what JSON has: {e}") from None


async def watch_plug_in(
    name: str, alarm: Alarm, inbox: Inbox[AlarmMessage], clock: Callable[[], Now], report: Reporter
) -> None:
    """Until it returns, or this is cancelled."""
    backoff = Backoff(first=1.0, cap=60.0)
    while True:
        began = trio.current_time()
        try:
            await alarm.run(PlugInBoard(alarm, inbox, clock))
        except Exception:  # somebody else's fault must not end the node
            log.exception("the plug-in of an alarm has failed, starting it again", alarm=alarm.code, plug_in=name)
            report.count("rta_alarm_faults_total", code=alarm.code)
        else:
            log.info("the plug-in of an alarm has ended; the alarm stays as it is", alarm=alarm.code, plug_in=name)
            return
        if trio.current_time() - began > _CALM:
            backoff.reset()
        await backoff.pause()
