"""REST calls: each in a worker thread, with a time limit."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

import trio

from rta.client.base_url import check_base_url
from rta.client.credentials import Credentials, ask_signed_in, why_refused
from rta.errors import MalformedError, NotConnectedError, RtaError, UnreadableError
from rta.formatting import shown_url
from rta.network_errors import network_reason
from rta.wire import Configuration, SessionModel, read_configuration, read_session

__all__ = ["ANSWER", "RestClient"]

ANSWER = 10.0
"""Seconds for a whole answer, connecting included."""

_PAGES = 1000  # of a list that are read
_LIMIT = 64 << 20  # bytes of an answer that are read


class RestClient:
    """A service at a base URL (`http://host:port`)."""

    def __init__(self, base: str, timeout: float = ANSWER, credentials: Credentials | None = None) -> None:
        """`timeout`: seconds for a whole answer, connecting included. `credentials`: None: we do not say who we are.

        All calls raise `NotSignedIn` and `NotAllowed` where the service refuses us for who we are.

        :raises RtaError: `base` is no base URL.
        """
        check_base_url(base)
        self.base = base.rstrip("/")
        self.credentials = credentials
        self._timeout = timeout
        self._opener = _opener(self.base, credentials)

    async def sessions(self) -> list[SessionModel]:
        """All top-level sessions, newest first. Sessions that cannot be read are left out.

        Pages are asked for until one has nothing new: how long a page is, is the service's to say.
        """
        found: dict[str, SessionModel] = {}
        for index in range(_PAGES):
            page = await self._page(f"/rta/v2/sessions?pageIndex={index}" if index else "/rta/v2/sessions")
            new = {s.identity: s for s in page if s.identity not in found}
            if not new:
                break
            found |= new
        return list(found.values())

    async def _page(self, path: str) -> list[SessionModel]:
        document = await self._get(path)
        try:
            listed = list(json.loads(document or b"{}").get("sessions", []))
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise self._not_rta() from None
        out = []
        for session in listed:
            try:
                out.append(read_session(json.dumps(session)))
            except MalformedError:
                continue
        return out

    async def session(self, identity: str) -> SessionModel | None:
        """The session with this identity; None if there is none."""
        text = await self._get(f"/rta/v2/sessions/{quote(identity, safe='')}")
        return None if text is None else read_session(text.decode(errors="replace"))

    async def configuration(self, identifier: str) -> Configuration | None:
        """A configuration document; None if the service does not have it."""
        text = await self._get(f"/rta/v2/configs/{quote(identifier, safe='')}")
        return None if text is None else read_configuration(text.decode(errors="replace"))

    async def alarms(self, active: bool = False) -> list[dict[str, Any]]:
        """All alarms that are configured, or only those that are active: `code`, `component`, `description`, `active`,
        `since`, `values`, `source`, `rule`.

        :raises NotConnectedError: the service or its node cannot be reached.
        """
        return await self.listed("/rta/v2/alarms" + ("?active=true" if active else ""), "alarms")

    async def _get(self, path: str) -> bytes | None:
        """The body of a good answer; None for the status 404.

        :raises NotConnectedError: there is no answer.
        :raises UnreadableError: the answer is another one.
        """
        status, body = await self.ask("GET", path)
        if status == 404:
            return None
        if status >= 400:
            raise UnreadableError(f"{self.base}{path} answers {status}")
        return body

    async def call(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON object of a good answer; empty where the answer has no body.

        :raises RtaError: the service refuses the call; the error has its reason.
        :raises NotConnectedError: the service or its node cannot be reached.
        :raises UnreadableError: what answers is no RTA service.
        """
        status, answer = await self.ask(method, path, None if fields is None else json.dumps(fields).encode())
        if status == 204:
            return {}
        try:
            document = json.loads(answer)
        except (ValueError, RecursionError):
            document = None
        if status < 300:
            if not isinstance(document, dict):
                raise self._not_rta()
            return document
        reason = document.get("reason") if isinstance(document, dict) else None
        if not isinstance(reason, str):
            raise UnreadableError(f"{self.base}{path} answers {status}")
        raise NotConnectedError(reason) if status >= 500 else RtaError(reason)

    async def listed(self, path: str, key: str) -> list[dict[str, Any]]:
        """The list of objects that an answer has under a key. Raises what `call` raises."""
        found = (await self.call("GET", path)).get(key)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self._not_rta()
        return found

    def _not_rta(self) -> UnreadableError:
        return UnreadableError(f"{self.base} does not answer as an RTA service")

    async def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of any answer that does not refuse us for who we are. `body`: JSON to send.

        :raises NotConnectedError: there is no answer.
        :raises NotSignedIn: the service wants to know who asks.
        :raises NotAllowed: we may not ask this.
        """

        async def ask(headers: dict[str, str]) -> tuple[int, bytes]:
            status, answer = await self._ask(method, path, body, headers)
            if error := why_refused(status, self.base, answer):
                raise error
            return status, answer

        return await ask_signed_in(self.credentials, self.base, ask)

    async def _ask(self, method: str, path: str, body: bytes | None, signed: dict[str, str]) -> tuple[int, bytes]:
        def ask() -> tuple[int, bytes]:
            headers = signed if method == "GET" else {**signed, "content-type": "application/json"}
            try:
                request = urllib.request.Request(self.base + path, body, headers, method=method)  # noqa: S310
                with self._opener.open(request, timeout=self._timeout) as answer:
                    return answer.status, answer.read(_LIMIT)
            except urllib.error.HTTPError as e:
                with e:  # the error is the answer
                    return e.code, _read_body(e)
            except (OSError, ValueError, HTTPException) as e:
                reason = getattr(e, "reason", e)
                if isinstance(reason, TimeoutError):
                    raise self._late() from None
                why = network_reason(reason) if isinstance(reason, BaseException) else reason
                raise NotConnectedError(f"{self.base} cannot be reached: {why}") from None

        try:
            with trio.fail_after(self._timeout):  # the timeout in the thread is for each read
                return await trio.to_thread.run_sync(ask, abandon_on_cancel=True)
        except trio.TooSlowError:
            raise self._late() from None

    def _late(self) -> NotConnectedError:
        return NotConnectedError(f"{self.base} has not answered within {self._timeout:g} s")


class _SameServer(urllib.request.HTTPRedirectHandler):
    """Goes where the service sends us, if that is the service."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        here, there = urlsplit(req.full_url), urlsplit(newurl)
        if (here.scheme, here.netloc.lower()) != (there.scheme, there.netloc.lower()):
            fp.close()
            raise UnreadableError(f"{shown_url(req.full_url)} sends us to another server, which gets no token of ours")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(base: str, credentials: Credentials | None) -> urllib.request.OpenerDirector:
    if credentials is None:
        return urllib.request.build_opener()
    handlers: list[urllib.request.BaseHandler] = [_SameServer()]
    if base.startswith("http:"):
        handlers.append(urllib.request.ProxyHandler({}))  # it would hear the token
    if credentials.tls is not None:
        handlers.append(urllib.request.HTTPSHandler(context=credentials.tls))
    return urllib.request.build_opener(*handlers)


def _read_body(answer: urllib.error.HTTPError) -> bytes:
    """The body of an error; empty if it does not come."""
    try:
        return answer.read(_LIMIT)
    except (OSError, HTTPException):
        return b""
