"""No line of a page is over 120 characters wide: in prose a change of a sentence is a change of its lines alone, and
nothing of a table or a block is cut off where it is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import ROOT

WIDTH = 120
FOLDERS = ("config", "deploy", "docs", "proto", "rta", "scripts", "tests", "transports")
WRITTEN = [
    *ROOT.glob("*.md"),
    *(page for folder in FOLDERS for page in sorted((ROOT / folder).rglob("*.md")) if "node_modules" not in page.parts),
]


def too_wide(page: Path) -> list[int]:
    """The numbers of lines over the width."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if len(line) > WIDTH]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_line_is_too_wide(page: Path) -> None:
    assert too_wide(page) == []


def test_a_wide_line_is_found_wherever_it_stands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{'word ' * 30}\n| {'cell ' * 30}|\n```\n{'code ' * 30}\n```\n{'é' * 120}\n{'é' * 121}\n")
    assert too_wide(page) == [1, 2, 4, 7]
