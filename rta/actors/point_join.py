"""The way in for connections that begin behind a flush point: what the archive has, then the buffer, then live.

Owns nothing. Asks the archive which runs the session has, and the hub for its feed; waits for what is on its way.
"""

from __future__ import annotations

from typing import NamedTuple

import trio

from rta.actors.hub import SessionHub
from rta.backoff import Backoff
from rta.errors import ArchiveError
from rta.ports import ArchivedSession, FlushPoint
from rta.session.beginning import JoinRefusal, beginning_behind, unrecorded_beginning
from rta.session.client import ClientBeginning
from rta.session.feed import SessionFeed

__all__ = ["Joined", "PointLost", "join_behind"]

_PATIENCE = 5.0  # seconds for the archive to answer, to know the present run, and for the reader to come so far


class Joined(NamedTuple):
    """Where a client is to be attached, before anything else happens."""

    feed: SessionFeed
    beginning: ClientBeginning | None
    """None: with the back scan."""


class PointLost(NamedTuple):
    """What is behind the point cannot be told."""


async def join_behind(hub: SessionHub, identity: str, point: FlushPoint) -> Joined | PointLost | None:
    """Where a client of a session begins that wants all behind a flush point; None if there is no such session.

    No checkpoint between finding it out and returning.

    :raises TransportError: the buffer cannot be read.
    :raises ArchiveError: the archive cannot be read, or is far behind.
    """
    backoff = Backoff()
    why = "it does not answer"
    with trio.move_on_after(_PATIENCE):
        while True:
            try:
                found = await _join(hub, identity, point)
            except ArchiveError as e:
                why = str(e)
            else:
                if found is not JoinRefusal.NOT_YET:
                    return PointLost() if found is JoinRefusal.LOST else found
                why = "it does not know the present run of the session yet"
            await backoff.pause()
    raise ArchiveError(f"the archive cannot tell what is behind {point}: {why}")


async def _join(hub: SessionHub, identity: str, point: FlushPoint) -> Joined | JoinRefusal | None:
    # In this order: of what is recorded the feed has everything.
    session = None if hub.archive is None else await hub.archive.find(identity)
    feed = await hub.open(identity)
    if feed is None:
        return _recorded_only(hub, session, point)
    await hub.renew(feed)
    held = await hub.buffer.read(point.stream, point.position.before(), point.position, 1)
    buffered = any(entry.position == point.position for entry in held.entries)
    if session is None:
        beginning = unrecorded_beginning(point, feed.state.run, buffered)
    else:
        heads = {stream: await hub.buffer.head(stream) for stream in {run.stream for run in session.runs}}
        beginning = beginning_behind(point, session.runs, feed.state, heads, buffered)
    return Joined(feed, beginning) if isinstance(beginning, ClientBeginning) else beginning


def _recorded_only(hub: SessionHub, session: ArchivedSession | None, point: FlushPoint) -> Joined | JoinRefusal | None:
    if session is None or not session.runs or not session.json:
        return None
    feed = hub.open_recorded(session)
    beginning = beginning_behind(point, session.runs, feed.state, None, False)
    return Joined(feed, beginning) if isinstance(beginning, ClientBeginning) else beginning
