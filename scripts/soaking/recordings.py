"""Sessions that are written in numbers, and the clients that follow them."""

from __future__ import annotations

import time

import trio

from rta.client import open_live_stream
from rta.errors import RtaError
from rta.wire import decode_timestamped
from rta.writer import WriterSettings, open_writer
from scripts.soaking.numbers import Numbers

__all__ = ["Follower", "Recording"]

_CHANNEL = 1
_AGAIN = 0.2  # seconds between tries to connect


class Recording:
    """A session whose samples are 0, 1, 2, …, each a burst."""

    def __init__(self, identity: str, rate: float) -> None:
        """`rate`: samples a second."""
        self.identity = identity
        self.samples: list[tuple[int, float]] = []
        """Times and values that the writer has taken: from then on it answers for them."""
        self._rate = rate
        self._over = trio.Event()

    @property
    def written(self) -> int:
        """How many the writer has taken."""
        return len(self.samples)

    def end(self) -> None:
        """No more of them."""
        self._over.set()

    @property
    def ended(self) -> bool:
        return self._over.is_set()

    async def write(self, url: str) -> None:
        """Until `end`, and until all is in Redis.

        :raises WriteError: it does not get there.
        """
        settings = WriterSettings(delay=0.5 / self._rate, patience=2.0)
        async with open_writer(url, stream=self.identity, settings=settings) as writer:
            session = await writer.open_session(identity=self.identity)
            while not self._over.is_set():
                due = trio.current_time() + 1 / self._rate
                sample = time.time_ns(), float(self.written)
                await session.write(_CHANNEL, [sample[0]], [sample[1]])
                self.samples.append(sample)
                await trio.sleep_until(due)
            await session.close()


class Follower:
    """A client of a recording, from its start to the end of the soak; comes back whenever it is thrown out."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.numbers = Numbers()
        self.connections = 0
        self.again = 0
        """Samples that came once more: what the buffer holds comes anew at each connection."""
        self.doubled = 0
        """Those that came twice on one connection, which must not be."""

    async def follow(self, port: int) -> None:
        """Until the recording has ended and all of it has come. `port`: the edge's, or that of the way to it."""
        while not (self.recording.ended and self.numbers.different == self.recording.written):
            try:
                await self._once(port)
            except (RtaError, OSError):
                pass
            await trio.sleep(_AGAIN)

    async def _once(self, port: int) -> None:
        async with open_live_stream(f"http://127.0.0.1:{port}", self.recording.identity) as stream:
            here = Numbers()
            await stream.subscribe(all_data=True)
            self.connections += 1
            while True:
                burst = await stream.receive()
                for item in burst.message().data:
                    if item.WhichOneof("data") == "timestamped_data":
                        _, values = decode_timestamped(item.timestamped_data)
                        for value in values:
                            self._take(int(value), here)

    def _take(self, number: int, here: Numbers) -> None:
        self.doubled += here.add(number) > 1
        self.again += self.numbers.add(number) > 1
