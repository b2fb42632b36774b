"""A service that pages of other sites attack: streams that are stopped, a recording that could be deleted, and what one
sees of it that something has come of an attack."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asking import Answer, ask
from attrs import frozen
from program import Program, Start

from rta.auth.static_tokens import StaticToken, change_tokens, token_digest
from rta.ports.access import Role

__all__ = ["LIVE", "RECORDED", "STREAM", "Attacked", "attacked"]

LIVE = "/rta/v2/sessions/drive-1"
RECORDED = "/rta/v2/sessions/lap-1"
STREAM = "/rta/v2/streams/car.engine/live"

_SITE = """
[site]
state_dir = "state"
node = "site"
administration = true

[edge]
port = 0

[auth]
enabled = {enabled}
origins = {origins}
metrics = "read"

[archive]
transport = "sqlite"

[logging]
format = "json"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"

[[source]]
name = "lap"
transport = "csv"
path = "lap.csv"
speed = 1000
identity = "lap-1"

[[status]]
code = "car.engine"
attributes.speed = {{ from = "parameter:Speed" }}

[[status.stream]]
name = "live"
default = "off"
"""


@frozen
class Attacked:
    """One service."""

    program: Program
    audit: Path
    token: str | None
    """Of somebody who may do everything; None: nobody has to sign in."""

    @property
    def url(self) -> str:
        return self.program.url

    def ask(self, path: str, **more: Any) -> Answer:
        """As a program on this machine asks that may do everything."""
        return ask(self.program.address, path, self.token, **more)

    @property
    def state(self) -> dict[str, Any]:
        """What an attack that has succeeded would have changed. What comes of itself is not in it."""
        streams = self.ask("/rta/v2/streams").json
        metrics = self._metrics
        return {
            "streams": [[s[name] for name in ("code", "name", "state")] for s in streams["streams"]],
            "recording": self.ask(RECORDED).json["identity"],
            "done": self.audit.read_text() if self.audit.exists() else "",
            "clients": {name: value for name, value in metrics.items() if name.startswith("rta_clients")},
        }

    @property
    def refused(self) -> dict[str, float]:
        """Requests refused for who asks, by reason."""
        found = {re.fullmatch(r'rta_sign_in_refused_total\{reason="(\w+)"\}', n): v for n, v in self._metrics.items()}
        return {match[1]: value for match, value in found.items() if match is not None}

    @property
    def _metrics(self) -> dict[str, float]:
        lines = [line.rsplit(" ", 1) for line in self.ask("/metrics").text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}


@contextmanager
def attacked(start: Start, folder: Path, sign_in: bool, *origins: str) -> Iterator[Attacked]:
    """Start one, in this folder. `origins`: of pages that may use it."""
    folder.mkdir()
    (folder / "drive.csv").write_text("Time (s),Speed\n" + "".join(f"{i / 10},{i}\n" for i in range(36_000)))
    (folder / "lap.csv").write_text("Time (s),Speed\n0.25,112.5\n0.50,140\n0.75,171.25\n")
    config = folder / "site.toml"
    config.write_text(_SITE.format(enabled=json.dumps(sign_in), origins=json.dumps(origins)))
    token = "rta_of-an-administrator" if sign_in else None
    (folder / "state").mkdir()
    if token is not None:
        with change_tokens(folder / "state" / "tokens.json") as tokens:
            tokens.append(StaticToken("desk", Role.ADMINISTER, token_digest(token).hex(), time.time_ns()))
    program = start("run", "--config", config)
    service = Attacked(program, folder / "state" / "audit.jsonl", token)
    program.logged("session closed", identity="lap-1")
    program.until(lambda: service.ask(LIVE).status == 200, "the live session")
    yield service
