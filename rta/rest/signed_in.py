"""Who asks: each request is held to the table of `rta.rest.access` before anything else is done for it.

Whoever may make the request stands in the scope as `rta.subject`. Only the local sockets of the service's own workers
put somebody there before: see `rta.workers.local_http`.

Source: docs/rest.md, "Who may do what".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import structlog
from attrs import define, frozen
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rta.auth import Origins, SignIn
from rta.auth.credentials import SIGN_IN
from rta.ports.access import ANYBODY, ClientCertificate, NotAdmitted, Role, Subject
from rta.rest.access import METRICS, OF_NODES, STREAMS, access_at, methods_of
from rta.rest.answer_headers import NO_HEADERS, AnswerHeaders, is_preflight, preflight
from rta.rest.body import refusal
from rta.rest.guard import is_of_another_site, why_no_answer, why_no_changes
from rta.rest.problem import problem
from rta.rest.routing import is_below

__all__ = ["SUBJECT", "AccessRules", "signed_in", "subject_of"]

log = structlog.get_logger("rta.rest")

SUBJECT = "rta.subject"
"""The key of the scope under which a `Subject` is."""

_GOES_ON = 3600 * 10**9  # ns for which an answer that has begun goes on when the credentials have ended


@frozen
class AccessRules:
    """What requests are held to."""

    sign_in: SignIn | None
    """None: nobody has to sign in."""
    host: str
    """The configured name of the site."""
    clock: Callable[[], int]
    """Wall time, ns since the Unix epoch."""

    @property
    def required(self) -> bool:
        """Whether one has to sign in. Otherwise whoever reaches us may read, and programs on this machine may change
        things."""
        return self.sign_in is not None and self.sign_in.enabled

    @property
    def open_metrics(self) -> bool:
        """Whether everybody may have the metrics."""
        return self.sign_in is None or self.sign_in.open_metrics

    async def lets_read(self, scope: Scope) -> bool:
        """Whether whoever asks for what everybody may have may read too."""
        if self.sign_in is None or not self.required:
            return True
        try:
            return (await subject_of(scope, self.sign_in)).may(Role.READ)
        except NotAdmitted as e:
            self.note_refusal(e, scope)
            return False

    def check_page(self, scope: Scope, role: Role) -> None:
        """A browser sends a certificate along whichever page asks, and may speak for nobody in particular too.

        :raises NotAdmitted: 403; so it may be a page of another site.
        """
        assert self.sign_in is not None
        if "authorization" in Headers(scope=scope) or (_certificate(scope) is None and role is Role.READ):
            return
        if is_of_another_site(scope, self.sign_in.origins):
            raise NotAdmitted(403, "this is not answered to pages of other sites", "origin")

    def check_host(self, scope: Scope) -> None:
        """Somebody without credentials asks.

        :raises NotAdmitted: 403; so it may be a page of another site, which has given its name our address.
        """
        origins = Origins((), self.host) if self.sign_in is None else self.sign_in.origins
        if why := why_no_answer(scope, origins):
            raise NotAdmitted(403, why, "host")

    def missing(self, subject: Subject, role: Role) -> NotAdmitted:
        """The refusal to somebody without a role."""
        name = role.name.lower()
        if not subject.name:
            return NotAdmitted(401, f"sign in: the role {name} is needed", "nobody", SIGN_IN)
        challenge = f'{SIGN_IN}, error="insufficient_scope"'
        return NotAdmitted(403, f"the role {name} is missing", "role", challenge)

    def note_refusal(self, error: NotAdmitted, scope: Scope) -> None:
        """It is counted and logged."""
        if self.sign_in is not None:
            client = scope.get("client")
            self.sign_in.note_refusal(error, None if client is None else client[0])

    def is_over(self, subject: Subject) -> bool:
        """Whether an answer to somebody that has begun is to be broken off."""
        if self.sign_in is not None and self.sign_in.is_revoked(subject):
            return True
        return subject.ends is not None and self.clock() > subject.ends + _GOES_ON


def signed_in(app: ASGIApp, rules: AccessRules) -> ASGIApp:
    """The application for those who may use it. Paths are those that are routed; the body has not been received."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        # What another worker has sent on gets its headers there.
        answering = _Answering(send, NO_HEADERS if SUBJECT in scope else AnswerHeaders.of(scope, rules.sign_in))
        found = await _admitted(scope, rules)
        if isinstance(found, Response):
            await found(scope, receive, answering.send)
            return
        if found is not None and (found.ends is not None or found.mark):
            answering.is_over = lambda: rules.is_over(found)
        try:
            await app({**scope, SUBJECT: found}, receive, answering.send)
        except _Over:
            log.info("an answer is broken off: whoever gets it may not read any more", path=scope["path"])

    return answer


