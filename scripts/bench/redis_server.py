"""A Redis of the benchmark's own, and what producers write into it."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import hiredis

from scripts.bench.processes import BenchError, Child, free_port
from scripts.bench.shapes import Maker

__all__ = ["SIDE", "STREAM", "Conversation", "RedisServer", "burst_command", "session_commands"]

STREAM = "stream:bench"
SIDE = "side:bench"
"""Where bursts are until they are handed over."""

_AT_ONCE = 1 << 20  # bytes
_FILLED = 200  # commands


class Conversation:
    """Commands and their replies, by a blocking socket."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()

    def close(self) -> None:
        self._socket.close()

    def ask(self, *command: Any) -> Any:
        """One command.

        :raises BenchError: it was refused.
        """
        return self.ask_all([command])[0]

    def ask_all(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Several, sent together."""
        packed = [hiredis.pack_command(c) for c in commands]
        self._socket.sendall(b"".join(packed))
        return [self._reply() for _ in packed]

    def fill(self, commands: Iterable[tuple[Any, ...]]) -> None:
        """Any number."""
        batch: list[tuple[Any, ...]] = []
        size = 0
        for command in commands:
            batch.append(command)
            size += len(command[-1])
            if len(batch) >= _FILLED or size >= _AT_ONCE:
                self.ask_all(batch)
                batch, size = [], 0
        self.ask_all(batch)

    def send(self, command: tuple[Any, ...]) -> None:
        """Without awaiting the reply; `skim` takes it."""
        self._socket.sendall(hiredis.pack_command(command))

    def skim(self) -> None:
        """Take the replies that are there.

        :raises BenchError: one is a refusal.
        """
        with suppress(BlockingIOError):
            self._reader.feed(self._socket.recv(1 << 16, socket.MSG_DONTWAIT))
        while (reply := self._reader.gets()) is not False:
            self._check(reply)

    def _reply(self) -> Any:
        while (reply := self._reader.gets()) is False:
            received = self._socket.recv(1 << 18)
            if not received:
                raise BenchError("redis-server has closed the connection")
            self._reader.feed(received)
        return self._check(reply)

    @staticmethod
    def _check(reply: Any) -> Any:
        if isinstance(reply, Exception):
            raise BenchError(f"redis-server refuses: {reply}")
        return reply


class RedisServer:
    """A `redis-server` on a port of its own, keeping nothing; ended by its own id."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise BenchError("redis-server is needed: apt-get install redis-server")
        self.port = free_port()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]
        # What it says on its standard output is of no interest, and would fill the pipe.
        log = ["--logfile", str(folder / f"redis-{self.port}.log")]
        self.child = Child([program, *options, str(folder), *log], folder / "redis.log")
        try:
            self.conversation = self._connect()
        except BaseException:
            self.child.stop()
            raise

    def _connect(self) -> Conversation:
        until = time.monotonic() + 10
        while True:
            try:
                return Conversation(self.port)
            except OSError:
                if not self.child.running or time.monotonic() > until:
                    raise BenchError(f"redis-server does not start:\n{self.child.errors()}") from None
                time.sleep(0.01)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.conversation.close()
        self.child.stop()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @contextmanager
    def emptied(self, sessions: int) -> Iterator[Conversation]:
        """With nothing in it but the sessions bench-1, bench-2, …, of ids 1, 2, … in the one stream."""
        self.conversation.ask("FLUSHALL")
        self.conversation.fill(c for k in range(1, sessions + 1) for c in session_commands(f"bench-{k}", k, "bench"))
        try:
            yield self.conversation
        finally:
            self.conversation.ask("FLUSHALL")

    def prepare(self, shape: str, bursts: int) -> None:
        """Bursts of the first session beside the stream, for `hand_over`."""
        made = Maker(shape).bursts(bursts)
        self.conversation.fill(burst_command(SIDE, 1, burst.packed) for burst in made)

    def hand_over(self) -> int:
        """All of them are in the stream from now on; when that was, in ns since the Unix epoch."""
        began = time.time_ns()
        self.conversation.ask("RENAME", SIDE, STREAM)
        return began


def burst_command(key: str, session: int, packed: bytes) -> tuple[Any, ...]:
    """What adds a burst to a stream."""
    return ("XADD", key, "*", "id", session, "data", packed)


def session_commands(identity: str, number: int, stream: str, state: str = "open") -> Iterator[tuple[Any, ...]]:
    """What an ingest process writes of a session when it begins."""
    said = {"identity": identity, "state": state, "timestamp": "2021-05-04T11:50:55Z", "identifier": identity}
    fields = {
        "streamSessionId": number,
        "streamName": stream,
        "streamPosition": "0-0",
        "lastUpdated": time.time_ns() // 1_000_000,
        "json": json.dumps(said),
    }
    yield ("SADD", "streams", stream)
    yield ("HSET", f"sessions:{identity}", *(part for field in fields.items() for part in field))
