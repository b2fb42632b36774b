"""What the tests of the client library share: an HTTP service that answers as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

Answer = tuple[int, bytes]


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serve these answers by path, others 404; the base URL. Bytes instead of an answer are sent as they are."""
    servers: list[tuple[ThreadingHTTPServer, Thread]] = []

    def serve(answers: dict[str, Answer | bytes]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = answers.get(self.path, (404, b""))
                if isinstance(answer, bytes):
                    self.wfile.write(answer)
                    return
                status, body = answer
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()
