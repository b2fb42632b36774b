"""Redis stands still for longer than every timeout, under a writer and a client: nothing may be lost or doubled.

    python scripts/pause.py                  half a minute
    python scripts/pause.py --seconds 120    longer
    python scripts/pause.py --kill           killed instead, and started again with its data

Starts its own redis-server and service, and ends them. Exits with 1 if the client lacks a sample or has one twice.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import trio

from rta.client import open_live_stream
from rta.errors import TransportError
from rta.wire import ChannelId, decode_timestamped
from rta.writer import open_writer

RATE = 50  # samples a second
BEFORE, AFTER = 2.0, 3.0  # seconds of writing
PATIENCE = 20.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as s:
        return int(s.getsockname()[1])


class Redis:
    """Has every write on disk before it answers."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [
            shutil.which("redis-server") or "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
        ]
        self._command += ["--dir", str(folder), "--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                    s.sendall(b"PING\r\n")
                    if s.recv(64).startswith(b"+PONG"):
                        return
            except OSError:
                time.sleep(0.02)
        raise SystemExit("redis-server does not start")


async def serve(redis: Redis, folder: Path) -> tuple[trio.Process, int]:
    port = free_port()
    config = folder / "site.toml"
    config.write_text(f'[edge]\nport = {port}\n[buffer]\ntransport = "redis"\nurl = "{redis.url}"\n')
    environ = {k: v for k, v in os.environ.items() if not k.upper().startswith("RTA_")}
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "rta", "run", "--config", str(config)], env=environ, stderr=subprocess.DEVNULL
    )
    with trio.fail_after(PATIENCE):
        while True:
            try:
                (await trio.open_tcp_stream("127.0.0.1", port)).socket.close()
            except OSError:
                await trio.sleep(0.05)
            else:
                return process, port


class Trial:
    """What was written, and what came."""

    def __init__(self) -> None:
        self.written = 0
        self.came: Counter[int] = Counter()
        self.last_came = trio.current_time()

    async def write(self, url: str, opened: trio.Event, stop: trio.Event) -> None:
        async with open_writer(url, stream="pause") as writer:
            session = await writer.open_session(identity="pause")
            while not stop.is_set():
                await session.write(ChannelId(1), [time.time_ns()], [float(self.written)])
                self.written += 1
                opened.set()
                await trio.sleep(1 / RATE)

    async def read(self, port: int) -> None:
        while True:
            try:
                async with open_live_stream(f"http://127.0.0.1:{port}", "pause") as stream:
                    await stream.subscribe(all_data=True)
                    while True:
                        burst = await stream.receive()
                        for item in burst.message().data:
                            if item.WhichOneof("data") == "timestamped_data":
                                _, values = decode_timestamped(item.timestamped_data)
                                self.came.update(int(v) for v in values)
                                self.last_came = trio.current_time()
            except TransportError:
                if self.came:
                    return
                await trio.sleep(0.1)


async def run(seconds: float, kill: bool) -> bool:
    with TemporaryDirectory(prefix="rta-pause-") as name:
        redis = Redis(Path(name))
        service, port = await serve(redis, Path(name))
        try:
            return await attempt(redis, port, seconds, kill)
        finally:
            service.terminate()
            await service.wait()
            redis.process.send_signal(signal.SIGCONT)
            redis.process.kill()
            redis.process.wait()


async def attempt(redis: Redis, port: int, seconds: float, kill: bool) -> bool:
    trial, opened, stop = Trial(), trio.Event(), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trial.write, redis.url, opened, stop)
        await opened.wait()
        nursery.start_soon(trial.read, port)
        await trio.sleep(BEFORE)
        if kill:
            redis.process.kill()
        else:
            redis.process.send_signal(signal.SIGSTOP)
        before = len(trial.came)
        click.echo(f"Redis {'killed' if kill else 'paused'} for {seconds:g} s; the client has {before} samples")
        await trio.sleep(seconds)
        if kill:
            redis.start()
        else:
            redis.process.send_signal(signal.SIGCONT)
        back = trio.current_time()
        with trio.fail_after(PATIENCE):
            while len(trial.came) <= before + 1:
                await trio.sleep(0.005)
        click.echo(f"data again {trial.last_came - back:.2f} s after Redis was back")
        await trio.sleep(AFTER)
        stop.set()
        with trio.move_on_after(PATIENCE):
            while len(trial.came) < trial.written:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    missing = [i for i in range(trial.written) if i not in trial.came]
    doubled = [i for i, n in trial.came.items() if n > 1]
    click.echo(json.dumps({"written": trial.written, "lost": len(missing), "doubled": len(doubled)}))
    return not missing and not doubled


@click.command()
@click.option("--seconds", default=30.0, show_default=True, help="How long.")
@click.option("--kill", is_flag=True, help="Killed and started again instead.")
def main(seconds: float, kill: bool) -> None:
    """Let Redis stand still under a writer and a client."""
    sys.exit(0 if trio.run(run, seconds, kill) else 1)


if __name__ == "__main__":
    main()
