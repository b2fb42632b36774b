"""Whoever is refused is said once for each source and reason, within a bound, and nothing of what was brought."""

from __future__ import annotations

import pytest
from issuing import SECOND, Time, make_sign_in
from structlog.testing import capture_logs

from rta.auth import refusal_log
from rta.auth.refusal_log import RefusalLog
from rta.ports.access import NotAdmitted, StreamRequest

ENDED = NotAdmitted(401, "the token has ended", "ended")
WRONG = NotAdmitted(401, "the token's signature is wrong", "signature")
HOUR = 3600 * SECOND


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def refusals(time) -> RefusalLog:
    return RefusalLog(time)


def sources(logs):
    return [line["source"] for line in logs if "source" in line]


def test_a_source_is_said_once_for_each_reason_and_again_after_an_hour(refusals, time):
    with capture_logs() as logs:
        for error in (ENDED, WRONG, ENDED, ENDED):
            refusals.note(error, "192.0.2.1")
        refusals.note(ENDED, "192.0.2.2")
        time.now += HOUR
        refusals.note(ENDED, "192.0.2.1")
    said = [(line["source"], line["reason"], line["why"], line["log_level"]) for line in logs]
    assert said == [
        ("192.0.2.1", "ended", "the token has ended", "warning"),
        ("192.0.2.1", "signature", "the token's signature is wrong", "warning"),
        ("192.0.2.2", "ended", "the token has ended", "warning"),
        ("192.0.2.1", "ended", "the token has ended", "warning"),
    ]


def test_a_clock_that_is_put_back_begins_anew(refusals, time):
    with capture_logs() as logs:
        for _ in range(3):
            refusals.note(ENDED, "192.0.2.1")
            time.now -= SECOND
    assert len(logs) == 3


def test_a_site_with_ipv6_is_one_source(refusals):
    with capture_logs() as logs:
        for client in ("2001:db8::1", "2001:db8::2", "::ffff:192.0.2.1", "192.0.2.1"):
            refusals.note(ENDED, client)
    assert sources(logs) == ["2001:db8::/64", "192.0.2.1"]


def test_what_is_no_address_is_not_said(refusals):
    with capture_logs() as logs:
        refusals.note(ENDED, "rta_secret")
        refusals.note(ENDED, None)
    assert sources(logs) == ["unknown"]


def test_a_crowd_does_not_fill_the_log(refusals, time, monkeypatch):
    monkeypatch.setattr(refusal_log, "_MOST", 3)
    for _ in range(2):
        with capture_logs() as logs:
            for number in range(100):
                refusals.note(ENDED, f"192.0.2.{number}")
        assert sources(logs) == ["192.0.2.0", "192.0.2.1", "192.0.2.2"]
        assert [line["event"] for line in logs if "source" not in line] == [
            "too many are refused to name them; they are only counted for an hour"
        ]
        time.now += HOUR


async def test_a_refused_websocket_is_said_with_its_client_and_without_its_token():
    stage = make_sign_in()
    asked = StreamRequest("s-1", {"authorization": "Bearer rta_secret"}, "192.0.2.1", True)
    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(NotAdmitted):
                await stage.sign_in.admit_stream(asked)
    assert (stage.refusals.reasons["unknown_token"], sources(logs)) == (2, ["192.0.2.1"])
    assert "secret" not in str(logs)
