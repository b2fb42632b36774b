"""The board: which alarms there are, which of them are active, and since when.

Plain code. Whether an alarm is active is decided by `rta.alarm.watch`, or by a plug-in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define, evolve, field

from rta.alarm.definition import AlarmDefinition, Rule, Silent, Skew, Threshold
from rta.alarm.monitor import AlarmChange
from rta.errors import RtaError
from rta.options.values import format_duration
from rta.rsmp.payload import iso
from rta.wire.values import Ns

__all__ = ["AlarmBoard", "rule_text"]


_HISTORY = 50
"""Changes that are kept of one alarm."""
_HISTORIES = 10_000
"""Changes that are kept of all: where there are very many alarms, each keeps fewer."""


@define(eq=False)
class _Alarm:
    code: str
    component: str
    description: str
    source: str
    rule: str
    change: AlarmChange | None = None
    """The last change; None: there was none since the process began, and the alarm is not active."""
    history: deque[AlarmChange] = field(factory=deque)
    """When it was raised and cleared, the newest last."""


class AlarmBoard:
    """All alarms of a node, by code and component."""

    def __init__(self) -> None:
        self._alarms: dict[str, dict[str, _Alarm]] = {}
        self._active: dict[str, dict[str, AlarmChange]] = {}
        self._size = 0

    def add(self, code: str, components: Iterable[str], description: str, source: dict[str, str], rule: str) -> None:
        """Add the alarms of a code, none of them active. `source`: by component.

        :raises RtaError: there are alarms of this code already.
        """
        if code in self._alarms:
            raise RtaError(f"there are two alarms {code!r}")
        self._alarms[code] = {c: _Alarm(code, c, description, source.get(c, ""), rule) for c in components}
        self._active[code] = {}
        self._size += len(self._alarms[code])

    def define(self, definition: AlarmDefinition) -> None:
        """Add the alarms of a configured definition."""
        sources = {str(component): text for component, text in definition.sources.items()}
        self.add(definition.code, definition.components, definition.description, sources, rule_text(definition.rule))

    @property
    def codes(self) -> list[str]:
        return list(self._alarms)

    def has(self, code: str, component: str | None = None) -> bool:
        """Whether there is such an alarm; without a component, whether there is any of the code."""
        return code in self._alarms and (component is None or component in self._alarms[code])

    def apply(self, change: AlarmChange) -> bool:
        """Apply a change. Whether it is news: an alarm that stays as it is, with the same values, is not. An alarm that
        stays active keeps the time of when it became so."""
        alarm, active = self._alarms[change.code][change.component], self._active[change.code]
        before = active.get(change.component)
        if not change.active and before is None:
            return False
        if change.active and before is not None:
            if before.values == change.values:
                return False
            change = evolve(change, ts=before.ts)
        alarm.change = change
        if change.active is (before is None):
            alarm.history.append(change)
            if len(alarm.history) > min(_HISTORY, max(_HISTORIES // self._size, 1)):
                alarm.history.popleft()
        if change.active:
            active[change.component] = change
        else:
            del active[change.component]
        return True

    def is_active(self, code: str, component: str) -> bool:
        """Whether an alarm is active."""
        return component in self._active[code]

    def active(self, code: str) -> list[AlarmChange]:
        """The active alarms of a code; those that are active longest come first."""
        return sorted(self._active[code].values(), key=lambda change: change.ts)

    def count(self) -> tuple[int, int]:
        """How many alarms there are, each component counted, and how many of them are active."""
        return self._size, sum(map(len, self._active.values()))

    def listed(self, active_only: bool = False, history: bool = False) -> list[dict[str, Any]]:
        """All alarms as users see them, sorted by code and component. `since` is when the alarm became active or
        inactive, ISO 8601; null where that has not changed since the process began. `history`: with what each has done
        since then, the newest last."""
        chosen = [alarm for alarm in self._all() if not active_only or _is_active(alarm)]
        if not history:
            return [_listed(alarm) for alarm in chosen]
        return [{**_listed(alarm), "history": [_told(change) for change in alarm.history]} for alarm in chosen]

    def _all(self) -> Iterator[_Alarm]:
        for code in sorted(self._alarms):
            yield from self._alarms[code].values()


def _is_active(alarm: _Alarm) -> bool:
    return alarm.change is not None and alarm.change.active


def _listed(alarm: _Alarm) -> dict[str, Any]:
    change = alarm.change
    return {
        "code": alarm.code,
        "component": alarm.component or None,
        "description": alarm.description,
        "active": _is_active(alarm),
        "since": None if change is None else iso(change.ts),
        "values": {} if change is None else change.values,
        "source": alarm.source,
        "rule": alarm.rule,
    }


def _told(change: AlarmChange) -> dict[str, Any]:
    return {"ts": iso(change.ts), "active": change.active, "values": change.values}


def rule_text(rule: Rule) -> str:
    """When an alarm is raised, as text for people: "above 110, back by 5, for 10s"."""
    match rule:
        case Threshold():
            limits = [f"{word} {limit:g}" for word in ("below", "above") if (limit := getattr(rule, word)) is not None]
            back, text = f"{rule.hysteresis:g}" if rule.hysteresis else "", " or ".join(limits)
        case Skew():
            back, text = _span(rule.hysteresis), f"clocks differ by more than {_span(rule.limit)}"
        case Silent():
            return f"no sample for {_span(rule.after)}"
    lasting, clear = _span(rule.lasting), _span(rule.clear_lasting)
    more = [("back by", back), ("for", lasting), ("over after", clear)]
    return ", ".join([text, *(f"{word} {value}" for word, value in more if value)])


def _span(span: Ns) -> str:
    return format_duration(span / 1e9) if span else ""
