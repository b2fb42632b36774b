"""Fixtures of the history's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fast_folder import in_memory


@pytest.fixture
def folder() -> Iterator[Path]:
    """Empty, and fast."""
    with in_memory() as path:
        yield path
