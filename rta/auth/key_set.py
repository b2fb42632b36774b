"""The keys of an issuer, by id and algorithm, read from its key set. Plain.

Source: RFC 7517, section 4 (keys), 5 (key sets).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from attrs import field, frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import AllowedPublicKeys, ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError

from rta.errors import MalformedError

__all__ = ["LONGEST_KID", "KeySet", "read_key_set"]

LONGEST_KID = 256  # characters
_MOST = 100  # keys
_RSA_BITS = range(2048, 8193)
_GREATEST_EXPONENT = 1 << 32
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "OKP": OKPAlgorithm.from_jwk,
}
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA", "Ed448": "EdDSA"}


@frozen
class KeySet:
    """What an issuer's tokens are signed with."""

    issuer: str
    """As its discovery document has it: what `iss` of a token must be, to the letter."""
    keys: Mapping[tuple[str | None, str], AllowedPublicKeys] = field(repr=False)
    """By id and algorithm: each algorithm has keys of one type alone. An id of None: the only key of the algorithm."""
    left_out: int = 0
    """Keys that are for something else, or cannot be used."""

    @property
    def ids(self) -> frozenset[str]:
        """Those of all keys."""
        return frozenset(kid for kid, _ in self.keys if kid is not None)

    def knows(self, kid: str) -> bool:
        """Whether there is a key of this id, for whichever algorithm."""
        return any(known == kid for known, _ in self.keys)


def read_key_set(document: Any, issuer: str, algorithms: Collection[str]) -> KeySet:
    """The keys that can be used with these algorithms.

    :raises MalformedError: it is no key set, or none of it can be used.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise MalformedError("key_set", "its key set has no list of keys")
    if len(listed) > _MOST:
        raise MalformedError("key_set", f"its key set has more than {_MOST} keys")
    keys: dict[tuple[str | None, str], AllowedPublicKeys] = {}
    alone: dict[str, list[AllowedPublicKeys]] = {}
    left_out = 0
    for jwk in listed:
        usable = False
        for kid, algorithm, key in _read(jwk, algorithms):
            usable = True
            alone.setdefault(algorithm, []).append(key)
            if kid is not None:
                keys.setdefault((kid, algorithm), key)
        left_out += not usable
    keys |= {(None, algorithm): found[0] for algorithm, found in alone.items() if len(found) == 1}
    if not keys:
        raise MalformedError("key_set", "its key set has no key that can be used")
    return KeySet(issuer, keys, left_out)


def _read(jwk: Any, algorithms: Collection[str]) -> Iterator[tuple[str | None, str, AllowedPublicKeys]]:
    """A key under each algorithm that it is for; nothing, if it is for something else or is not right."""
    if not isinstance(jwk, dict) or "d" in jwk or jwk.get("use", "sig") != "sig":
        return
    operations, kid = jwk.get("key_ops", ["verify"]), jwk.get("kid")
    if not isinstance(operations, list) or "verify" not in operations:
        return
    if kid is not None and not (isinstance(kid, str) and len(kid) <= LONGEST_KID):
        return
    possible = _algorithms(jwk)
    key = _public_key(jwk) if possible else None
    if key is not None:
        wanted = jwk.get("alg")
        yield from ((kid, name, key) for name in possible if name in algorithms and wanted in (None, name))


def _algorithms(jwk: dict[str, Any]) -> tuple[str, ...]:
    kind, curve = jwk.get("kty"), jwk.get("crv")
    if kind == "RSA":
        return _RSA
    if kind in ("EC", "OKP") and isinstance(curve, str) and curve in _CURVES:
        return (_CURVES[curve],)
    return ()


def _public_key(jwk: dict[str, Any]) -> AllowedPublicKeys | None:
    texts = (jwk.get("n", ""), jwk.get("e", ""), jwk.get("x", ""), jwk.get("y", ""))
    if not all(isinstance(text, str) and len(text) <= 2048 for text in texts):
        return None
    try:
        key: AllowedPublicKeys = _READERS[jwk["kty"]](jwk)
    except (PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, RSAPublicKey) and (key.key_size not in _RSA_BITS or key.public_numbers().e > _GREATEST_EXPONENT):
        return None
    return key
