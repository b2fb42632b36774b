"""Opening a writer, and its end: whatever happens to whoever writes, what waits is still written.

The log and the writer's tasks run in the background: a cancellation of the caller ends its sessions as truncated, and
gives them `patience` seconds to get to the log.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

import structlog
import trio

from rta.background import started_in_background
from rta.errors import RtaError
from rta.ports import BurstLog, Context, load_transport
from rta.wire import SessionState
from rta.writer.settings import WriterSettings
from rta.writer.writer import Writer, WriterObserver

__all__ = ["OnAbsent", "open_writer", "write_to"]

log = structlog.get_logger("rta.writer")

OnAbsent = Literal["raise", "wait"]


@asynccontextmanager
async def open_writer(
    url: str | None = None,
    stream: str = "rta",
    *,
    transport: str = "redis",
    options: Mapping[str, Any] | None = None,
    on_absent: OnAbsent = "raise",
    settings: WriterSettings | None = None,
    watcher: WriterObserver | None = None,
) -> AsyncIterator[Writer]:
    """Write sessions to a stream of a log, found by the name of its transport.

    `url` and `options` are the transport's: what `[buffer]` of a site's configuration takes. A log that cannot be
    reached at first is a `TransportError`, or with `on_absent="wait"` no matter: what is written waits.

    At the end, sessions that are still open are closed; after an exception or a cancellation, as truncated.

    :raises RtaError: there is no such transport, or its options are not right.
    :raises WriteError: at the end: not everything could be written within `settings.patience`.
    """
    opening = _open_log(transport, dict(options or {}) | ({} if url is None else {"url": url}))
    async with _serving(opening, stream, settings, watcher, time.time_ns) as writer:
        if on_absent == "raise":
            await writer.reach()
        yield writer


@asynccontextmanager
async def write_to(
    burst_log: BurstLog,
    stream: str = "rta",
    *,
    settings: WriterSettings | None = None,
    watcher: WriterObserver | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> AsyncIterator[Writer]:
    """The same with a log that is open, and stays open until the writer has ended."""
    async with _serving(nullcontext(burst_log), stream, settings, watcher, clock) as writer:
        yield writer


@asynccontextmanager
async def _serving(
    opening: AbstractAsyncContextManager[BurstLog],
    stream: str,
    settings: WriterSettings | None,
    watcher: WriterObserver | None,
    clock: Callable[[], int],
) -> AsyncIterator[Writer]:
    settings = settings or WriterSettings()

    async def serve(*, task_status: trio.TaskStatus[Writer]) -> None:
        async with opening as burst_log, trio.open_nursery() as nursery:
            task_status.started(Writer(burst_log, stream, nursery, settings, watcher or WriterObserver(), clock))
            await trio.sleep_forever()

    error: BaseException | None = None
    async with started_in_background(serve) as writer:
        state = SessionState.TRUNCATED
        try:
            yield writer
            state = SessionState.CLOSED
        except (Exception, KeyboardInterrupt) as e:  # noqa: BLE001 - raised below, with a note
            error = e
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + settings.patience):
                await writer.finish(state)
    unwritten = writer.unwritten()
    if error is None and unwritten is not None:
        raise unwritten
    if error is not None:
        if unwritten is not None:
            error.add_note(str(unwritten))
        raise error


def _open_log(transport: str, options: Mapping[str, Any]) -> AbstractAsyncContextManager[BurstLog]:
    offer = load_transport(transport).log
    if offer is None:
        raise RtaError(f"transport {transport!r} is not a log that can be written to")
    try:
        chosen = offer.options(**options)
    except (TypeError, ValueError) as e:
        raise RtaError(f"transport {transport!r}: {e}") from None
    context = Context("writer", Path.cwd(), time.time_ns, _Reporter())
    problems = offer.check(chosen, context)
    if problems:
        raise RtaError("; ".join(problems))
    return offer.open(chosen, context)


class _Reporter:
    """A writer has no metrics."""

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        log.warning("malformed", source=source, kind=kind, detail=detail)

    def notice(self, source: str, kind: str, detail: str) -> None:
        log.info(detail, source=source, kind=kind)

    def count(self, metric: str, amount: float = 1, **labels: str) -> None: ...

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...
