"""A recorded site where one has to sign in, with a static token for each role."""

from __future__ import annotations

import secrets
from typing import Any

from attrs import evolve

from rta.auth import AuthSettings, SignIn, SignInContext
from rta.auth.sign_in import IssuerKeys
from rta.auth.static_tokens import StaticToken, StaticTokens, token_digest
from rta.latest import Latest
from rta.ports.access import Role
from rta.rest import make_app

from .asgi import Answer, App, Asking
from .recorded import RecordedSite

NOW = 1_800_000_000_000_000_000  # ns since the Unix epoch
HOUR = 3600 * 10**9
HOST = "pit.example"
ALLOWED = "https://page.example"
ENDS = NOW + HOUR
CERTIFICATE = "CN=anna"


def text_of(role: Role) -> str:
    """Of a token."""
    return f"rta_{role.name.lower()}"


def bearer(role: Role) -> dict[str, str]:
    return {"authorization": f"Bearer {text_of(role)}"}


class GuardedSite(RecordedSite):
    """Whose clock stands at `now`."""

    def __init__(self, issuer: IssuerKeys | None = None, **settings: Any) -> None:
        super().__init__()
        self.now = NOW
        self.noted: list[tuple[str, str, str]] = []
        settings = {"enabled": True, "origins": [ALLOWED], "certificates": {CERTIFICATE: "administer"}} | settings
        listed = [
            StaticToken(role.name.lower(), role, token_digest(text_of(role)).hex(), NOW, ENDS if role == 1 else None)
            for role in Role
        ]
        self.tokens = Latest(StaticTokens(tuple(listed)))
        context = SignInContext(
            issuer, self.tokens, self.buffer, self, bytes(32), HOST, lambda: self.now, secrets.token_bytes
        )
        self.sign_in = SignIn(AuthSettings(**settings), context)

    def service(self, **changes: Any) -> Any:
        service = super().service(sign_in=self.sign_in, clock=lambda: self.now, note_deletion=self._note, **changes)
        return evolve(service, host=HOST)

    def app(self, **changes: Any) -> App:
        return make_app(self.service(**changes))

    def _note(self, by: Any, outcome: str, identity: str) -> None:
        self.noted.append((str(by), outcome, identity))


async def ask(app: App, target: str, method: str = "GET", body: bytes = b"", **more: Any) -> Answer:
    """As `asgi.ask`, from a page or program at `HOST`. `certificate`: the subject of the client's; `headers`: more of
    them, which may be there several times; `scope`: changes of it."""
    certificate, headers, scope = more.pop("certificate", None), more.pop("headers", []), more.pop("scope", {})
    asking = Asking(app, target, method, body, **({"host": HOST} | more))
    asking.scope["headers"] += headers
    asking.scope |= scope
    if certificate is not None:
        tls = {"client_cert_name": certificate, "client_cert_ends": ENDS}
        asking.scope |= {"scheme": "https", "extensions": {"tls": tls}}
    return await asking.run()
