"""The browser of the tests: the distribution's Chromium, which reaches nothing beyond this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, sync_playwright

__all__ = ["DARK", "DESKTOP", "PHONE", "is_of_this_machine", "running_chromium"]

Look = dict[str, Any]
"""Options of a context of Playwright."""

DESKTOP: Look = {"viewport": {"width": 1280, "height": 800}}
PHONE: Look = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
DARK: Look = {"color_scheme": "dark"}

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SUFFIX = ".example"
_RULES = ", ".join([f"MAP *{_SUFFIX} 127.0.0.1", "MAP * ~NOTFOUND", *(f"EXCLUDE {host}" for host in _LOOPBACK[:2])])
"""Every name that ends in `.example` is this machine; other names are not there."""


def is_of_this_machine(host: str) -> bool:
    """Whether the browser looks for a host of a URL here."""
    return host in _LOOPBACK or host.endswith(_SUFFIX)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """One browser. Playwright keeps an event loop in this thread while it runs, beside which there can be no other of
    asyncio.

    :raises AssertionError: it is not installed.
    """
    path = shutil.which("chromium")
    assert path is not None, "there is no chromium: `make test` installs it, or says why not"
    with sync_playwright() as playwright:
        # As root there is no sandbox, and the pages are all our own.
        arguments = ["--no-sandbox", f"--host-resolver-rules={_RULES}"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
