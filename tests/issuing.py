"""An issuer for tests: keys, its key set, tokens of any kind, and what sign-in works with."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections import Counter
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from rta.auth import AuthSettings, SignIn, SignInContext
from rta.auth.key_set import KeySet, read_key_set
from rta.auth.static_tokens import StaticTokens
from rta.latest import Latest

__all__ = [
    "ISSUER",
    "NOW",
    "SECOND",
    "FakeIssuer",
    "Refusals",
    "Time",
    "claims",
    "key_set",
    "make_sign_in",
    "private",
    "private_jwk",
    "public",
]
__all__ += ["encoded", "forged", "token"]

ISSUER = "https://issuer.example.com/realms/site"
SECOND = 1_000_000_000
NOW = 1_795_000_000 * SECOND

_READERS = {"RS": RSAAlgorithm, "PS": RSAAlgorithm, "ES": ECAlgorithm, "Ed": OKPAlgorithm}


def private(algorithm: str, number: int = 0) -> Any:
    """A key of the type that an algorithm needs; another one for each number."""
    return _generated(algorithm, number)


@cache
def _generated(algorithm: str, number: int) -> Any:
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm.startswith("ES"):
        return ec.generate_private_key({"256": ec.SECP256R1, "384": ec.SECP384R1, "512": ec.SECP521R1}[algorithm[2:]]())
    return rsa.generate_private_key(65537, 2048)


def private_jwk(algorithm: str, number: int = 0) -> dict[str, Any]:
    """As an issuer keeps it."""
    jwk = _READERS[algorithm[:2]].to_jwk(private(algorithm, number), as_dict=True)
    jwk.pop("key_ops", None)
    return {**jwk, "kid": f"{algorithm}-{number}", "use": "sig", "alg": algorithm}


def public(algorithm: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """Its public half, as it stands in a key set."""
    jwk = _READERS[algorithm[:2]].to_jwk(private(algorithm, number).public_key(), as_dict=True)
    return {**jwk, "kid": f"{algorithm}-{number}", "use": "sig", **more}


def key_set(*keys: dict[str, Any], issuer: str = ISSUER) -> KeySet:
    return read_key_set({"keys": list(keys)}, issuer, AuthSettings().algorithms)


def claims(**more: Any) -> dict[str, Any]:
    """Those of a good token; None takes one out."""
    seconds = NOW // SECOND
    good = {"iss": ISSUER, "aud": "rta", "sub": "anna", "exp": seconds + 600, "iat": seconds, **more}
    return {name: value for name, value in good.items() if value is not None}


def token(algorithm: str = "ES256", number: int = 0, head: dict[str, Any] | None = None, **more: Any) -> str:
    """A signed token. `head`: None takes a field out. `more`: claims."""
    fields = {"kid": f"{algorithm}-{number}", **(head or {})}
    body = json.dumps(claims(**more)).encode()
    return jwt.api_jws.encode(
        body, private(algorithm, number), algorithm, headers={k: v for k, v in fields.items() if v is not None}
    )


def encoded(data: Any) -> str:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return urlsafe_b64encode(text).rstrip(b"=").decode()


def forged(head: Any, body: Any, signature: bytes = b"s" * 64) -> str:
    """Something of the shape of a token."""
    return f"{encoded(head)}.{encoded(body)}.{encoded(signature)}"


class FakeIssuer:
    """Has keys, and others after somebody has asked for them."""

    def __init__(self, keys: KeySet | None, later: KeySet | None = None) -> None:
        self.keys = keys
        self.later = later
        self.asked = 0
        self.age = 0.0
        self.endpoints: tuple[str, ...] = ()

    async def fetch_again(self) -> None:
        self.asked += 1
        self.keys = self.later or self.keys


class Refusals:
    """A reporter that counts who was refused."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        assert metric == "rta_sign_in_refused_total"
        self.reasons[labels["reason"]] += 1


class Time:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Bytes:
    """Bytes that look random, other ones each time."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, count: int) -> bytes:
        self.number += 1
        return self.number.to_bytes(count, "big")


class SignInStage:
    """Sign-in with all that it works with."""

    def __init__(self, issuer: FakeIssuer | None, buffer: Any, key: bytes = b"k" * 32, **settings: Any) -> None:
        given = {"enabled": True, **settings}
        if issuer is not None:
            given = {"authority": ISSUER, "audience": "rta", **given}
        self.issuer = issuer
        self.tokens = Latest(StaticTokens())
        self.refusals = Refusals()
        self.time = Time()
        context = SignInContext(issuer, self.tokens, buffer, self.refusals, key, "rta.example.com", self.time, Bytes())
        self.sign_in = SignIn(AuthSettings(**given), context)


def make_sign_in(issuer: FakeIssuer | None = None, buffer: Any = None, **settings: Any) -> SignInStage:
    return SignInStage(issuer, buffer, **settings)
