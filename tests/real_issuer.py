"""A real issuer of tokens on loopback, which is killed and started again for real: oidc-provider, run by node."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import jwt
from issuing import encoded, private, private_jwk
from real_servers import ServerProcess

__all__ = ["AUDIENCE", "PROGRAM", "Issuer", "shared_secret", "signed"]

AUDIENCE = "https://rta.example.com"
PROGRAM = "rta-cli"
"""What `rta login` and the page are called there: a public client, whose users may operate."""

_ROOT = Path(__file__).parents[1]
_MODULES = _ROOT / ".make" / "issuer" / "node_modules"
"""Where `scripts/setup test` puts what the issuer is made of."""
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_PROGRAM = {
    "client_id": PROGRAM, "application_type": "native", "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token", _DEVICE], "response_types": ["code"],
    "redirect_uris": ["http://127.0.0.1/callback", "http://127.0.0.1/"],  # of any port: RFC 8252, 7.3
}  # fmt: skip
_ROLES = {"viewer": [], "operator": ["operate"], "administrator": ["administer"]}


class Issuer(ServerProcess):
    """Has a client for each role, `viewer`, `operator` and `administrator`, and `PROGRAM`."""

    program = "node"

    def __init__(self) -> None:
        assert _MODULES.is_dir(), (
            f"there is no {_MODULES}: `make test` makes it with npm, or .make/setup.log says why not"
        )
        super().__init__()
        self.keys = [("RS256", 0)]
        """Algorithms and numbers as `issuing.private` knows them; the first one signs."""
        self.life = 600
        """Seconds that a token counts."""
        self.tokens_at: str | None = None
        """The origin at which it says that it gives tokens; None: its own."""
        (self.folder / "node_modules").symlink_to(_MODULES)
        shutil.copy(Path(__file__).with_name("issuer") / "issuer.mjs", self.folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Returns when it answers. What it was asked to issue before, it has forgotten."""
        settings = {
            "port": self.port,
            "jwks": {"keys": [private_jwk(*key) for key in self.keys]},
            "algorithm": self.keys[0][0],
            "life": self.life,
            "tokensAt": self.tokens_at,
            "clients": [*({"client_id": name, "client_secret": name, "grant_types": ["client_credentials"],
                           "redirect_uris": [], "response_types": []} for name in _ROLES), _PROGRAM],
            "roles": {**_ROLES, PROGRAM: ["operate"]},
        }  # fmt: skip
        (self.folder / "issuer.json").write_text(json.dumps(settings))
        return self.launch(str(self.folder / "issuer.mjs"), str(self.folder / "issuer.json"))

    def answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=50)
        try:
            connection.request("GET", "/.well-known/openid-configuration")
            return connection.getresponse().status == 200
        finally:
            connection.close()

    def restart(self, *keys: tuple[str, int]) -> None:
        """With other keys, if there are some."""
        self.kill()
        self.keys = list(keys) or self.keys
        self.start()

    def token(self, client: str, audience: str = AUDIENCE) -> str:
        """A new one, by the grant of client credentials."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            basic = base64.b64encode(f"{client}:{client}".encode()).decode()
            connection.request(
                "POST",
                "/token",
                urlencode({"grant_type": "client_credentials", "resource": audience}),
                {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
            )
            answer = connection.getresponse()
            body = json.loads(answer.read())
            assert answer.status == 200, body
            return str(body["access_token"])
        finally:
            connection.close()

    def claims(self, **more: Any) -> dict[str, Any]:
        """Those that its tokens have. None takes one out."""
        now = int(time.time())
        given = {"iss": self.url, "aud": AUDIENCE, "sub": "anna", "iat": now, "exp": now + 600, **more}
        return {name: value for name, value in given.items() if value is not None}


def signed(claims: dict[str, Any], key: tuple[str, int] = ("RS256", 0), **head: Any) -> str:
    """A token with the signature of a key. `head`: fields of it; None takes one out."""
    fields = {"kid": "{}-{}".format(*key), **head}
    body = json.dumps(claims).encode()
    return jwt.api_jws.encode(body, private(*key), key[0], headers={k: v for k, v in fields.items() if v is not None})


def shared_secret(claims: dict[str, Any], secret: bytes, **head: Any) -> str:
    """A token whose signature is made with a secret, by HMAC-SHA-256."""
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT', **head})}.{encoded(claims)}"
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), hashlib.sha256))}"
