"""The page of a real service, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.pages import chromium, open_page, page, watch
from program import Start, starting

__all__ = ["chromium", "open_page", "page", "watch"]


@pytest.fixture(autouse=True)
def start(tmp_path: Path, environ: dict[str, str]) -> Iterator[Start]:
    """Start `rta`, each time in a folder of its own. It is there before any page is, and so until all are closed."""
    with starting(tmp_path, environ) as start:
        yield start
