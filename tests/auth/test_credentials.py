"""What a request brings to sign in with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from issuing import encoded

from rta.auth.credentials import (
    KUBERNETES_PROTOCOL,
    TICKET_PROTOCOL,
    StreamCredentials,
    bearer_token,
    stream_credentials,
)
from rta.auth.tokens import LONGEST_TOKEN
from rta.ports.access import NotAdmitted

IN_KUBERNETES_FORM = KUBERNETES_PROTOCOL + encoded(b"a.b.c")


@pytest.mark.parametrize("header", ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c ", " Bearer a.b.c"])
def test_a_bearer_token_is_found(header):
    assert bearer_token(header) == "a.b.c"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "a.b.c",
        "Bearer a.b.c, Bearer d.e.f",
        "Bearer a b",
        "Bearer é",
        "Bearera.b.c",
        "Bearer " + "a" * (LONGEST_TOKEN + 1),
    ],
)
def test_another_header_is_refused_without_being_quoted(header):
    with pytest.raises(NotAdmitted) as caught:
        bearer_token(header)
    assert caught.value.status == 401
    assert 'error="invalid_request"' in caught.value.challenge
    assert "a.b.c" not in caught.value.challenge


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, StreamCredentials()),
        ({"sec-websocket-protocol": "rta"}, StreamCredentials()),
        ({"authorization": "Bearer a.b.c"}, StreamCredentials(token="a.b.c")),
        ({"sec-websocket-protocol": f"rta, {TICKET_PROTOCOL}t.s"}, StreamCredentials(ticket="t.s")),
        ({"sec-websocket-protocol": f"{IN_KUBERNETES_FORM},rta"}, StreamCredentials(token="a.b.c")),
    ],
)
def test_a_websocket_brings_a_header_or_a_sub_protocol(headers, found):
    assert stream_credentials(headers) == found


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer a.b.c", "sec-websocket-protocol": f"rta,{TICKET_PROTOCOL}t.s"},
        {"sec-websocket-protocol": f"{TICKET_PROTOCOL}t.s,{TICKET_PROTOCOL}t.s"},
        {"sec-websocket-protocol": f"{TICKET_PROTOCOL}t.s,{IN_KUBERNETES_FORM}"},
        {"sec-websocket-protocol": KUBERNETES_PROTOCOL},
        {"sec-websocket-protocol": KUBERNETES_PROTOCOL + "a"},
        {"sec-websocket-protocol": KUBERNETES_PROTOCOL + encoded("é".encode())},
        {"sec-websocket-protocol": KUBERNETES_PROTOCOL + encoded(b"a, b")},
        {"sec-websocket-protocol": KUBERNETES_PROTOCOL + "A" * 30_000},
    ],
)
def test_several_or_malformed_ones_are_refused(headers):
    with pytest.raises(NotAdmitted):
        stream_credentials(headers)


@given(st.dictionaries(st.sampled_from(["authorization", "sec-websocket-protocol"]), st.text()), st.text())
def test_any_text_is_read_or_refused(headers, tail):
    for brought in (headers, {"sec-websocket-protocol": KUBERNETES_PROTOCOL + tail}):
        try:
            found = stream_credentials(brought)
        except NotAdmitted:
            continue
        assert found.token is None or len(found.token) <= LONGEST_TOKEN


def test_they_are_not_shown():
    assert "secret" not in repr(StreamCredentials("secret", "secret"))
