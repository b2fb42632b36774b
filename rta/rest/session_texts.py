"""The JSON of sessions as it is told: as it was written, with the time range that is known now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rta.clock_bounds import ClockBounds
from rta.errors import MalformedError, NotConnectedError
from rta.large_json import read_large
from rta.ports import ArchivedSession, SessionRecord
from rta.rest.extended_details import choose_extended, may_have_extended
from rta.rest.told_range import RangeSlot, find_slot
from rta.session.session_range import SessionRange
from rta.wire import TimeRange

__all__ = ["SessionTexts"]

_SMALL = 4096  # characters of a session JSON that are read at once
_MOST = 100_000  # live sessions of which it is remembered where their time range stands


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
        """Of a session that has a JSON."""
        text = session.json or ""
        span = self._span(session)
        slot = None if span is None else await self._slot(session, text)
        return text if slot is None else slot.fill(text, span)

    async def listed(self, session: SessionRecord | ArchivedSession, props: Sequence[str]) -> str:
        """As lists have it: of extended details there are those that `props` name. Empty: it cannot be read."""
        text = await self.told(session)
        if not may_have_extended(text):
            return text
        try:
            if len(text) <= _SMALL:
                return choose_extended(text, props)
            return await read_large(choose_extended, text, tuple(props))
        except (MalformedError, NotConnectedError):
            return ""

    def _span(self, session: SessionRecord | ArchivedSession) -> TimeRange | None:
        if isinstance(session, ArchivedSession):
            return session.span
        if session.time_range is None:
            return None
        known = SessionRange(self._clocks)
        known.expand(session.time_range, session.last_updated)
        return known.told

    async def _slot(self, session: SessionRecord | ArchivedSession, text: str) -> RangeSlot | None:
        found = self._slots.get(session.identity)
        if found is not None and found[0] == text:
            return found[1]
        try:
            slot = find_slot(text) if len(text) <= _SMALL else await read_large(find_slot, text)
        except MalformedError:
            slot = None
        except NotConnectedError:  # perhaps the next time
            return None
        if isinstance(session, SessionRecord):
            if len(self._slots) >= _MOST:
                self._slots.clear()
            self._slots[session.identity] = text, slot
        return slot
