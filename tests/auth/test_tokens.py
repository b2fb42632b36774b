"""Tokens of the issuer: which are right, and each way in which one is not."""

from __future__ import annotations

import hmac
import json
import math
import string
from hashlib import sha256

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from issuing import ISSUER, NOW, SECOND, claims, encoded, forged, key_set, private, public, token

from rta.auth import AuthSettings
from rta.auth.roles import RoleRules
from rta.auth.tokens import LONGEST_TOKEN, TokenRules, UnknownKey, verify
from rta.ports.access import NotAdmitted, Role, Subject

ALGORITHMS = AuthSettings().algorithms
KEYS = key_set(public("ES256"), public("RS256"))
NESTED = "[" * 5000


def rules(**changed):
    made = AuthSettings(authority=ISSUER, audience="rta", **changed)
    return TokenRules("rta", frozenset(made.algorithms), 30 * SECOND, RoleRules.of(made))


def refused(text: str, keys=KEYS, now: int = NOW, **changed) -> str:
    with pytest.raises(NotAdmitted) as caught:
        verify(text, keys, rules(**changed), now)
    assert caught.value.status == 401
    assert caught.value.challenge.startswith('Bearer realm="rta", error="invalid_token", error_description="')
    assert len(text) < 20 or text not in f"{caught.value}{caught.value.challenge}"
    return caught.value.reason


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_right_token_of_each_algorithm_says_who_it_is(algorithm):
    found = verify(token(algorithm), key_set(public(algorithm)), rules(), NOW)
    assert found == Subject("anna", Role.READ, NOW + 630 * SECOND)


def test_the_audience_may_be_one_of_several():
    assert verify(token(aud=["other", "rta"]), KEYS, rules(), NOW).name == "anna"


