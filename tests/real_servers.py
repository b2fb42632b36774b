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

__all__ = ["Mosquitto", "RedisCluster", "RedisServer", "Sentinel", "free_port", "wait_for"]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def wait_for(what, seconds=10.0):
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
        base = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "", "--loglevel",
                "warning", "--enable-debug-command", "yes"]  # fmt: skip
        return self.start_as([*base, *self.arguments, *more])

    def start_as(self, arguments: list[str]) -> RedisServer:
        """Returns when commands are accepted."""
        program = shutil.which("redis-server")
        assert program, "redis-server is not installed; `make test` installs it"
        with open(self.folder / "log", "ab") as out:
            self.process = subprocess.Popen([program, *arguments], stdout=out, stderr=out)
        wait_for(self.answers)
        return self

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return self.ask("PING") == b"+PONG\r\n"
        except OSError:
            return False

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


class RedisCluster:
    """Primaries that share the slots, each with a replica if wanted."""

    def __init__(self, primaries: int = 3, replicas: int = 0) -> None:
        arguments = ("--cluster-enabled", "yes", "--cluster-node-timeout", "500", "--cluster-config-file", "nodes.conf",
                     "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0")  # fmt: skip
        self.primaries = [RedisServer(*arguments, port=_cluster_port()) for _ in range(primaries)]
        self.replicas = [RedisServer(*arguments, port=_cluster_port()) for _ in range(replicas)]

    @property
    def url(self) -> str:
        return self.primaries[0].url

    @property
    def nodes(self) -> list[RedisServer]:
        return self.primaries + self.replicas

    def start(self) -> RedisCluster:
        """Returns when every node knows all slots."""
        for node in self.nodes:
            node.start()
        first = self.primaries[0]
        share = 16384 // len(self.primaries)
        for i, node in enumerate(self.primaries):
            last = 16383 if node is self.primaries[-1] else (i + 1) * share - 1
            assert node.ask("CLUSTER", "ADDSLOTSRANGE", str(i * share), str(last)) == b"+OK\r\n"
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", str(first.port))
        wait_for(lambda: all(f"cluster_known_nodes:{len(self.nodes)}".encode() in self._info(n) for n in self.nodes))
        for replica, primary in zip(self.replicas, self.primaries, strict=False):
            ours = primary.ask("CLUSTER", "MYID").split(b"\r\n")[1]
            wait_for(lambda r=replica, o=ours: r.ask("CLUSTER", "REPLICATE", o) == b"+OK\r\n")
        wait_for(lambda: all(b"cluster_state:ok" in self._info(n) for n in self.nodes))
        for replica, _ in zip(self.replicas, self.primaries, strict=False):
            wait_for(lambda r=replica: b"master_link_status:up" in r.ask("INFO", "replication"))
        return self

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

    def __enter__(self) -> RedisCluster:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()


def _cluster_port() -> int:
    """A port whose bus port, 10 000 above, is free too."""
    while True:
        port = free_port()
        if port < 50_000:
            return port


class Sentinel:
    """A primary, a replica, and Sentinels that promote it when the primary is gone."""

    service = "pitwall"

    def __init__(self) -> None:
        fast = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
        self.primary = RedisServer(*fast)
        self.replica = RedisServer(*fast, "--replicaof", f"127.0.0.1 {self.primary.port}")
        self.sentinel = RedisServer()

    def start(self) -> Sentinel:
        """Returns when the Sentinel knows the replica."""
        self.primary.start()
        self.replica.start()
        wait_for(lambda: b"master_link_status:up" in self.replica.ask("INFO", "replication"))
        config = self.sentinel.folder / "sentinel.conf"
        config.write_text(
            f"port {self.sentinel.port}\nbind 127.0.0.1\ndir {self.sentinel.folder}\n"
            f"sentinel monitor {self.service} 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds {self.service} 300\nsentinel failover-timeout {self.service} 2000\n"
        )
        self.sentinel.start_as([str(config), "--sentinel"])
        wait_for(lambda: b"num-slaves\r\n$1\r\n1" in self.sentinel.ask("SENTINEL", "MASTER", self.service))
        return self

    def stop(self) -> None:
        for server in (self.sentinel, self.replica, self.primary):
            server.stop()

    def __enter__(self) -> Sentinel:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()


class Mosquitto:
    """A `mosquitto` of a test's own. `lines` are of its configuration; with `persistence true` among them it keeps what
    is retained in its folder over a restart."""

    def __init__(self, *lines: str, anonymous: bool = True, users: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="rta-mosquitto-"))
        os.chmod(self.folder, 0o777)  # it may give up being root
        self.lines = [*lines]
        self.anonymous = anonymous
        self.users = users or {}
        self.process: subprocess.Popen | None = None

    def start(self, *lines: str) -> Mosquitto:
        """Returns when connections are accepted. `lines` are of this run only."""
        program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
        assert program, "mosquitto is not installed; `make test` installs it"
        config = self.folder / "mosquitto.conf"
        base = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {'true' if self.anonymous else 'false'}"]
        if self.users:
            base.append(f"password_file {self._passwords()}")
        place = [f"persistence_location {self.folder}/"]
        config.write_text("\n".join([*base, *place, *self.lines, *lines]) + "\n")
        with open(self.folder / "log", "ab") as out:
            self.process = subprocess.Popen([program, "-c", str(config)], stdout=out, stderr=out)
        wait_for(self.answers)
        return self

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 5.0).close()
        except OSError:
            return False
        return True

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """In order, so that what is to be kept has been written; without persistence nothing is."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait()
        self.start()

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

    def _passwords(self) -> Path:
        program = shutil.which("mosquitto_passwd")
        assert program, "mosquitto_passwd is not installed; it comes with mosquitto"
        path = self.folder / "passwords"
        path.touch()
        os.chmod(path, 0o644)
        for user, password in self.users.items():
            subprocess.run([program, "-b", str(path), user, password], check=True, capture_output=True)
        return path

    def __enter__(self) -> Mosquitto:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()
