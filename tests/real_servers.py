"""Real servers for tests: started on private ports, killed and paused for real."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

__all__ = ["RedisServer", "free_port", "wait_for"]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def wait_for(what, seconds=10.0):
    """Until `what()` is true; for outside processes, which announce nothing."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain"
        time.sleep(0.005)


def _packed(*command: str | bytes) -> bytes:
    parts = [c.encode() if isinstance(c, str) else c for c in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


class RedisServer:
    """A `redis-server` of a test's own. `folder` keeps its data over a restart."""

    def __init__(self, *arguments: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="rta-redis-"))
        self.arguments = arguments
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *more: str) -> RedisServer:
        """Returns when commands are accepted."""
        program = shutil.which("redis-server")
        assert program, "redis-server is not installed; `make test` installs it"
        base = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "", "--loglevel",
                "warning", "--enable-debug-command", "yes"]  # fmt: skip
        with open(self.folder / "log", "ab") as out:
            self.process = subprocess.Popen([program, *base, *self.arguments, *more], stdout=out, stderr=out)
        wait_for(self.answers)
        return self

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return self.ask("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def ask(self, *command: str | bytes, password: str | None = None, timeout: float = 5.0) -> bytes:
        """One command, by an independent client: the raw reply, as far as one read gets it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as s:
            if password is not None:
                s.sendall(_packed("AUTH", password))
                s.recv(65536)
            s.sendall(_packed(*command))
            return s.recv(65536)

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """For good."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> RedisServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