@pytest.mark.parametrize("kind", [None, "JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_types_of_access_tokens_are_taken(kind):
    assert verify(token(head={"typ": kind}), KEYS, rules(), NOW).name == "anna"


@pytest.mark.parametrize("kind", ["dpop+jwt", "logout+jwt", "id_token", "", 7, ["JWT"]])
def test_other_types_are_not(kind):
    assert refused(forged({"alg": "ES256", "kid": "ES256-0", "typ": kind}, claims())) == "type"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": ISSUER + "/"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"iss": [ISSUER]}, "issuer"),
        ({"aud": "rta2"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": ["other"]}, "audience"),
        ({"aud": {"rta": 1}}, "audience"),
        ({"exp": None}, "malformed"),
        ({"exp": "1895000000"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"exp": [1]}, "malformed"),
        ({"exp": -1}, "malformed"),
        ({"exp": 10**300}, "malformed"),
        ({"exp": NOW // SECOND - 30}, "ended"),
        ({"nbf": NOW // SECOND + 31}, "early"),
        ({"iat": NOW // SECOND + 31}, "early"),
        ({"nbf": "soon"}, "malformed"),
    ],
)
def test_a_claim_that_is_not_right_is_refused(changed, reason):
    assert refused(token(**changed)) == reason


def test_clocks_may_differ_by_the_leeway_and_no_more():
    late = token(exp=NOW // SECOND, nbf=NOW // SECOND)
    assert verify(late, KEYS, rules(), NOW + 30 * SECOND - 1).name == "anna"
    assert refused(late, now=NOW + 30 * SECOND) == "ended"
    assert verify(late, KEYS, rules(), NOW - 30 * SECOND).name == "anna"
    assert refused(late, now=NOW - 30 * SECOND - 1) == "early"


def test_parts_of_seconds_count():
    assert verify(token(exp=NOW / SECOND + 0.5), KEYS, rules(), NOW).ends == NOW + SECOND // 2 + 30 * SECOND


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 5000])
def test_times_that_are_no_numbers_are_refused(number):
    body = json.dumps(claims(exp=0)).replace('"exp": 0', f'"exp": {number}').encode()
    signed = jwt.api_jws.encode(body, private("ES256"), "ES256", headers={"kid": "ES256-0"})
    assert refused(signed) == "malformed"


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b"{", b"\xff", NESTED.encode(), b'{"exp":' + NESTED.encode()])
def test_claims_that_are_no_object_are_refused(body):
    assert refused(jwt.api_jws.encode(body, private("ES256"), "ES256", headers={"kid": "ES256-0"})) == "malformed"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "HS512", "ES256K", "", None, 7, ["ES256"], {}])
def test_other_algorithms_are_refused_whatever_the_signature(algorithm):
    for signature in (b"", b"s" * 64):
        head = {"alg": algorithm, "kid": "ES256-0", "typ": "JWT"}
        text = f"{encoded(head)}.{encoded(claims())}.{encoded(signature)}"
        assert refused(text) in ("algorithm", "malformed")


def test_the_public_key_is_no_shared_secret():
    pem = private("RS256").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded({'alg': 'HS256', 'kid': 'RS256-0', 'typ': 'JWT'})}.{encoded(claims())}"
    text = f"{signed}.{encoded(hmac.new(pem, signed.encode(), sha256).digest())}"
    assert refused(text) == "algorithm"


def test_an_algorithm_that_is_not_configured_is_refused():
    assert refused(token("RS256"), algorithms=["ES256"]) == "algorithm"


def test_a_key_is_for_the_algorithms_of_its_type_alone():
    assert refused(token("ES256", head={"kid": "RS256-0"})) == "algorithm"
    assert refused(token("RS384", head={"kid": "k"}), key_set(public("RS384", kid="k", alg="RS256"))) == "algorithm"


def test_a_key_that_is_not_known_is_said_so():
    with pytest.raises(UnknownKey):
        verify(token(head={"kid": "other"}), KEYS, rules(), NOW)


def test_a_token_without_key_id_is_for_the_only_key_there_is():
    assert verify(token(head={"kid": None}), KEYS, rules(), NOW).name == "anna"
    two = key_set(public("ES256"), public("ES256", 1))
    assert refused(token(head={"kid": None}), two) == "unknown_key"


@pytest.mark.parametrize("field", ["crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "enc"])
def test_what_a_head_asks_for_is_neither_followed_nor_overlooked(field):
    assert refused(forged({"alg": "ES256", "kid": "ES256-0", field: True}, claims())) == "head"


@pytest.mark.parametrize("kid", [7, True, ["a"], {"a": 1}, "k" * 257])
def test_key_ids_of_odd_kinds_are_refused(kid):
    assert refused(forged({"alg": "ES256", "kid": kid}, claims())) == "malformed"


def test_another_key_of_the_same_id_has_not_signed_it():
    assert refused(token("ES256", 1, head={"kid": "ES256-0"})) == "signature"


def test_every_changed_bit_of_the_signature_is_found():
    text = token("RS256")
    signed, _, signature = text.rpartition(".")
    for place in range(0, len(signature), 40):
        letter = "A" if signature[place] != "A" else "B"
        assert refused(f"{signed}.{signature[:place]}{letter}{signature[place + 1 :]}") == "signature"


def test_a_token_has_one_spelling():
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    text = token("RS256")  # the last letter of 256 bytes stands for two bits
    assert all(refused(text[:-1] + letters[letters.index(text[-1]) + n]) == "malformed" for n in range(1, 16))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [1, 63, 64, 132, 256, 257, 2048])
def test_signatures_of_any_length_are_refused(algorithm, size):
    head = {"alg": algorithm, "kid": f"{algorithm}-0"}
    signed = f"{encoded(head)}.{encoded(claims())}"
    assert refused(f"{signed}.{encoded(b's' * size)}", key_set(public(algorithm))) == "signature"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a b.c.d",
        "é.b.c",
        "a.b.c\n",
        "rta",
        token() + "=",
        token().replace(".", ".\u200b"),
        f"{encoded(b'{')}.a.b",
        f"{encoded([])}.a.b",
        f"{encoded(NESTED[:1400].encode())}.a.b",
        "A" * 3000 + ".a.b",
        "a." + "b" * LONGEST_TOKEN + ".c",
    ],
)
def test_what_is_no_token_is_refused(text):
    assert refused(text or " ") == "malformed"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "anna"),
        ({"preferred_username": "Anna A."}, "Anna A. (anna)"),
        ({"email": "anna@example.com"}, "anna@example.com (anna)"),
        ({"preferred_username": 7, "email": "a@b"}, "a@b (anna)"),
        ({"sub": None, "client_id": "logger"}, "logger"),
        ({"sub": 7, "azp": "page"}, "page"),
        ({"sub": None}, "unnamed"),
        ({"sub": "a\nb\x1b[2J"}, "a\\nb\\x1b[2J"),
        ({"sub": "a" * 1000}, "a" * 200),
    ],
)
def test_names_are_short_and_can_be_printed(given, name):
    assert verify(token(**given), KEYS, rules(), NOW).name == name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=examples(200))
@given(st.dictionaries(st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub", "roles", "email"]), JSON))
def test_whatever_a_signed_token_says_it_is_a_subject_or_a_refusal(said):
    body = json.dumps({**claims(), **said}).encode()
    text = jwt.api_jws.encode(body, private("EdDSA"), "EdDSA", headers={"kid": "EdDSA-0"})
    try:
        found = verify(text, key_set(public("EdDSA")), rules(roles_claim="roles"), NOW)
    except NotAdmitted:
        return
    assert found.ends is not None
    assert math.isfinite(found.ends)
    assert found.name.isprintable()


@settings(max_examples=examples(300))
@given(head=JSON | st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jku"]), JSON), body=JSON)
def test_nobody_gets_in_without_a_signature(head, body):
    with pytest.raises(NotAdmitted):
        verify(forged(head, body), KEYS, rules(), NOW)


@given(st.text())
def test_nobody_gets_in_with_any_text(text):
    with pytest.raises(NotAdmitted):
        verify(text, KEYS, rules(), NOW)
