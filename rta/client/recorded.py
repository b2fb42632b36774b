"""What is recorded of a session, as bursts, up to one flush point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from hashlib import sha256

from rta.client.credentials import Credentials
from rta.client.data import DataAnswer, open_data
from rta.errors import FlushPointError
from rta.wire import ChannelId, make_burst
from rta.wire.burst import Burst, data_item
from rta.wire.chunks import Chunk, DataKind, read_chunk

__all__ = ["RecordedData"]

_MOST_ITEMS = 1 << 13  # of a burst
_MOST_CHANNELS = 1024  # that are named; of more all come
_MOST_HELD = 64 << 20  # bytes of chunks that may be new, until those have come that are not


class RecordedData:
    """All kinds of data of a session, pinned to one flush point; a read that broke off goes on where it was.

    A chunk that has come is known by its bytes. The service may have cut the same samples anew meanwhile; whoever reads
    on would then have some of them twice.
    """

    def __init__(
        self,
        base: str,
        identity: str,
        channels: Collection[ChannelId] | None,
        start: int,
        silence: float,
        credentials: Credentials | None = None,
    ) -> None:
        """`channels`: these only, and no events; None: everything. `start`: ns since the Unix epoch; what comes is
        rounded outwards to whole chunks. `silence`, `credentials`: see `open_data`."""
        self.point: str | None = None
        """The text of the flush point up to which all comes, known with the first answer."""
        self.damaged = 0
        """How many chunks the service has left out, as far as it has said, of the kinds that have come."""
        self._base = base
        self._identity = identity
        self._start = start
        self._silence = silence
        self._credentials = credentials
        self._all_kinds = [kind for kind in DataKind if channels is None or kind is not DataKind.EVENTS]
        self._kinds = list(self._all_kinds)
        every = channels is None or len(channels) > _MOST_CHANNELS
        self._channels = "-" if every or channels is None else ",".join(f"{c:X}" for c in sorted(channels))
        self._given: Counter[bytes] = Counter()
        """Digests of the chunks that have come of the first of the kinds."""
        self._anything = False
        """Whether any chunk has come."""

    async def read(self, receive: Callable[[Burst], None]) -> bool:
        """Read on to the end; whether there is any. False: the service does not record the session.

        :raises NotConnectedError: an answer breaks off; the next call goes on.
        :raises FlushPointError: the point is not held any more, or what is left cannot be told from what has come.
        :raises RtaError: the service refuses it.
        """
        while self._kinds:
            try:
                if not await self._read_first(receive):
                    return False
            except FlushPointError:
                if self._anything or self.point is None:
                    raise
                self.point, self._kinds = None, list(self._all_kinds)
        return True

    async def _read_first(self, receive: Callable[[Burst], None]) -> bool:
        kind = self._kinds[0]
        async with open_data(
            self._base,
            self._identity,
            kind,
            self._channels,
            start=self._start,
            upto=self.point,
            silence=self._silence,
            credentials=self._credentials,
        ) as answer:
            self.point = self.point or answer.flush_point
            if self.point is None:
                return False
            await self._read_kind(answer, receive)
            self.damaged += answer.damaged
        self._given.clear()
        del self._kinds[0]
        return True

    async def _read_kind(self, answer: DataAnswer, receive: Callable[[Burst], None]) -> None:
        again = Counter(self._given)
        held: list[Chunk] = []
        size = 0
        while chunks := await answer.next():
            for chunk in chunks:
                key = _digest(chunk)
                if again[key] > 0:
                    again[key] -= 1
                    continue
                held.append(chunk)
                size += len(chunk.packed)
            again = +again
            if not again:
                self._give(held, receive)
                held, size = [], 0
            elif size > _MOST_HELD:
                break
        if again:
            raise FlushPointError(
                f"what is left of session {self._identity!r} cannot be told from what has come: read it anew"
            )
        self._give(held, receive)

    def _give(self, chunks: list[Chunk], receive: Callable[[Burst], None]) -> None:
        for chunk in chunks:
            items = read_chunk(chunk)
            self._anything = True
            self._given[_digest(chunk)] += 1
            for first in range(0, len(items), _MOST_ITEMS):
                receive(make_burst([data_item(item) for item in items[first : first + _MOST_ITEMS]]))


def _digest(chunk: Chunk) -> bytes:
    return sha256(f"{chunk.channels} {chunk.start} ".encode() + chunk.packed).digest()
