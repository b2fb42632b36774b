"""What a client asks to sign in: how, who it is then, and for a ticket to open a WebSocket with.

Source: docs/rest.md, "Signing in".
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from rta.errors import MalformedError, RtaError
from rta.ports.access import Role, Subject
from rta.rest.body import json_response, read_object
from rta.rest.guard import is_json, is_of_another_site, why_no_changes
from rta.rest.problem import RequestProblem
from rta.rest.signed_in import SUBJECT, AccessRules
from rta.rsmp.payload import iso
from rta.wire.values import Ns

__all__ = ["SignInPages"]

_NOT_KEPT = {"cache-control": "no-store"}


class SignInPages:
    """The endpoints."""

    def __init__(self, rules: AccessRules, label: str, description: str, timezone: str) -> None:
        self._rules = rules
        self._info = {"label": label, "description": description, "timezone": timezone}

    async def info(self, request: Request) -> Response:
        """What the site is called, and how to sign in; whoever may not read is told how to sign in alone."""
        sign_in = self._rules.sign_in
        if sign_in is None or not sign_in.enabled:
            return json_response(self._info)
        reads = await self._rules.lets_read(request.scope)
        return json_response({**(self._info if reads else {}), "auth": sign_in.about()})

    async def whoami(self, request: Request) -> Response:
        """Who asks."""
        subject: Subject = request.scope[SUBJECT]
        role = subject.role
        if not self._rules.required and why_no_changes(request.scope, self._rules.host) is not None:
            role = Role.READ
        ends = None if subject.ends is None else iso(Ns(subject.ends))
        return json_response({"name": subject.name, "role": role and role.name.lower(), "ends": ends}, 200, _NOT_KEPT)

    async def ticket(self, request: Request) -> Response:
        """A ticket for one WebSocket."""
        sign_in = self._rules.sign_in
        if sign_in is None or not sign_in.enabled:
            raise RequestProblem(404, "nobody has to sign in here: no ticket is needed")
        origins = request.headers.getlist("origin")
        if len(origins) != 1 or is_of_another_site(request.scope, sign_in.origins):
            raise RequestProblem(403, "tickets are for pages of ours, and of the origins in auth.origins")
        identity = _session(await _fields(request))
        try:
            ticket, ends = await sign_in.new_ticket(request.scope[SUBJECT], identity, origins[0])
        except RtaError as e:
            raise RequestProblem(400, str(e), "session") from None
        return json_response({"ticket": ticket, "expires": iso(Ns(ends))}, 201, _NOT_KEPT)


async def _fields(request: Request) -> dict[str, Any]:
    if not is_json(request.scope):
        raise RequestProblem(415, "expected Content-Type: application/json")
    try:
        return read_object(await request.body())
    except MalformedError as e:
        raise RequestProblem(400, str(e)) from None


def _session(fields: dict[str, Any]) -> str:
    for name in fields:
        if name != "session":
            raise RequestProblem(400, "there is no such field; there is: session", name[:60])
    identity = fields.get("session")
    if not isinstance(identity, str) or not identity:
        raise RequestProblem(400, "session: expected the identity of a session", "session")
    return identity
