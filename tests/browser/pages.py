"""Fixtures: a browser for the tests of a folder, and for each test pages of its own. Conftests take them from here.

Playwright's calls block, so these tests are plain functions, outside of Trio.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from .chromium import DARK, DESKTOP, PHONE, running_chromium
from .watch import Watch

__all__ = ["PATIENCE", "OpenPage", "chromium", "open_page", "page", "watch"]

PATIENCE = 50_000  # ms after which what was waited for is taken to never come

OpenPage = Callable[..., Page]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One for all tests of a folder: what they do to it stays in contexts of their own."""
    expect.set_options(timeout=PATIENCE)
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def watch() -> Watch:
    """What must not happen in the pages of this test, and what may."""
    return Watch()


@pytest.fixture
def open_page(chromium: Browser, watch: Watch) -> Iterator[OpenPage]:
    """Open an empty page that shares nothing with others: `phone` and `dark` say how it looks, and further arguments
    are those of a context of Playwright. A request to another machine and an error on the console fail the test."""
    contexts: list[BrowserContext] = []

    def open_page(*, phone: bool = False, dark: bool = False, **more: Any) -> Page:
        context = chromium.new_context(**(PHONE if phone else DESKTOP) | (DARK if dark else {}) | more)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        watch.follow(context)
        return context.new_page()

    try:
        yield open_page
        for context in contexts:
            for page in context.pages:
                page.title()  # what the browser has said before has come then
    finally:
        for context in contexts:
            context.close()
    assert watch.faults == [], watch.faults


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """An empty page, as on a desk by day."""
    return open_page()
