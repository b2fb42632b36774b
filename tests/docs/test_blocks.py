"""Blocks that a page writes in another way are not passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import Block, sections


def written(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


@pytest.mark.parametrize(
    "text",
    [
        "- a list\n\n  ```python\n  x = 1\n  ```\n",
        "~~~python\nx = 1\n~~~\n",
        "```python title=x\nx = 1\n```\n",
        "```sh-x\nls\n```\n",
    ],
)
def test_a_block_that_would_not_be_read_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.ROOT", tmp_path)
    with pytest.raises(AssertionError, match="nothing runs"):
        sections(written(tmp_path, text))


def test_a_block_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.ROOT", tmp_path)
    with pytest.raises(AssertionError, match="no end"):
        sections(written(tmp_path, "```python\nx = 1\n"))


def test_a_block_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.ROOT", tmp_path)
    [section] = sections(written(tmp_path, "## A\n\n```python\nx = 1\n```\n"))
    assert section.blocks == [Block("python", "x = 1\n")]
