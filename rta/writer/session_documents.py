"""The session JSON that a writer makes itself: the first of a session, and the last. Plain code."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from rta.wire import SessionModel, SessionState, TimeRange, read_session, write_session
from rta.wire.session_json import TimeRangeModel

__all__ = ["closed_json", "opening_json", "opening_model", "session_text"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def opening_model(
    identity: str | None, identifier: str | None, details: Mapping[str, Any] | None, now: int
) -> SessionModel:
    """An open session that begins `now` (ns since the Unix epoch); without an identity it gets a new UUID."""
    identity = identity or str(uuid4())
    moment = _iso(now)
    return SessionModel(
        identity=identity,
        state=SessionState.OPEN,
        timestamp=moment,
        identifier=identifier or identity,
        start_timestamp=moment,
        details=dict(details) if details else None,
    )


def opening_json(session: SessionModel | str) -> tuple[str, str]:
    """Identity and session JSON. A text stays as it is; a model without a state is taken as open.

    :raises MalformedError: the text is no session JSON.
    """
    if isinstance(session, str):
        return read_session(session).identity, session
    model = copy.copy(session)
    if model.state is SessionState.UNKNOWN:
        model.state = SessionState.OPEN
    return model.identity, write_session(model)


def session_text(session: SessionModel | str) -> str:
    return session if isinstance(session, str) else write_session(session)


def closed_json(latest: str, state: SessionState, span: TimeRange | None, now: int) -> str:
    """The latest session JSON in a closed state, with what the session has come to cover.

    `now`: ns since the Unix epoch; the session's end where no data say it.

    :raises MalformedError: the latest is no session JSON.
    """
    model = read_session(latest)
    model.state = state
    model.end_timestamp = _iso(now if span is None else span.end)
    if span is not None:
        model.time_range = TimeRangeModel(span.start, span.end)
    return write_session(model)


def _iso(ns: int) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=ns // 1000)).isoformat()
    except OverflowError:  # beyond the year 9999
        return datetime.max.replace(tzinfo=UTC).isoformat()
