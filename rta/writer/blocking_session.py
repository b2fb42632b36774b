"""A session being written from code that blocks. Every method is that of `SessionWriter`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

import numpy.typing as npt

from rta.wire import Burst, Event, SampleType, SessionModel, SessionState, TimeRange
from rta.writer.items import EncodedItem, event_item, periodic_items, row_items, timestamped_items
from rta.writer.session import SessionWriter

__all__ = ["BlockingSession"]

T = TypeVar("T")

_ALL_F64: Mapping[int, SampleType] = {}


class _Portal(Protocol):
    def call(self, do: Callable[[], Awaitable[T]]) -> T: ...

    def evaluate(self, expression: Callable[[], T]) -> T: ...


class BlockingSession:
    """Made by `BlockingWriter.open_session`. As a context manager it is closed at its end, as truncated after an
    exception."""

    def __init__(self, portal: _Portal, session: SessionWriter) -> None:
        self.identity = session.identity
        self._portal, self._session = portal, session

    @property
    def waiting(self) -> int:
        """Bytes, before compression, that are not known to be in the log."""
        return self._portal.evaluate(lambda: self._session.waiting)

    @property
    def span(self) -> TimeRange | None:
        """What the session covers."""
        return self._portal.evaluate(lambda: self._session.span)

    def write(
        self, channel: int, timestamps: npt.ArrayLike, values: npt.ArrayLike, kind: SampleType = SampleType.F64
    ) -> None:
        self._put(timestamped_items(channel, timestamps, values, kind))

    def write_periodic(
        self, channel: int, start: int, interval: int, values: npt.ArrayLike, kind: SampleType = SampleType.F64
    ) -> None:
        self._put(periodic_items(channel, start, interval, values, kind))

    def write_rows(
        self,
        channels: Sequence[int],
        timestamps: npt.ArrayLike,
        values: npt.ArrayLike,
        types: Mapping[int, SampleType] = _ALL_F64,
    ) -> None:
        self._put(row_items(channels, timestamps, values, types))

    def write_event(self, event: Event) -> None:
        self._put([event_item(event)])

    def write_burst(self, burst: Burst) -> None:
        self._portal.call(lambda: self._session.write_burst(burst))

    def update(self, session: SessionModel | str) -> None:
        self._portal.call(lambda: self._session.update(session))

    def flush(self) -> None:
        self._portal.call(lambda: self._session.flush())

    def close(self, state: SessionState = SessionState.CLOSED, session: SessionModel | str | None = None) -> None:
        self._portal.call(lambda: self._session.close(state, session))

    def _put(self, pieces: Sequence[EncodedItem]) -> None:
        self._portal.call(lambda: self._session.put(pieces))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._portal.evaluate(lambda: self._session.truncate())
