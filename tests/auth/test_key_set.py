"""Key sets: what of them can be used."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from issuing import ISSUER, key_set, private, public
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from rta.auth import AuthSettings
from rta.auth.key_set import read_key_set
from rta.errors import MalformedError

GOOD = public("ES256")


def test_keys_are_found_by_id_and_algorithm():
    found = key_set(GOOD, public("RS256"))
    assert found.issuer == ISSUER
    assert found.ids == {"ES256-0", "RS256-0"}
    assert ("RS256-0", "PS512") in found.keys
    assert ("RS256-0", "ES256") not in found.keys
    assert found.knows("RS256-0")
    assert not found.knows("other")


def test_of_two_keys_with_one_id_the_first_counts():
    found = key_set(public("ES256", kid="k"), public("ES256", 1, kid="k"))
    assert found.keys["k", "ES256"] == private("ES256").public_key()


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "o", "alg": "HS256"},
        {**GOOD, "kid": "o", "use": "enc"},
        {**GOOD, "kid": "o", "key_ops": ["sign"]},
        {**GOOD, "kid": "o", "key_ops": "verify"},
        {**GOOD, "kid": 7},
        {**GOOD, "kid": "o", "alg": "RS256"},
        {**GOOD, "kid": "o", "alg": "none"},
        {**GOOD, "kid": "o", "crv": "secp256k1"},
        {**GOOD, "kid": "o", "crv": ["P-256"]},
        {**GOOD, "kid": "o", "x": "AAAA"},
        {**GOOD, "kid": "o", "x": GOOD["y"]},
        {**GOOD, "kid": "o", "x": 7},
        {**public("RS256", kid="o"), "n": "A" * 3000},
        {**public("RS256", kid="o"), "e": "A" * 200},
        {**public("RS256", kid="o"), "e": "_" * 20 + "w"},
        {**RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True), "kid": "o"},
        {**ECAlgorithm.to_jwk(private("ES256"), as_dict=True), "kid": "o"},
        {"kty": "EC"},
        {},
        "key",
        None,
    ],
)
def test_a_key_for_something_else_or_that_is_not_right_is_left_out(jwk):
    found = key_set(GOOD, jwk)
    assert found.left_out == 1
    assert found.ids == {"ES256-0"}
    assert found.keys[None, "ES256"] == private("ES256").public_key()


@pytest.mark.parametrize("document", [None, [], "keys", {}, {"keys": {}}, {"keys": []}, {"keys": [GOOD] * 101}])
def test_what_is_no_key_set_is_refused(document):
    with pytest.raises(MalformedError, match="its key set has"):
        read_key_set(document, ISSUER, AuthSettings().algorithms)


JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=3), max_size=2)
FIELDS = ["kty", "kid", "use", "alg", "crv", "x", "y", "n", "e", "key_ops"]
KINDS = {"kty": st.sampled_from(["RSA", "EC", "OKP"]), "crv": st.sampled_from(["P-256", "Ed25519"])}


@given(st.fixed_dictionaries({}, optional={name: KINDS.get(name, JSON) | JSON for name in FIELDS}))
def test_whatever_a_key_says_it_does_no_harm_to_others(jwk):
    assert key_set(GOOD, jwk).knows("ES256-0")
