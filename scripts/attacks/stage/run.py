"""One attack from the start of its servers to the table."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from scripts.attacks.stage.attack import Attack, Sizes, Stage
from scripts.attacks.stage.figures import show
from scripts.attacks.stage.memory import Memory
from scripts.bench.certificate import write_certificate
from scripts.bench.gate import Gate, Slot
from scripts.bench.mosquitto import Mosquitto
from scripts.bench.processes import BenchError, Child
from scripts.bench.redis_server import RedisServer
from scripts.bench.report import Results
from scripts.bench.service import Running, start

__all__ = ["run"]

_START = 60.0  # seconds


def run(name: str, attack: Attack, sizes: Sizes, folder: Path, results: Results) -> None:
    """Bring everything up, let the attack strike, and show what the honest client and the kernel say."""
    with ExitStack() as servers:
        redis = servers.enter_context(RedisServer(folder))
        servers.enter_context(redis.emptied(2))
        broker = servers.enter_context(Mosquitto(folder)) if attack.broker else None
        stage = Stage(folder, sizes, redis, broker)
        found = _perform(attack, stage)
    rows = show(results, name, stage, found)
    results.add(name, count=sizes.count, seconds=sizes.seconds, rows=rows, said=stage.said)


def _perform(attack: Attack, stage: Stage) -> dict[str, Any]:
    more = attack.prepare(stage)
    began = time.monotonic()
    edge, ca = dict(attack.edge), None
    if attack.tls:
        write_certificate(stage.folder)
        ca = stage.folder / "cert.pem"
        edge |= {"cert_file": str(ca), "key_file": str(stage.folder / "key.pem")}
    service = start(stage.folder, redis=stage.redis.url, edge=edge, more=more)
    memory = Memory(service.child)
    try:
        stage.service = service
        _wait(service)
        stage.say(f"the service accepted connections {time.monotonic() - began:.1f} s after its start")
        memory.start()
        with _honest(stage, ca) as found:
            stage.stretch("quiet")
            time.sleep(stage.sizes.quiet)
            stage.stretch("attack")
            attack.strike(stage)
            stage.stretch("after")
            time.sleep(stage.sizes.quiet)
        memory.end()
        if not service.child.running:
            stage.say(f"the service has ended:\n{service.child.errors()}")
        found["memory"] = memory.samples
        return found
    finally:
        ending = time.monotonic()
        service.child.stop(20)
        stage.say(f"the service ended {time.monotonic() - ending:.1f} s after SIGTERM; it was killed after 20 s")


def _wait(service: Running) -> None:
    until = time.monotonic() + _START
    while not service.listens:
        if not service.child.running or time.monotonic() > until:
            raise BenchError(
                f"the service does not listen within {_START:g} s, or has ended:\n{service.child.errors()}"
            )
        time.sleep(0.01)


@contextmanager
def _honest(stage: Stage, ca: Path | None) -> Iterator[dict[str, Any]]:
    """A producer and the honest client; filled with what the client has seen. `ca`: of the service, if over TLS."""
    path, out = stage.folder / "honest-gate", stage.folder / "honest.json"
    gate = Gate(path)
    python = [sys.executable, "-m"]
    client = [*python, "scripts.attacks.stage.honest", str(path), str(stage.service.port), str(out)]
    client += [] if ca is None else [str(ca)]
    producer = [*python, "scripts.attacks.stage.producer", str(path), str(stage.redis.port), str(stage.sizes.rate)]
    found: dict[str, Any] = {}
    with Child(client, stage.folder / "honest.log") as honest:
        honest.line()
        time.sleep(0.5)  # it has subscribed by then
        with Child(producer, stage.folder / "producer.log") as sending:
            sending.line()
            yield found
            gate[Slot.ENOUGH] = 1
            until = time.monotonic() + 30
            while honest.running and time.monotonic() < until:
                time.sleep(0.05)
            if not out.exists():
                raise BenchError(f"the honest client has failed:\n{honest.errors()}")
            found |= json.loads(out.read_text())
            found["sent"] = gate[Slot.SENT]
