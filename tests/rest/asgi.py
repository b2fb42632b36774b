"""A client of an ASGI application that stays until it hangs up."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import trio

App = Callable[[Any, Any, Any], Awaitable[None]]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool
    """It has come to its end."""

    @property
    def plain(self) -> bytes:
        """The body, unpacked where it is compressed."""
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body

    @property
    def json(self) -> Any:
        return json.loads(self.plain)

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document, which has to be a whole one."""
        assert self.headers["content-type"] == "application/problem+json"
        document = self.json
        assert document["status"] == self.status
        assert document["type"] == "about:blank"
        assert document["title"]
        assert document["detail"]
        return document


class Asking:
    """One request. What has come of its answer can be seen while it is on its way."""

    def __init__(
        self,
        app: App,
        target: str,
        method: str = "GET",
        body: bytes = b"",
        client: str = "192.0.2.1",
        takes: int | None = None,
        **headers: str,
    ) -> None:
        """`takes`: pieces of the body that it takes; it reads no more then. None: all."""
        path, _, query = target.partition("?")
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
            "client": (client, 5555),
        }
        self.pieces: list[bytes] = []
        self.start: dict[str, Any] | None = None
        self.stalled = trio.Event()
        """It reads no more."""
        self._app = app
        self._body = [body]
        self._takes = takes
        self._whole = False
        self._gone = trio.Event()

    def hang_up(self) -> None:
        self._gone.set()

    async def run(self) -> Answer:
        await self._app(self.scope, self._receive, self._send)
        return self.answer

    @property
    def answer(self) -> Answer:
        assert self.start is not None, "there is no answer"
        headers = {k.decode(): v.decode() for k, v in self.start["headers"]}
        assert len(headers) == len(self.start["headers"]), "a header is there twice"
        return Answer(self.start["status"], headers, b"".join(self.pieces), self._whole)

    async def _receive(self) -> dict[str, Any]:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await trio.lowlevel.checkpoint()
        if self._gone.is_set():
            raise OSError("the client is gone")
        if message["type"] == "http.response.start":
            self.start = message
            return
        assert self.start is not None
        if self._takes is not None and len(self.pieces) >= self._takes:
            self.stalled.set()
            await trio.sleep_forever()
        self.pieces.append(bytes(message.get("body", b"")))
        self._whole = not message.get("more_body", False)


async def ask(app: App, target: str, method: str = "GET", body: bytes = b"", **more: Any) -> Answer:
    """Ask, and read the whole answer."""
    with trio.fail_after(30):
        return await Asking(app, target, method, body, **more).run()
