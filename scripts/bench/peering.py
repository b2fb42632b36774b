"""The peers: which there are, whether their packages are installed, and how each is started."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen

from scripts.bench.processes import Child, free_port
from scripts.bench.report import Results

__all__ = ["COALESCING", "NODE_FOLDER", "PEERS", "SINGLE_PEERS", "Peer", "peer_running", "usable"]

NODE_FOLDER = Path(__file__).parent / "bin" / "node"  # where `npm install --prefix` of the help puts it
_HERE = Path(__file__).with_name("peers")


@frozen
class Peer:
    """A program that does what the service does."""

    name: str
    what: str
    packages: tuple[str, ...] = ()
    """Of Python; those the project has anyway are not named."""
    arguments: tuple[str, ...] = ()
    node: bool = False

    def missing(self, node_folder: Path) -> str | None:
        """What would have to be installed first, as a command."""
        if self.node:
            if shutil.which("node") is None:
                return "install Node.js"
            if not all((node_folder / "node_modules" / package).is_dir() for package in ("ws", "ioredis")):
                return f"npm install --prefix {node_folder} ws ioredis"
            return None
        lacking = [package for package in self.packages if find_spec(package) is None]
        return f"pip install {' '.join(lacking)}" if lacking else None

    def argv(self, port: int, redis_port: int) -> list[str]:
        """How it is started."""
        module = f"scripts.bench.peers.{self.name.partition(' ')[0]}"
        program = ["node", str(_HERE / "node_ws.js")] if self.node else [sys.executable, "-m", module]
        return [*program, str(port), str(redis_port), *self.arguments]


COALESCING = "trio_raw coalescing"

PEERS = {
    peer.name: peer
    for peer in (
        Peer("trio_raw", "trio, hiredis, bare sockets"),
        Peer("picows", "picows, uvloop, redis.asyncio", ("uvloop", "picows")),
        Peer("asyncio_ws", "asyncio, websockets, redis.asyncio", ("websockets",)),
        Peer("node_ws", "Node.js, ws, ioredis", node=True),
        Peer("trio_naive", "trio-websocket, a task and a channel per client"),
        Peer(COALESCING, "the same as trio_raw, one send per reply of Redis", arguments=("--coalesce",)),
    )
}

SINGLE_PEERS = [name for name in PEERS if name != COALESCING]
"""Those that send every burst on its own."""


def usable(results: Results, names: list[str], node_folder: Path) -> list[Peer]:
    """Those that can be started; of the others it is said what they lack."""
    found = []
    for name in names:
        missing = PEERS[name].missing(node_folder)
        if missing is None:
            found.append(PEERS[name])
        else:
            results.say(f"LEFT OUT: {name} ({PEERS[name].what}); to have it: {missing}")
    return found


@contextmanager
def peer_running(peer: Peer, folder: Path, redis_port: int, node_folder: Path) -> Iterator[tuple[Child, int]]:
    """The process and the port it listens on."""
    port = free_port()
    env = os.environ | {"NODE_PATH": str(node_folder / "node_modules")}
    with Child(peer.argv(port, redis_port), folder / "peer.log", env) as child:
        child.line()
        yield child, port
