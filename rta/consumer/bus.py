"""Opening a topic bus in a program that is not a site."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rta.consumer.counts import Counts
from rta.errors import RtaError
from rta.ports import Context, Reporter, TopicBus, load_transport

__all__ = ["open_bus"]


@asynccontextmanager
async def open_bus(
    transport: str = "mqtt",
    options: object = None,
    *,
    folder: Path | None = None,
    clock: Callable[[], int] = time.time_ns,
    report: Reporter | None = None,
    **settings: Any,
) -> AsyncIterator[TopicBus]:
    """A topic bus that is not connected yet: `open_bus(host="broker", username="tmc", tls=True)`.

    `settings` are those of the `[topics]` table of a site; or `options` is a finished options object. Relative paths in
    them are relative to `folder` (default: the working directory).

    :raises RtaError: there is no such transport, it has no topics, or one of the settings is wrong.
    """
    offer = load_transport(transport).topics
    if offer is None:
        raise RtaError(f"transport {transport!r} has no topics")
    try:
        chosen = offer.options(**settings) if options is None else options
    except (TypeError, ValueError) as e:
        raise RtaError(f"transport {transport!r}: {e}") from None
    context = Context("consumer", folder or Path.cwd(), clock, report or Counts())
    faults = offer.check(chosen, context)
    if faults:
        raise RtaError("; ".join(faults))
    async with offer.open(chosen, context) as bus:
        yield bus
