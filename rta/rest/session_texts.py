"""The JSON of sessions as it is told: as it was written, with the time range that is known now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rta.clock_bounds import ClockBounds
from rta.errors import MalformedError, NotConnectedError
from rta.large_json import read_large
from rta.ports import ArchivedSession, SessionRecord
from rta.rest.extended_details import choose_extended, may_have_extended
from rta.rest.told_range import RangeSlot, find_slot, own_range
from rta.session.session_range import SessionRange
from rta.wire import TimeRange

__all__ = ["SessionTexts"]

_SMALL = 4096  # characters of a session JSON that are read at once
_MOST = 100_000  # live sessions of which it is remembered where their time range stands

T = TypeVar("T")


class SessionTexts:
    """Remembers where the time ranges of live sessions stand."""

    def __init__(self, clocks: ClockBounds) -> None:
        """`clocks`: what time ranges of live sessions may say."""
        self._clocks = clocks
        self._slots: dict[str, tuple[str, RangeSlot | None]] = {}

    def keep(self, identities: Iterable[str]) -> None:
        """Forget all others."""
        known = set(identities)
        self._slots = {k: v for k, v in self._slots.items() if k in known}

    async def told(self, session: SessionRecord | ArchivedSession) -> str:
        """Of a session that has a JSON; what cannot be read is told as it is."""
        try:
            return await self._told(session)
        except (MalformedError, NotConnectedError):
            return session.json or ""

    async def listed(self, session: SessionRecord | ArchivedSession, props: Sequence[str]) -> str:
        """As lists have it: of extended details there are those that `props` name. Empty: it cannot be read."""
        try:
            text = await self._told(session)
            return await _read(choose_extended, text, tuple(props)) if may_have_extended(text) else text
        except MalformedError:
            return ""

    async def _told(self, session: SessionRecord | ArchivedSession) -> str:
        text = session.json or ""
        if isinstance(session, SessionRecord):
            return await self._live(session, text)
        own = await _read(own_range, text)
        if TimeRange.union_of(own, session.span) == own:  # mostly
            return text
        slot = await _read(find_slot, text)
        return text if slot is None else slot.fill(text, session.span)

    async def _live(self, record: SessionRecord, text: str) -> str:
        if record.time_range is None:
            return text
        known = SessionRange(self._clocks)
        known.expand(record.time_range, record.last_updated)
        found = self._slots.get(record.identity)
        if found is None or found[0] != text:
            try:
                found = text, await _read(find_slot, text)
            except MalformedError:
                found = text, None
            except NotConnectedError:  # perhaps the next time
                return text
            if len(self._slots) >= _MOST:
                self._slots.clear()
            self._slots[record.identity] = found
        return text if found[1] is None else found[1].fill(text, known.told)


async def _read(work: Callable[..., T], text: str, *arguments: object) -> T:
    """What a function makes of a JSON that may be large.

    :raises MalformedError: as `work` does; it is too large.
    :raises NotConnectedError: it is large and cannot be read now.
    """
    return work(text, *arguments) if len(text) <= _SMALL else await read_large(work, text, *arguments)
