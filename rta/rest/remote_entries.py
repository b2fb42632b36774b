"""The entries of an archive that another service has, for late clients of this one.

Source: docs/rest.md, "Recording", "Entries".
"""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

from rta.errors import ArchiveError, FlushPointError, MalformedError, NotConnectedError
from rta.http_peer import HttpPeer
from rta.large_json import inspect_burst
from rta.ports import ArchivedSession, Batch, FlushPoint, Position
from rta.rest.packed_entries import ENTRIES, read_batch
from rta.rest.peer_access import PeerAccess, ServiceAccess
from rta.rest.recording import read_recording
from rta.wire.json_text import SESSION_LIMITS

__all__ = ["RemoteEntries"]

_LONGEST = 64 << 20  # bytes of an answer: one entry may hold session JSON alone of 16 MiB


class RemoteEntries:
    """See `rta.ports.RecordedEntries`."""

    def __init__(self, peer: HttpPeer, via: str, access: PeerAccess | None = None) -> None:
        """`peer`: the service that has the archive. `via`, `access`: see `rta.rest.elsewhere`."""
        self._peer = peer
        self._via = via
        self._access = access or ServiceAccess()

    async def find(self, identity: str) -> ArchivedSession | None:
        status, _, body = await self._ask(f"/rta/v2/sessions/{quote(identity, safe='')}/recording", "application/json")
        if status == 404:
            return None
        try:
            return read_recording(json.loads(body))
        except (ValueError, RecursionError) as e:
            raise ArchiveError(f"{self._peer.name} answers what cannot be read: {e}") from None

    async def read_entries(self, after: FlushPoint, upto: Position, max_bytes: int) -> Batch:
        query = urlencode({"after": str(after), "upto": str(upto), "bytes": min(max_bytes, 4 << 20)})
        status, headers, body = await self._ask(f"/rta/v2/entries?{query}", ENTRIES)
        if status == 404:
            return Batch([], after.position, lost=True)
        try:
            batch = read_batch(body, headers.get("rta-position", ""), headers.get("rta-lost", ""))
            return await _inspected(batch)
        except MalformedError as e:
            raise ArchiveError(f"{self._peer.name} answers what cannot be read: {e}") from None

    async def _ask(self, target: str, accept: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a good answer, or of a 404.

        :raises FlushPointError: the service says so.
        :raises ArchiveError: there is no good answer.
        """
        asked = [(b"accept", accept.encode()), (b"via", self._via.encode()), *self._access.ours()]
        try:
            async with self._peer.request("GET", target.encode(), asked) as answer:
                body = await answer.body(_LONGEST)
        except NotConnectedError as e:
            raise ArchiveError(str(e)) from None
        if answer.status == 409:
            raise FlushPointError(f"{self._peer.name} does not hold what is behind that flush point")
        if answer.status not in (200, 404):
            raise ArchiveError(f"{self._peer.name} answers {answer.status}: {body[:200].decode(errors='replace')}")
        return answer.status, {k.decode(): v.decode("latin-1") for k, v in answer.headers}, body


async def _inspected(batch: Batch) -> Batch:
    """With what is in session JSONs that are large, as it comes from a buffer."""
    entries = []
    for entry in batch.entries:
        burst = entry.burst
        entries.append(
            entry._replace(burst=await inspect_burst(burst, SESSION_LIMITS)) if burst.session_json else entry
        )
    return Batch(entries, batch.position, batch.lost)
