"""The page's sources pass their own checks, and what is served is what they make."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

WEB = Path(__file__).parents[2] / "web"
PATIENCE = 300.0


def node(*arguments: str) -> None:
    """Run a program of the page's sources, which has to be content."""
    program = shutil.which("node")
    assert program is not None, "there is no node: the page cannot be built"
    assert (WEB / "node_modules/esbuild").is_dir(), "the page's packages are not installed: scripts/setup web"
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [program, *arguments], cwd=WEB, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_served_is_built_of_the_sources() -> None:
    node("build.mjs", "--check")


def test_the_types_are_right() -> None:
    node("node_modules/typescript/bin/tsc", "--noEmit")


def test_the_plain_code_passes_its_tests() -> None:
    node("test.mjs")
