"""A web server for pages of other sites."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from attrs import frozen

__all__ = ["Content", "serving"]


@frozen
class Content:
    """What is at one path."""

    body: bytes
    type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = {}


@contextmanager
def serving(contents: Mapping[str, Content]) -> Iterator[int]:
    """Serve these on loopback, by their paths: the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = contents.get(self.path)
            self.send_response(404 if content is None else 200)
            found = Content(b"", "text/plain") if content is None else content
            headers = {"Content-Type": found.type, "Content-Length": str(len(found.body)), **found.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
