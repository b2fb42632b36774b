"""A browser without scripts: it goes where it is sent, keeps cookies, and fills in and sends the forms of an issuer."""

from __future__ import annotations

import urllib.error
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode, urljoin

from attrs import frozen

__all__ = ["FormBrowser", "Page"]

_MOST = 10  # forms, one behind the other
_PATIENCE = 50.0  # seconds for a page


@frozen
class Page:
    """What it shows in the end."""

    status: int
    url: str
    text: str


class FormBrowser:
    """Of one person."""

    def __init__(self, goes_not_to: str = "nowhere", **answers: str) -> None:
        """`goes_not_to`: it shows addresses that begin so, and does not go there. `answers`: what is typed into fields,
        by their names; a password is anything."""
        self._answers = {"password": "any", **answers}
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies, _Redirections(goes_not_to))

    def visit(self, url: str) -> Page:
        """Go there, and fill in and send what is asked for until nothing is any more."""
        page = self.get(url)
        for _ in range(_MOST):
            form = _Form(page.text)
            if form.action is None:
                return page
            page = self._send(urljoin(page.url, form.action), {**form.fields, **form.typed(self._answers)})
        raise AssertionError(f"{page.url} asks again and again")

    def get(self, url: str) -> Page:
        """Go there, and do nothing."""
        return self._open(urllib.request.Request(url))

    def cancel(self, url: str) -> Page:
        """Go there, and do not sign in."""
        return self.get(self.get(url).url + "/abort")

    def _send(self, url: str, fields: dict[str, str]) -> Page:
        return self._open(urllib.request.Request(url, urlencode(fields).encode()))

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=_PATIENCE) as answer:
                return Page(answer.status, answer.url, answer.read().decode())
        except urllib.error.HTTPError as e:
            with e:
                return Page(e.code, e.headers.get("location", e.url), e.read().decode())


class _Redirections(urllib.request.HTTPRedirectHandler):
    def __init__(self, goes_not_to: str) -> None:
        self._goes_not_to = goes_not_to

    def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
        return None if arguments[-1].startswith(self._goes_not_to) else super().redirect_request(*arguments)


class _Form(HTMLParser):
    """The first one of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.feed(text)

    def typed(self, answers: dict[str, str]) -> dict[str, str]:
        return {name: answers[name] for name in self.fields if name in answers}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = given.get("action", "")
        elif tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")
