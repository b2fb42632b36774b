"""What the tests of the pages share."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.fixture(scope="session")
def environ(tmp_path_factory) -> dict[str, str]:
    """The environment of the processes: nothing in it configures them, and they find our code compiled."""
    plain = {k: v for k, v in os.environ.items() if not k.upper().startswith("RTA_")}
    if sys.dont_write_bytecode:  # compiling takes a process longer than all the rest
        plain.pop("PYTHONDONTWRITEBYTECODE", None)
        own = tmp_path_factory.getbasetemp()
        plain["PYTHONPYCACHEPREFIX"] = str((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "compiled")
    return plain | {"PYTHONUTF8": "1", "COLUMNS": "120"}
