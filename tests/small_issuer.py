"""A small OAuth 2 issuer, and a small service that takes its tokens, both on this machine; and a browser for them."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import trustme

__all__ = ["CLIENT", "SmallIssuer", "SmallService", "browse", "issuing_here", "serving_here"]

CLIENT = "rta-cli"

Answer = tuple[int, dict[str, Any]]
Handler = Callable[[str, dict[str, str], str], tuple[int, dict[str, Any], str | None]]


class SmallIssuer:
    """Gives tokens that are called `access-N`, for refresh tokens that count once."""

    def __init__(self) -> None:
        self.base = ""
        self.life: int | None = 300
        self.refuses: str | None = None
        """What whoever comes by a browser is answered."""
        self.wrong_state = False
        self.nonce: str | None = None
        """In place of the one that was asked for."""
        self.device_answers: list[str] = []
        """Errors that a device gets before its token."""
        self.metadata: dict[str, Any] = {}
        """In place of what the discovery document would have."""
        self.away = False
        self.redirects: str | None = None
        self.delay = 0.0
        """Seconds that a token takes."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.revoked: list[str] = []
        self.valid: set[str] = set()
        self._numbers = count(1)
        self._codes: dict[str, dict[str, str]] = {}
        self._refresh: str | None = None
        self._lock = Lock()

    def handle(self, path: str, fields: dict[str, str], _: str) -> tuple[int, dict[str, Any], str | None]:
        self.asked.append((path, fields))
        if self.away:
            return 503, {}, None
        if path == "/.well-known/openid-configuration":
            return 200, self._document(), None
        if self.redirects is not None:
            return 307, {}, self.redirects
        if path == "/authorize":
            return 302, {}, self._authorize(fields)
        if path == "/device":
            answer = {"device_code": "device-secret", "user_code": "ABCD-EFGH", "expires_in": 600, "interval": 5}
            return 200, {**answer, "verification_uri": f"{self.base}/activate"}, None
        if path == "/revoke":
            self.revoked.append(fields["token"])
            return 200, {}, None
        if path == "/token":
            time.sleep(self.delay)
            with self._lock:
                return *self._token(fields), None
        return 404, {}, None

    def _document(self) -> dict[str, Any]:
        ends = {"token_endpoint": "token", "authorization_endpoint": "authorize", "revocation_endpoint": "revoke"}
        ends["device_authorization_endpoint"] = "device"
        return {"issuer": self.base, **{name: f"{self.base}/{end}" for name, end in ends.items()}, **self.metadata}

    def _authorize(self, fields: dict[str, str]) -> str:
        assert fields["response_type"] == "code"
        assert fields["client_id"] == CLIENT
        assert fields["code_challenge_method"] == "S256"
        state = "another" if self.wrong_state else fields["state"]
        if self.refuses:
            answer = {"error": self.refuses, "error_description": "Anna said no"}
        else:
            code = f"code-{next(self._numbers)}"
            self._codes[code] = fields
            answer = {"code": code}
        return f"{fields['redirect_uri']}?{urlencode({**answer, 'state': state})}"

    def _token(self, fields: dict[str, str]) -> Answer:
        kind = fields["grant_type"]
        asked: dict[str, str] = {}
        if kind == "authorization_code":
            asked = self._codes.pop(fields["code"], {})
            challenge = urlsafe_b64encode(sha256(fields["code_verifier"].encode()).digest()).rstrip(b"=").decode()
            if asked.get("code_challenge") != challenge or asked["redirect_uri"] != fields["redirect_uri"]:
                return 400, {"error": "invalid_grant", "error_description": f"not {fields['code']}"}
        elif kind == "refresh_token":
            if fields["refresh_token"] != self._refresh:
                return 400, {"error": "invalid_grant", "error_description": f"{fields['refresh_token']} was used"}
        elif self.device_answers:
            return 400, {"error": self.device_answers.pop(0)}
        return 200, self.grant(asked.get("nonce"))

    def grant(self, nonce: str | None = None) -> dict[str, Any]:
        """The next token; the refresh token before it does not count any more."""
        number = next(self._numbers)
        self._refresh = f"refresh-{number}"
        self.valid.add(f"access-{number}")
        answer: dict[str, Any] = {"access_token": f"access-{number}", "token_type": "Bearer"}
        answer["refresh_token"] = self._refresh
        if self.life is not None:
            answer["expires_in"] = self.life
        if nonce is not None:
            answer["id_token"] = _jwt({"iss": self.base, "aud": CLIENT, "nonce": self.nonce or nonce})
        return answer


class SmallService:
    """Has sessions for whoever has a token, and may name an issuer."""

    def __init__(self, takes: Callable[[str], bool]) -> None:
        self.base = ""
        self.takes = takes
        self.auth: dict[str, Any] = {"required": True, "tokens": True}
        self.who: dict[str, Any] = {"name": "alice", "role": "read", "ends": None}
        self.had: list[tuple[str, str]] = []

    def handle(self, path: str, _: dict[str, str], authorization: str) -> tuple[int, dict[str, Any], str | None]:
        self.had.append((path, authorization))
        if path == "/rta/v2/info":
            return 200, {"auth": self.auth}, None
        token = authorization.removeprefix("Bearer ")
        if not token:
            return 401, {"detail": "sign in: the role read is needed"}, None
        if not self.takes(token):
            return 401, {"detail": "the token has ended"}, None
        if path == "/rta/v2/whoami":
            return 200, self.who, None
        if path.startswith("/rta/v2/sessions"):
            return 200, {"sessions": []}, None
        if path.startswith("/rta/v2/alarms"):
            return 200, {"alarms": []}, None
        return 403, {"reason": "the role operate is missing"}, None


@contextmanager
def issuing_here() -> Iterator[SmallIssuer]:
    issuer = SmallIssuer()
    with _answering(issuer.handle) as issuer.base:
        yield issuer


@contextmanager
def serving_here(
    issuer: SmallIssuer | None = None, tls: tuple[trustme.CA, Path] | None = None
) -> Iterator[SmallService]:
    """`tls`: the authority of the service, and the certificate of that of its clients, who need one."""
    service = SmallService((lambda token: token in issuer.valid) if issuer else "rta_right".__eq__)
    if issuer is not None:
        names = {"authority": issuer.base, "audience": "https://rta.test", "clientId": CLIENT, "scopes": ["openid"]}
        service.auth |= names
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls[0].issue_cert("127.0.0.1").configure_cert(context)
        context.load_verify_locations(tls[1])
        context.verify_mode = ssl.CERT_REQUIRED
    with _answering(service.handle, context) as service.base:
        yield service


def browse(url: str) -> tuple[int, str, str]:
    """What a browser does: it goes where it is sent. Status, address and text of the page that it shows at the end."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=50) as page:
            return page.status, page.url, page.read().decode()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.url, e.read().decode()


@contextmanager
def _answering(handle: Handler, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    class Serving(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(parts.path, dict(parse_qsl(parts.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer(urlsplit(self.path).path, {name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, path: str, fields: dict[str, str]) -> None:
            status, document, location = handle(path, fields, self.headers["authorization"] or "")
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            if location is not None:
                self.send_header("location", location)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Serving)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # handshakes that fail
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _jwt(claims: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, claims))
    return ".".join([*(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "c2ln"])
