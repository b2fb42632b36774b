"""Real servers for tests: started on private ports, killed and paused for real."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import combinations
from pathlib import Path
from typing import Self

__all__ = ["Mosquitto", "RedisCluster", "RedisServer", "Sentinel", "ServerProcess", "held_port", "wait_for"]


@contextmanager
def held_port() -> Iterator[int]:
    """A port of 127.0.0.1 that is ours alone while the block lasts: connections to it are refused until a server that
    we start listens there."""
    with socket.socket() as held:
        # The kernel gives the port of a bound socket to nobody who asks for just any port. A server that asks for this
        # one gets it if both set SO_REUSEADDR and ours does not listen.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def wait_for(what, seconds=120.0):
    """Until `what()` is true; for outside processes, which announce nothing, and may hang up while they change."""
    end = time.monotonic() + seconds
    while True:
        try:
            if what():
                return
        except OSError:
            pass
        assert time.monotonic() < end, f"waited {seconds:g} s in vain"
        time.sleep(0.005)


def _packed(*command: str | bytes) -> bytes:
    parts = [c.encode() if isinstance(c, str) else c for c in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


class Started(ABC):
    """What a block starts, and surely stops."""

    @abstractmethod
    def start(self) -> Self:
        """Returns when it can be used."""

    @abstractmethod
    def stop(self) -> None:
        """For good."""

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()


class ServerProcess(Started):
    """A server of a test's own: a process that can be killed and paused, with a folder, and with a port that stays its
    own while it is down."""

    program: str

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"rta-{self.program}-"))
        self._process: subprocess.Popen | None = None
        self._ports = ExitStack()
        self.port = self.another_port()

    def another_port(self) -> int:
        """A port that is held until the server is stopped for good."""
        return self._ports.enter_context(held_port())

    @abstractmethod
    def answers(self) -> bool:
        """Whether it can be used."""

    def launch(self, *arguments: str) -> Self:
        """Returns when the server answers."""
        program = shutil.which(self.program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        assert program, f"{self.program} is not installed; `make test` installs it"
        with open(self.folder / "log", "ab") as out:
            self._process = subprocess.Popen([program, *arguments], stdout=out, stderr=out)
        wait_for(self._answers)
        return self

    def _answers(self) -> bool:
        assert self._running.poll() is None, self.log()
        return self.answers()

    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def _running(self) -> subprocess.Popen:
        assert self._process is not None, f"{self.program} has not been started"
        return self._process

    def kill(self) -> None:
        """As a power cut would."""
        self._running.kill()
        self._running.wait()

    def pause(self) -> None:
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """For good."""
        if self._process is not None:
            self.kill()
        self._ports.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class RedisServer(ServerProcess):
    """A `redis-server`. Its folder keeps its data over a restart, if the arguments have it written."""

    program = "redis-server"

    def __init__(self, *arguments: str) -> None:
        super().__init__()
        self.arguments = arguments

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *more: str) -> Self:
        """Returns when commands are accepted."""
        base = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "", "--loglevel",
                "warning", "--enable-debug-command", "yes"]  # fmt: skip
        return self.launch(*base, *self.arguments, *more)

    def answers(self) -> bool:
        return self.ask("PING") == b"+PONG\r\n"

    def ask(
        self,
        *command: str | bytes,
        password: str | None = None,
        first: tuple[str, ...] | None = None,
        timeout: float = 5.0,
    ) -> bytes:
        """One command, by an independent client: the raw reply, as far as one read gets it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as s:
            for before in (password and ("AUTH", password), first):
                if before:
                    s.sendall(_packed(*before))
                    s.recv(65536)
            s.sendall(_packed(*command))
            return s.recv(65536)


