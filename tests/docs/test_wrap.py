"""Prose of the pages is at most 120 characters wide, so that a change of a sentence is a change of its lines alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import PAGES, prose

WIDTH = 120


def too_wide(page: Path) -> list[int]:
    """Lines of prose over the width that have a blank at which they could be broken; a code span or a link has none."""
    out = []
    for number, line in prose(page):
        unbreakable = re.sub(r"`[^`]*`|\]\([^)]*\)", lambda m: m[0].replace(" ", "_"), line.strip())
        if len(line) > WIDTH and " " in re.sub(r"^(?:[-*+]|\d+\.) +", "", unbreakable)[:WIDTH]:
            out.append(number)
    return out


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_line_of_prose_is_too_wide(page: Path) -> None:
    assert too_wide(page) == []


def test_a_wide_line_is_found_and_what_cannot_be_broken_is_not(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{'word ' * 30}\n| {'cell ' * 30}|\n```\n{'code ' * 30}\n```\n- `{'span ' * 30}`\n{'x' * 130}\n")
    assert too_wide(page) == [1]