async def subject_of(scope: Scope, sign_in: SignIn) -> Subject:
    """Who asks, by what they bring.

    :raises NotAdmitted: what they bring is not right, or it cannot be told now.
    """
    tokens = Headers(scope=scope).getlist("authorization")
    return await sign_in.subject(", ".join(tokens) if tokens else None, _certificate(scope))


async def _admitted(scope: Scope, rules: AccessRules) -> Subject | Response | None:
    """Who asks, or the answer to what is not there or not granted; None: everybody may have it."""
    path, method = scope["path"], scope["method"]
    calls = access_at(path)
    if calls is None:
        return problem(404, f"there is nothing at {path[:200]}; /rta/v2/docs shows what there is")
    if is_preflight(scope, rules.sign_in):
        return preflight(calls)
    call = calls.get("GET" if method == "HEAD" else method)
    if call is None and not is_below(path, (STREAMS,)):  # streams tell themselves what can be done with each
        allowed = ", ".join(methods_of(calls))
        return problem(405, f"{method} is not possible here; expected one of {allowed}", headers={"allow": allowed})
    try:
        return await _who_may(scope, Role.READ if call is None else call.role, rules)
    except NotAdmitted as e:
        rules.note_refusal(e, scope)
        return _refusal(is_below(path, OF_NODES), e.status, str(e), e.challenge)


async def _who_may(scope: Scope, role: Role | None, rules: AccessRules) -> Subject | None:
    """:raises NotAdmitted: whoever asks has not got the role, or it cannot be told who that is."""
    if role is None or (scope["path"] == METRICS and rules.required and rules.open_metrics):
        return None
    subject: Subject | None = scope.get(SUBJECT)
    if subject is None and rules.sign_in is not None and rules.required:
        subject = await subject_of(scope, rules.sign_in)
        rules.check_page(scope, role)
        if not subject.name and subject.role is not None:
            rules.check_host(scope)
    elif subject is None:
        rules.check_host(scope)
        if role > Role.READ and (why := why_no_changes(scope, rules.host)):
            raise NotAdmitted(403, why, "origin")
        return ANYBODY
    if not subject.may(role):
        raise rules.missing(subject, role)
    return subject


@lru_cache(maxsize=128)  # of floods of wrong tokens; what they are told is one of few texts
def _refusal(of_node: bool, status: int, why: str, challenge: str | None) -> Response:
    """`of_node`: it is asked for streams, alarms or remote nodes."""
    headers = {} if challenge is None else {"www-authenticate": challenge}
    if status == 503:
        headers["retry-after"] = "5"
    return (refusal if of_node else problem)(status, why, headers=headers)


def _certificate(scope: Scope) -> ClientCertificate | None:
    """The client's, which the edge has verified. ASGI's extension `tls`, with an end that is ours."""
    tls: Mapping[str, Any] = (scope.get("extensions") or {}).get("tls") or {}
    name = tls.get("client_cert_name")
    return None if name is None else ClientCertificate(name, tls.get("client_cert_ends"))


class _Over(OSError):
    """An answer is not to go on."""


@define
class _Answering:
    """One answer on its way."""

    _send: Send
    _headers: AnswerHeaders
    is_over: Callable[[], bool] | None = None

    async def send(self, message: Message) -> None:
        """A part of the answer as the application sends it."""
        if message["type"] == "http.response.start":
            headers = self._headers.added_to(message.get("headers", ()), message["status"] == 304)
            message = {**message, "headers": headers}
        elif self.is_over is not None and message.get("more_body", False) and self.is_over():
            raise _Over
        await self._send(message)
