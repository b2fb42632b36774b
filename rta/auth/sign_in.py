"""Who asks: what REST and the edge use to find out, and what it does not say about anybody's credentials.

Owns what it remembers of tokens. Calls the issuer for keys, and the buffer for tickets, which are used once over all
workers and machines that share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from attrs import evolve, frozen
from cryptography import x509

from rta.auth.credentials import SIGN_IN, bearer_token, stream_credentials
from rta.auth.key_set import KeySet
from rta.auth.known_tokens import KnownTokens, WrongToken
from rta.auth.origins import Origins
from rta.auth.refusal_log import RefusalLog
from rta.auth.roles import RoleRules
from rta.auth.settings import AuthSettings, role_named
from rta.auth.static_tokens import PREFIX, StaticTokens, token_digest
from rta.auth.tickets import LIFE, Ticket, read_ticket, write_ticket
from rta.auth.tokens import TokenRules, UnknownKey, refuse_token, verify
from rta.errors import RtaError, TransportError
from rta.latest import Latest
from rta.ports import BurstLog, Reporter
from rta.ports.access import ANYBODY, ClientCertificate, NotAdmitted, Role, StreamRequest, Subject

__all__ = ["IssuerKeys", "SignIn", "SignInContext"]

_CLAIMED = 90.0  # seconds: longer than any clock of ours lets a ticket count
_LONGEST_IDENTITY = 1000  # characters
_SECOND = 1_000_000_000  # ns


class IssuerKeys(Protocol):
    """Who has the keys of the issuer."""

    @property
    def keys(self) -> KeySet | None:
        """Those that count; None: none are known, or they have been for too long."""
        ...

    @property
    def age(self) -> float:
        """Seconds since they were fetched; 0: none are known."""
        ...

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Where the issuer gives tokens to whoever signs in, and takes them back, as far as it is known."""
        ...

    async def fetch_again(self) -> None:
        """A token has come whose key is not known: return when the keys are as new as they may be."""
        ...


@frozen
class SignInContext:
    """What sign-in works with."""

    issuer: IssuerKeys | None
    """None: no tokens of an issuer are taken."""
    tokens: Latest[StaticTokens]
    buffer: BurstLog
    report: Reporter
    ticket_key: bytes
    host: str
    """The configured name of the site."""
    clock: Callable[[], int]
    """Wall time, ns since the Unix epoch."""
    random: Callable[[int], bytes]
    """Gives so many bytes."""