class RedisCluster(Started):
    """Primaries that share the slots, each with a replica if wanted."""

    def __init__(self, primaries: int = 3, replicas: int = 0) -> None:
        arguments = ("--cluster-enabled", "yes", "--cluster-node-timeout", "60000", "--cluster-config-file",
                     "nodes.conf", "--cluster-require-full-coverage", "no",
                     "--repl-diskless-sync-delay", "0")  # fmt: skip
        self.primaries = [_ClusterNode(*arguments) for _ in range(primaries)]
        self.replicas = [_ClusterNode(*arguments) for _ in range(replicas)]

    @property
    def url(self) -> str:
        return self.primaries[0].url

    @property
    def nodes(self) -> list[_ClusterNode]:
        return self.primaries + self.replicas

    def start(self) -> Self:
        """Returns when every node knows all slots."""
        for node in self.nodes:
            node.start()
        share = 16384 // len(self.primaries)
        for i, node in enumerate(self.primaries):
            last = 16383 if node is self.primaries[-1] else (i + 1) * share - 1
            assert node.ask("CLUSTER", "ADDSLOTSRANGE", str(i * share), str(last)) == b"+OK\r\n"
        for a, b in combinations(self.nodes, 2):  # hearing of each other from others takes them seconds
            a.ask("CLUSTER", "MEET", "127.0.0.1", str(b.port), str(b.bus_port))
        wait_for(lambda: all(f"cluster_known_nodes:{len(self.nodes)}".encode() in self._info(n) for n in self.nodes))
        for replica, primary in zip(self.replicas, self.primaries, strict=False):
            ours = primary.ask("CLUSTER", "MYID").split(b"\r\n")[1]
            wait_for(lambda r=replica, o=ours: r.ask("CLUSTER", "REPLICATE", o) == b"+OK\r\n")
        wait_for(lambda: all(b"cluster_state:ok" in self._info(n) for n in self.nodes))
        for replica, _ in zip(self.replicas, self.primaries, strict=False):
            wait_for(lambda r=replica: b"master_link_status:up" in r.ask("INFO", "replication"))
        return self

    def replace_soon(self) -> None:
        """From now on a primary that is silent for half a second is replaced by its replica; before, a busy machine
        is no reason."""
        for node in self.nodes:
            node.ask("CONFIG", "SET", "cluster-node-timeout", "500")

    def owner(self, key: str | bytes) -> RedisServer:
        """The primary that has a key."""
        slot = self.primaries[-1].ask("CLUSTER", "KEYSLOT", key)[1:].strip()
        return self.primaries[min(int(slot) // (16384 // len(self.primaries)), len(self.primaries) - 1)]

    @staticmethod
    def _info(node: RedisServer) -> bytes:
        return node.ask("CLUSTER", "INFO")

    def ask_all(self, *command: str) -> None:
        for node in self.primaries:
            node.ask(*command)

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()


class _ClusterNode(RedisServer):
    """A node of a cluster; the nodes talk to each other over second ports."""

    def __init__(self, *arguments: str) -> None:
        super().__init__(*arguments)
        self.bus_port = self.another_port()
        self.arguments = (*arguments, "--cluster-port", str(self.bus_port))


class Sentinel(Started):
    """A primary, a replica, and Sentinels that promote it when the primary is gone."""

    service = "pitwall"

    def __init__(self) -> None:
        fast = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
        self.primary = RedisServer(*fast)
        self.replica = RedisServer(*fast, "--replicaof", f"127.0.0.1 {self.primary.port}")
        self.sentinel = RedisServer()

    def start(self) -> Self:
        """Returns when the Sentinel knows the replica."""
        self.primary.start()
        self.replica.start()
        wait_for(lambda: b"master_link_status:up" in self.replica.ask("INFO", "replication"))
        config = self.sentinel.folder / "sentinel.conf"
        config.write_text(
            f"port {self.sentinel.port}\nbind 127.0.0.1\ndir {self.sentinel.folder}\n"
            f"sentinel monitor {self.service} 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds {self.service} 60000\nsentinel failover-timeout {self.service} 2000\n"
        )
        self.sentinel.launch(str(config), "--sentinel")
        wait_for(lambda: b"num-slaves\r\n$1\r\n1" in self.sentinel.ask("SENTINEL", "MASTER", self.service))
        return self

    def replace_soon(self) -> None:
        """From now on a primary that is silent for 0.3 s is replaced by the replica; before, a busy machine is no
        reason."""
        self.sentinel.ask("SENTINEL", "SET", self.service, "down-after-milliseconds", "300")

    def stop(self) -> None:
        for server in (self.sentinel, self.replica, self.primary):
            server.stop()


class Mosquitto(ServerProcess):
    """A `mosquitto`. `lines` are of its configuration; with `persistence true` among them it keeps what is retained in
    its folder over a restart."""

    program = "mosquitto"

    def __init__(self, *lines: str, anonymous: bool = True, users: dict[str, str] | None = None) -> None:
        super().__init__()
        self.lines = [*lines]
        self.anonymous = anonymous
        self.users = users or {}

    def start(self, *lines: str) -> Self:
        """Returns when connections are accepted. `lines` are of this run only."""
        config = self.folder / "mosquitto.conf"
        base = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {'true' if self.anonymous else 'false'}"]
        if self.users:
            base.append(f"password_file {self._passwords()}")
        # As another user it could not read what a test lays down for it.
        base += ["user root", f"persistence_location {self.folder}/"]
        config.write_text("\n".join([*base, *self.lines, *lines]) + "\n")
        return self.launch("-c", str(config))

    def answers(self) -> bool:
        socket.create_connection(("127.0.0.1", self.port), 5.0).close()
        return True

    def restart(self) -> None:
        """In order, so that what is to be kept has been written; without persistence nothing is."""
        self._running.terminate()
        self._running.wait()
        self.start()

    def _passwords(self) -> Path:
        program = shutil.which("mosquitto_passwd")
        assert program, "mosquitto_passwd is not installed; it comes with mosquitto"
        path = self.folder / "passwords"
        path.touch()
        for user, password in self.users.items():
            subprocess.run([program, "-b", str(path), user, password], check=True, capture_output=True)
        return path
