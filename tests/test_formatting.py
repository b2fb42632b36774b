"""Texts that others read have no tokens in them."""

from __future__ import annotations

import io
import secrets
from base64 import urlsafe_b64encode

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from issuing import token

from rta.auth.static_tokens import new_token_text
from rta.auth.tickets import Ticket, write_ticket
from rta.formatting import without_tokens
from rta.logs import set_up_logging
from rta.ports.access import Role, Subject

ISSUED = token()
TICKETS = [
    write_ticket(Ticket(first * 32, Subject("anna", Role.READ), "s-1", "https://page.example", 1), b"k" * 32)
    for first in "0f"
]
TEXTS = {
    "issued": ISSUED,
    "static": new_token_text(secrets.token_bytes),
    "ticket": TICKETS[0],
    "ticket whose id begins with a letter": TICKETS[1],
    "ticket, in Base64": urlsafe_b64encode(TICKETS[0].encode()).decode().rstrip("="),
    "that other ticket, in Base64": urlsafe_b64encode(TICKETS[1].encode()).decode().rstrip("="),
    "issued, in Base64": "ZXlKaGJHY2lPaUpGVXpJMU5pSXNJblI1Y0NJNklrcFhWQ0o5LmUzMC5zaWc",
    "static, in Base64": "cnRhX0FBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("around", ["{}", "GET /?t={} HTTP/1.1", "Bearer%20{}&x=1", '{{"stream": "{}"}}', "({}, {})"])
def test_of_a_token_four_characters_are_left(text: str, around: str) -> None:
    assert without_tokens(around.format(text, text)) == around.format(f"{text[:4]}…", f"{text[:4]}…")


@pytest.mark.parametrize(
    "text", ["rta_sign_in_refused_total", "rta.ticket.", "eyJ", "drive-1", "2.1.4", "rta_workers", "[auth] tokens_file"]
)
def test_other_words_stay(text: str) -> None:
    assert without_tokens(text) == text


@given(st.text())
def test_what_is_left_of_a_text_stays_as_it_is(text: str) -> None:
    assert without_tokens(without_tokens(text)) == without_tokens(text)


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_token_comes_into_the_log(form: str) -> None:
    out = io.StringIO()
    set_up_logging("debug", form, out)
    try:
        raise ValueError(f"no stream {ISSUED}")
    except ValueError as e:
        structlog.get_logger("rta").error(f"it failed: {ISSUED}", path=f"/{ISSUED}", names=[ISSUED], exc_info=e)
    said = out.getvalue()
    assert "no stream eyJh" in said
    assert ISSUED.rpartition(".")[2] not in said