class SignIn:
    """Tells who asks."""

    def __init__(self, settings: AuthSettings, context: SignInContext) -> None:
        self.enabled = settings.enabled
        self.origins = Origins(settings.origins, context.host)
        self.open_metrics = not settings.enabled or settings.metrics == "anybody"
        """Whether everybody may have the metrics."""
        self._settings = settings
        self._context = context
        self._rules = TokenRules(
            settings.audience or "",
            frozenset(settings.algorithms),
            round(settings.leeway * _SECOND),
            RoleRules.of(settings),
        )
        self._certificates = {_normal(name): role_named(role) for name, role in settings.certificates.items()}
        self._refused = RefusalLog(context.clock)
        self._known = KnownTokens()
        self._known_by: KeySet | None = None
        self._nobody = Subject("", role_named(settings.anonymous))

    async def subject(self, authorization: str | None, certificate: ClientCertificate | None) -> Subject:
        """Who asks over HTTP. Whoever brings nothing may do what anybody may.

        `authorization`: the header. `certificate`: the client's.

        :raises NotAdmitted: 401: what they bring is not right; 503: it cannot be told now. Whoever answers with it
            calls `note_refusal`.
        """
        if not self.enabled:
            return ANYBODY
        if authorization is None:
            return self._by_certificate(certificate)
        return await self._with_token(bearer_token(authorization))

    async def admit_stream(self, request: StreamRequest) -> Subject:
        """Who asks for a WebSocket, if they may have it. A `Gate`.

        The header `host` of the request is the one that the client has asked for; where a trusted proxy says so, what
        it says.

        :raises NotAdmitted: 401: they bring nothing, or it is not right; 403: they may not, or a page of another site
            asks; 503: it cannot be told now.
        """
        with self._noting(request.peer):
            origin = request.headers.get("origin")
            if origin is not None and not self.origins.admits(origin, request.headers.get("host"), request.secure):
                raise NotAdmitted(403, "pages of other sites may not open it: see auth.origins", "origin")
            if not self.enabled:
                return ANYBODY if request.certificate is None else evolve(ANYBODY, ends=request.certificate.ends)
            brought = stream_credentials(request.headers)
            if brought.token is not None:
                found = await self._with_token(brought.token)
            elif brought.ticket is not None:
                found = await self._with_ticket(brought.ticket, request.identity, origin)
            else:
                found = self._by_certificate(request.certificate)
            if found.may(Role.READ):
                return found
            if not found.name:
                raise NotAdmitted(401, "sign in to see it", "nobody", SIGN_IN)
            raise NotAdmitted(403, "the role read is missing", "role")

    async def new_ticket(self, subject: Subject, identity: str, origin: str) -> tuple[str, int]:
        """A ticket for one WebSocket, for this session and the page that asks, and when it ends, ns since the Unix
        epoch: 30 s from now, or when the subject's credentials do.

        :raises RtaError: there cannot be a session of this identity.
        """
        if len(identity) > _LONGEST_IDENTITY:
            raise RtaError(f"an identity has at most {_LONGEST_IDENTITY} characters")
        ends = self._context.clock() + LIFE
        ends = ends if subject.ends is None else min(ends, subject.ends)
        ticket = Ticket(self._context.random(16).hex(), subject, identity, origin.strip().lower(), ends)
        return write_ticket(ticket, self._context.ticket_key), ends

    def is_revoked(self, subject: Subject) -> bool:
        """Whether the credentials of somebody who was let in have been taken back or changed. That they have ended is
        said by `ends`."""
        return bool(subject.mark) and self._context.tokens.value.by_hash.get(subject.mark) != subject

    async def changed(self) -> None:
        """Wait until `is_revoked` may say something else."""
        await self._context.tokens.another(self._context.tokens.value)

    @property
    def keys_age(self) -> float:
        """Seconds since the keys of the issuer were fetched; 0: there are none."""
        return 0.0 if self._context.issuer is None else self._context.issuer.age

    @property
    def issuer_urls(self) -> list[str]:
        """What a page that signs in asks of the issuer: who it is, and for tokens, as far as is known where."""
        issuer, authority = self._context.issuer, self._settings.authority
        return [*([] if authority is None else [authority]), *(() if issuer is None else issuer.endpoints)]

    def about(self) -> dict[str, Any]:
        """What somebody needs to know to sign in, for `/rta/v2/info`."""
        s = self._settings
        if not self.enabled:
            return {"required": False}
        issuer = {"authority": s.authority, "audience": s.audience, "clientId": s.client_id, "scopes": s.scopes}
        return {
            "required": s.anonymous == "nothing",
            **(issuer if s.authority is not None else {}),
            "tokens": bool(self._context.tokens.value.tokens),
        }

    def note_refusal(self, error: NotAdmitted, client: str | None) -> None:
        """Count and log it. `client`: the address of whoever was refused; None: it is not known."""
        self._context.report.count("rta_sign_in_refused_total", reason=error.reason)
        self._refused.note(error, client)

    @contextmanager
    def _noting(self, client: str) -> Iterator[None]:
        try:
            yield
        except NotAdmitted as e:
            self.note_refusal(e, client)
            raise

    def _by_certificate(self, certificate: ClientCertificate | None) -> Subject:
        """The connection may be older than the end of the certificate, which the handshake has looked at."""
        if certificate is None:
            return self._nobody
        if self._has_ended(certificate.ends):
            raise NotAdmitted(401, "the certificate has ended", "ended", SIGN_IN)
        role = self._certificates.get(_normal(certificate.subject), self._nobody.role)
        return Subject(certificate.subject, role, certificate.ends)

    async def _with_token(self, token: str) -> Subject:
        digest = token_digest(token)
        if token.startswith(PREFIX):
            return self._with_static(digest)
        issuer = self._context.issuer
        if issuer is None:
            raise refuse_token("tokens of an issuer are not taken here", "issuer")
        try:
            return self._with_issued(token, digest, issuer.keys)
        except UnknownKey:
            await issuer.fetch_again()
            return self._with_issued(token, digest, issuer.keys)

    def _with_static(self, digest: bytes) -> Subject:
        found = self._context.tokens.value.by_hash.get(digest.hex())
        if found is None:
            raise refuse_token("the token is not known, or is revoked", "unknown_token")
        return self._lasting(found)

    def _with_issued(self, token: str, digest: bytes, keys: KeySet | None) -> Subject:
        known = self._known
        if keys is None:
            raise NotAdmitted(503, "the issuer of tokens cannot be reached: try again", "no_keys")
        if keys is not self._known_by:
            known.clear()
            self._known_by = keys
        if (subject := known.right.get(digest)) is not None:
            return self._lasting(subject)
        if (refusal := known.wrong.get(digest)) is not None:
            raise refusal.error()
        try:
            subject = verify(token, keys, self._rules, self._context.clock())
        except NotAdmitted as e:
            if e.reason not in ("unknown_key", "early"):  # which may be right later
                known.add_wrong(digest, WrongToken.of(e))
            raise
        known.add_right(digest, subject)
        return subject

    async def _with_ticket(self, text: str, identity: str, origin: str | None) -> Subject:
        context = self._context
        ticket = read_ticket(text, context.ticket_key, context.clock())
        if ticket is None:
            raise refuse_token("the ticket is not right, or has ended", "ticket")
        if ticket.identity != identity or origin is None or ticket.origin != origin.strip().lower():
            raise refuse_token("the ticket is for another session or page", "ticket")
        try:
            first = await context.buffer.claim(f"ticket:{ticket.id}", context.random(16).hex(), _CLAIMED)
        except TransportError:
            raise NotAdmitted(503, "tickets cannot be checked now: try again", "no_buffer") from None
        if not first:
            raise refuse_token("the ticket has been used", "ticket_used")
        if self.is_revoked(ticket.subject):
            raise refuse_token("the token is not known, or is revoked", "unknown_token")
        return self._lasting(ticket.subject)

    def _lasting(self, subject: Subject) -> Subject:
        if self._has_ended(subject.ends):
            raise refuse_token("the token has ended", "ended")
        return subject

    def _has_ended(self, ends: int | None) -> bool:
        return ends is not None and ends <= self._context.clock()


def _normal(subject: str) -> str:
    """A certificate's subject in the one way in which we compare it."""
    try:
        return x509.Name.from_rfc4514_string(subject).rfc4514_string()
    except ValueError:
        return subject
