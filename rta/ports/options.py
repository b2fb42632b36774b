"""How an option is declared: default, unit and help in one place, for loading, `rta config docs` and the schema."""

from __future__ import annotations

from typing import Any, NewType

import attrs

__all__ = ["HELP", "Duration", "Size", "option"]

HELP = "rta.help"

Duration = NewType("Duration", float)
"""Seconds; written as people do: "30s", "1.5 min", "2h"."""

Size = NewType("Size", int)
"""Bytes; written as people do: "64KiB", "1MB"."""


def option(help: str, default: Any = attrs.NOTHING, *, factory: Any = None, validator: Any = None) -> Any:  # noqa: A002
    """One setting of an attrs options class; without a default it is required."""
    metadata = {HELP: " ".join(help.split())}
    if factory is not None:
        return attrs.field(factory=factory, validator=validator, metadata=metadata)
    return attrs.field(default=default, validator=validator, metadata=metadata)
