"""Whether somebody is still there at the other end of a connection. What comes is the only proof: a network that has
gone silent refuses nothing and closes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

__all__ = ["HeardStream"]


class HeardStream(trio.abc.Stream):
    """A stream that is given up when its reader has waited too long for a byte.

    Only waiting counts: a reader that is busy with what has come hears nothing either.
    """

    def __init__(self, stream: trio.abc.Stream, silence: float) -> None:
        """`silence`: seconds of waiting after which it is given up."""
        self.silence = silence
        self.given_up = False
        self._stream = stream
        self._waiting_since: float | None = None

    async def give_up_when_silent(self, ping: Callable[[], Awaitable[None]]) -> None:
        """Close the stream when its time is up, and return; or until cancelled. `ping`: asks the other end for a sign
        of life, after half of the time; it is cancelled when the time is up."""
        half = self.silence / 2
        asked: tuple[float, float] | None = None  # in which waiting, and when
        async with trio.open_nursery() as nursery:
            while True:
                now, since = trio.current_time(), self._waiting_since
                if since is None:
                    await trio.sleep(half)
                elif now < since + half:
                    await trio.sleep_until(since + half)
                elif asked is None or asked[0] != since:
                    asked = since, now
                    nursery.start_soon(ping)
                elif now < asked[1] + half:
                    await trio.sleep_until(asked[1] + half)
                else:
                    # If the process was stopped meanwhile, the reader has yet to be given what has come.
                    await trio.lowlevel.checkpoint()
                    if self._waiting_since == since:
                        break
            self.given_up = True
            await trio.aclose_forcefully(self._stream)
            nursery.cancel_scope.cancel()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        self._waiting_since = trio.current_time()
        try:
            return await self._stream.receive_some(max_bytes)
        finally:
            self._waiting_since = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()
