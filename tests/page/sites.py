"""A site whose page is looked at and acted on."""

from __future__ import annotations

import time
from pathlib import Path

from program import Program, Start

from rta.auth.static_tokens import StaticToken, change_tokens, token_digest
from rta.ports.access import Role

__all__ = ["TOKENS", "play", "tokens_of"]

_SITE = """\
[site]
state_dir = "state"
node = "site"
administration = true

[edge]
port = 0

[auth]
enabled = {sign_in}
{auth}

[archive]
transport = "sqlite"
path = "archive"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"
identifier = "Long drive"
details = {{ driver = "Anna" }}
speed = 20

[[source]]
name = "lap"
transport = "csv"
path = "lap.csv"
identity = "lap-1"
identifier = "Short lap"
details = {{ driver = "Berta" }}
speed = 1e6

[[status]]
code = "car.engine"
attributes.speed = {{ from = "parameter:Speed" }}

[[status.stream]]
name = "live"
default = "off"

[[alarm]]
code = "car.fast"
from = "parameter:Speed"
above = 1e6
"""
TOKENS = {role: f"rta_of-one-who-may-{role.name.lower()}" for role in Role}
"""One for each role, where somebody has to sign in."""


def play(start: Start, folder: Path, *, sign_in: bool = False, auth: str = "") -> Program:
    """A drive that goes on for longer than any test, and a lap that has ended. `auth`: further lines of that table."""
    drive = "".join(f"{nth},{nth},{nth % 7}\n" for nth in range(100_000))
    lap = "".join(f"{nth / 10},{nth % 50},{nth % 6}\n" for nth in range(600))
    for name, rows in (("drive", drive), ("lap", lap)):
        (folder / f"{name}.csv").write_text(f"Time (s),Speed (km/h),Gear\n{rows}")
    config = folder / "site.toml"
    config.write_text(_SITE.format(sign_in="true" if sign_in else "false", auth=auth))
    (folder / "state").mkdir()
    if sign_in:
        with change_tokens(tokens_of(folder)) as tokens:
            tokens += [
                StaticToken(f"desk-{role.name.lower()}", role, token_digest(text).hex(), time.time_ns())
                for role, text in TOKENS.items()
            ]
    program = start("run", "--config", config)
    program.logged("session closed", identity="lap-1")
    return program


def tokens_of(folder: Path) -> Path:
    """The file of static tokens of a site in this folder."""
    return folder / "state" / "tokens.json"
