"""Heads of whole answers are what h11 writes, or are left to it."""

from __future__ import annotations

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rta_transports.websocket.whole_answer import head_of_whole

CLOSE = (b"connection", b"close")
Headers = list[tuple[bytes, bytes]]


def by_h11(status: int, headers: Headers) -> bytes:
    """:raises h11.LocalProtocolError: they are not right."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    connection.next_event()
    return connection.send(h11.Response(status_code=status, headers=headers)) or b""


NAMES = st.sampled_from([b"content-type", b"Content-Length", b"x y", b"x:y", b"host", b"", b"etag"]) | st.binary()
VALUES = (
    st.sampled_from([b"2", b"02", b"text/plain", b"a b", b" a", b"a\r\nb: c", b"a\x00", b"", b"\xe9"]) | st.binary()
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=5), st.integers(200, 599), st.booleans())
@example([(b"etag", b"a\r\nset-cookie: b")], 200, True)
@example([(b"etag", b"a\n")], 200, True)
@example([(b"etag\r\n", b"a")], 200, True)
def test_what_is_written_is_what_h11_writes(found: Headers, status: int, kept: bool) -> None:
    headers = [(b"content-length", b"2"), *found]
    written = head_of_whole(status, headers, 2, kept)
    assert written is None or written == by_h11(status, headers if kept else [*headers, CLOSE])


def test_usual_headers_are_written_here() -> None:
    headers = [(b"content-length", b"5"), (b"content-type", b'text/plain; charset="utf-8"'), (b"empty", b"")]
    assert head_of_whole(200, headers, 5, True) == by_h11(200, headers)
    assert head_of_whole(200, headers, 5, False) == by_h11(200, [*headers, CLOSE])


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"content-length", b"4")],
        [(b"Content-Length", b"5"), (b"content-length", b"5")],
        [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")],
        [(b"content-length", b"5"), (b"Connection", b"upgrade")],
        [(b"content-length", b"5"), (b"x", b"y\r\nz: 1")],
        [(b"content-length", b"5"), (b"x", b" y")],
    ],
)
def test_others_are_left_to_h11(headers: Headers) -> None:
    assert head_of_whole(200, headers, 5, True) is None
