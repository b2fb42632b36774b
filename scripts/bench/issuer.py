"""An issuer of tokens on 127.0.0.1, and tokens that look like its own."""

from __future__ import annotations

import json
import random
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from rta.auth.key_set import KeySet, read_key_set

__all__ = ["AUDIENCE", "Issuer"]

_KID = "bench"
AUDIENCE = "https://rta.example.com"
_SIGNATURE = 256  # bytes


class Issuer:
    """Serves its keys, and counts how often it is asked for them."""

    def __init__(self) -> None:
        self.fetches = 0
        """Of the key set."""
        self._key = rsa.generate_private_key(65537, 2048)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(issuer.document(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def document(self, path: str) -> dict[str, object]:
        """What is at a path."""
        if path != "/keys":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        self.fetches += 1
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": _KID, "use": "sig", "alg": "RS256"}]}

    @property
    def settings(self) -> str:
        """The service's. Who reads may come without a token."""
        return (
            f'[auth]\nenabled = true\nanonymous = "read"\nauthority = "{self.url}"\naudience = "{AUDIENCE}"\n'
            'origins = ["https://page.example"]\n'
        )

    def token(self) -> str:
        """A right one."""
        return next(self.tokens())

    def tokens(self) -> Iterator[str]:
        """Right ones, each another one."""
        for number in count():
            yield jwt.encode(self._claims(number), self._key, "RS256", {"kid": _KID})

    @property
    def key_set(self) -> KeySet:
        """As the service reads it."""
        return read_key_set(self.document("/keys"), self.url, ("RS256",))

    def wrong_tokens(self, *, unknown: bool = False) -> Iterator[str]:
        """Each another one, with a signature that is none. `unknown`: and with a key id that is none."""
        draw, number = random.Random(1), 0
        while True:
            kid = f"made-up-{number}" if unknown else _KID
            parts = ({"alg": "RS256", "typ": "JWT", "kid": kid}, self._claims(number))
            text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
            yield f"{text}.{_encoded(draw.randbytes(_SIGNATURE))}"
            number += 1

    def _claims(self, number: int) -> dict[str, object]:
        now = int(time.time())
        return {"iss": self.url, "aud": AUDIENCE, "sub": f"anna-{number}", "iat": now, "exp": now + 600}


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
