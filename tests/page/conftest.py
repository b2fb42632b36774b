"""The page of a real service, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.pages import chromium, open_page, page, watch
from playwright.sync_api import Page
from program import Start, starting

__all__ = ["TakePicture", "chromium", "open_page", "page", "watch"]

TakePicture = Callable[[Page, str], None]


@pytest.fixture(autouse=True)
def start(tmp_path: Path, environ: dict[str, str]) -> Iterator[Start]:
    """Start `rta`, each time in a folder of its own. It is there before any page is, and so until all are closed."""
    with starting(tmp_path, environ) as start:
        yield start


@pytest.fixture
def picture_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder that `--pictures` names; where it names none, one that nobody looks into."""
    given: str | None = request.config.getoption("--pictures")
    folder = tmp_path / "pictures" if given is None else request.config.invocation_params.dir / given
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def take_picture(picture_folder: Path) -> TakePicture:
    """Keep what somebody sees of a page, under a name."""

    def take_picture(page: Page, name: str) -> None:
        page.screenshot(path=picture_folder / f"{name}.png")

    return take_picture
