"""Sites whose page is looked at: what they play, and how they are started."""

from __future__ import annotations

from pathlib import Path

from program import Program, Start

__all__ = ["DRIVE", "SIGN_IN", "STREAMS", "Drive", "started"]

DRIVE = """\
[edge]
port = {port}

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
speed = {speed}
"""
"""A session that goes on for longer than any test."""

STREAMS = """
[site]
node = "site"
administration = true

[[status]]
code = "car.engine"
attributes.speed = { from = "parameter:Speed" }

[[status.stream]]
name = "live"
default = "off"
"""

SIGN_IN = """
[auth]
enabled = true
tokens = "tokens.json"
"""


def started(start: Start, folder: Path, site: str) -> Program:
    """Write a site down, and start it: `drive.csv` has a sample a second, whose value is its number."""
    rows = "".join(f"{nth},{nth}\n" for nth in range(200_000))
    (folder / "drive.csv").write_text(f"Time (s),Speed (km/h)\n{rows}")
    config = folder / "site.toml"
    config.write_text(site)
    return start("run", "--config", config)
