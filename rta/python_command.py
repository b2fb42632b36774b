"""Starting another process of ours."""

from __future__ import annotations

import os
import sys

__all__ = ["python_command"]


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module as we run, with modules found where we have found ours: with `-m` alone, Python
    would look into the working directory first."""
    safe = [] if sys.path[:1] == [os.getcwd()] else ["-P"]
    return [sys.executable, *safe, "-m", module, *arguments]
