"""The page in the browser, as `GET /` gives it to whoever takes HTML, and the files that it loads.

Source: docs/page.md, "How it is served".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from rta.page import PageFile, page_file
from rta.rest.negotiation import takes_gzip
from rta.rest.problem import RequestProblem
from rta.rest.routing import segment

__all__ = ["PageResource"]

_FOR_EVER = "public, max-age=31536000, immutable"
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class PageResource:
    """The endpoints."""

    def __init__(self, issuer_urls: Callable[[], Iterable[str]]) -> None:
        """`issuer_urls`: what it may ask of the issuer at which one signs in, as far as is known."""
        self._issuer_urls = issuer_urls

    def page(self, request: Request) -> Response:
        """The page itself, which is asked for anew each time."""
        file = page_file("index.html")
        assert file is not None
        return self._answer(request.headers, file, "no-cache")

    async def file(self, request: Request) -> Response:
        """A file that it loads. The name has a digest of what is in it, so it never changes."""
        file = page_file(segment(request.scope, "file"))
        if file is None:
            raise RequestProblem(404, "the page has no such file: load it again")
        return self._answer(request.headers, file, _FOR_EVER)

    def _answer(self, headers: Headers, file: PageFile, kept: str) -> Response:
        answer = Response(
            file.whole,
            headers={
                "content-type": file.media_type,
                "content-security-policy": _policy(self._issuer_urls()),
                "cache-control": kept,
                "cross-origin-opener-policy": "same-origin",
                "vary": "Accept, Accept-Encoding",
            },
        )
        if takes_gzip(headers):
            answer.body = file.packed
            answer.headers["content-length"] = str(len(file.packed))
            answer.headers["content-encoding"] = "gzip"
        return answer


def _policy(urls: Iterable[str]) -> str:
    origins = (f"{url.scheme}://{url.netloc}" for url in map(urlsplit, urls))
    return _POLICY.format(" ".join(dict.fromkeys(("'self'", *origins))))
