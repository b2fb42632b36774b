"""Events as columns of a table. Plain code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen

from rta.export.columns import ExportColumn
from rta.export.table import Series
from rta.wire.burst import Event
from rta.wire.configuration import Configuration, Conversion, EventDefinition, Parameter
from rta.wire.conversion import convert

__all__ = ["EVENT_COLUMNS", "EventTexts", "ToldEvent", "event_columns"]

EVENT_COLUMNS = tuple(
    ExportColumn(name, is_text=True) for name in ("application", "code", "description", "priority", "text", "values")
)
"""What an event has besides its time."""

_ANY = Parameter(id="")


@frozen(slots=True)
class ToldEvent:
    """An event in the words of the configuration."""

    timestamp: int
    """ns since the Unix epoch."""
    application: str
    code: str
    description: str
    priority: str
    """debug, low, medium or high; empty: the configuration does not say."""
    text: str
    values: str
    """Its values, converted, with `; ` between them."""


class EventTexts:
    """Knows what the configurations of a session say of events."""

    def __init__(self) -> None:
        self._definitions: dict[tuple[str, int], tuple[EventDefinition, list[Conversion | None]]] = {}

    def add(self, configuration: Configuration) -> None:
        """Add a configuration that the session is bound to."""
        for name, application in configuration.applications.items():
            conversions = {c.name: c for c in application.conversions}
            for event in application.events:
                self._definitions[name, event.id] = event, [conversions.get(c) for c in event.convs]

    def tell(self, event: Event) -> ToldEvent:
        """An event in words."""
        key = event.app_name, event.event_definition_id
        definition, conversions = self._definitions.get(key) or (EventDefinition(event.event_definition_id), [])
        raw = list(event.raw_data)
        known = [*conversions, *[None] * len(raw)]
        values = [_converted(value, conversion) for value, conversion in zip(raw, known, strict=False)]
        return ToldEvent(
            event.timestamp,
            event.app_name,
            definition.code or f"{event.event_definition_id:04X}",
            definition.desc,
            definition.pri,
            event.status_text,
            "; ".join(values),
        )


def _converted(value: float, conversion: Conversion | None) -> str:
    (converted,) = convert(np.array([value]), _ANY, conversion).tolist()
    return converted if isinstance(converted, str) else repr(converted).removesuffix(".0")


def event_columns(events: Sequence[ToldEvent]) -> list[Series | None]:
    """The cells of `EVENT_COLUMNS`; empty ones are left out. The events are in the order of their times."""
    columns: list[Series | None] = []
    times = np.array([e.timestamp for e in events], np.int64)
    for column in EVENT_COLUMNS:
        texts: Any = np.array([getattr(e, column.name) for e in events], dtype=object)
        columns.append((times, texts) if len(events) else None)
    return columns
