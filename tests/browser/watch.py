"""What must not happen in any page of a test: a request to another machine, or an error on the console."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, WebSocket

from .chromium import is_of_this_machine

__all__ = ["Watch"]

_OVER_NETWORK = ("http", "https", "ws", "wss")


class Watch:
    """Notes it, for all pages of the contexts that it is told of."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        """What consoles say, and exceptions that no page has caught."""
        self.elsewhere: list[str] = []
        """URLs of other machines."""
        self.sockets: list[WebSocket] = []
        """WebSockets that pages have asked for."""
        self._expected: list[str] = []

    def follow(self, context: BrowserContext) -> None:
        """From now on."""
        context.on("request", lambda request: self._note_url(request.url))
        context.on("console", lambda message: self._note_error(message.text) if message.type == "error" else None)
        context.on("weberror", lambda error: self._note_error(str(error.error)))
        context.on("page", self._follow_page)
        for page in context.pages:
            self._follow_page(page)

    def expect(self, *patterns: str) -> None:
        """Errors in which such a regular expression is found may come in this test."""
        self._expected += patterns

    @property
    def faults(self) -> list[str]:
        """What the test has to fail for."""
        errors = [e for e in self.errors if not any(re.search(pattern, e) for pattern in self._expected)]
        return [f"asked another machine: {url}" for url in self.elsewhere] + [f"on the console: {e}" for e in errors]

    def _follow_page(self, page: Page) -> None:
        page.on("websocket", self._note_socket)
        page.on("crash", lambda crashed: self._note_error(f"the page {crashed.url} has crashed"))

    def _note_socket(self, socket: WebSocket) -> None:
        self.sockets.append(socket)
        self._note_url(socket.url)

    def _note_url(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in _OVER_NETWORK and not is_of_this_machine(parts.hostname or ""):
            self.elsewhere.append(url)

    def _note_error(self, text: str) -> None:
        self.errors.append(text)
