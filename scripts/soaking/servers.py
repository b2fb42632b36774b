"""What the soak starts: Redis, a broker, and the service itself."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio

from scripts.soaking.attended import Attended, free_port

__all__ = ["Broker", "Redis", "Service"]

_BROKER = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 5
max_queued_messages 0
max_inflight_messages 1000
log_type error
log_type warning
"""


def _program(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        raise SystemExit(f"{name} is needed; `make test` installs it")
    return found


def _accepts(port: int, ask: bytes = b"", answer: bytes = b"") -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 0.2) as s:
            s.sendall(ask)
            return not ask or s.recv(64).startswith(answer)
    except OSError:
        return False


class Redis(Attended):
    """Has every write on disk before it answers: what it has acknowledged survives its death."""

    def __init__(self, name: str, folder: Path, nursery: trio.Nursery) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        data = folder / name
        data.mkdir()
        command = [_program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(data)]
        command += ["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning"]
        super().__init__(name, command, folder, nursery, partial(_accepts, self.port, b"PING\r\n", b"+PONG"))


class Broker(Attended):
    """A mosquitto that keeps what is retained, as of a few seconds ago."""

    def __init__(self, folder: Path, nursery: trio.Nursery) -> None:
        self.port = free_port()
        self._data = folder / "mosquitto"
        self._data.mkdir()
        os.chmod(self._data, 0o777)  # it may give up being root
        config = folder / "mosquitto.conf"
        config.write_text(_BROKER.format(port=self.port, folder=self._data))
        command = [_program("mosquitto"), "-c", str(config)]
        super().__init__("mosquitto", command, folder, nursery, partial(_accepts, self.port))

    def empty(self) -> None:
        """It forgets everything; while it does not run."""
        for path in self._data.iterdir():
            path.unlink()


class Service(Attended):
    """`rta run`. Its port stays the same over its lives."""

    def __init__(
        self, name: str, site: str, folder: Path, nursery: trio.Nursery, environ: dict[str, str] | None = None
    ) -> None:
        """`site`: its configuration, with {port} and {folder} to be filled in."""
        self.port = free_port()
        self.state = folder / f"{name}-state"
        config = folder / f"{name}.toml"
        config.write_text(site.replace("{port}", str(self.port)).replace("{state}", str(self.state)))
        plain = {k: v for k, v in os.environ.items() if not k.upper().startswith("RTA_")}
        if plain.pop("PYTHONDONTWRITEBYTECODE", ""):  # compiling takes longer than all the rest of a start
            plain.setdefault("PYTHONPYCACHEPREFIX", str(folder / "compiled"))
        command = [sys.executable, "-m", "rta", "run", "--config", str(config)]
        super().__init__(name, command, folder, nursery, partial(_accepts, self.port), {**plain, **(environ or {})})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(self, path: str, timeout: float = 2.0) -> str:
        """The body of its answer; empty if there is none."""
        with trio.move_on_after(timeout), suppress(OSError):
            stream = await trio.open_tcp_stream("127.0.0.1", self.port)
            async with stream:
                await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                answer = b"".join([part async for part in stream])
            return answer.partition(b"\r\n\r\n")[2].decode(errors="replace")
        return ""

    async def healthy(self) -> bool:
        return "Healthy" in await self.ask("/health")
