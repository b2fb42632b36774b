"""The page of this machine to which an issuer sends the browser back: it takes one answer, and is gone.

Other programs of this machine, and pages in the browser, can reach it too: what does not belong to the sign-in that
waits is refused, and changes nothing. Sources: RFC 6749, 4.1.2; RFC 8252, 7.3; RFC 9207.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import h11
import trio
from attrs import define, field

from rta.login.issuer import IssuerRefusal

__all__ = ["Callback"]

_PATH, _DONE = "/callback", "/done"
_HEAD = 16 << 10  # bytes of a request
_PATIENCE = 5.0  # seconds for a request and its answer
_AT_ONCE = 16
_PAGE = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>rta</title>
<p>{}</p>
</html>
"""
_CLOSE_IT = "You can close this page: rta says in its terminal whether you are signed in."
_HEADERS = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("connection", "close"),
)


@define
class Callback:
    """One sign-in that waits for the answer of its issuer."""

    host: str
    """Where the page is, `127.0.0.1:PORT`."""
    state: str = field(repr=False)
    issuer: str
    names_itself: bool
    """The answer must say which issuer has given it."""
    answered: trio.Event = field(init=False, factory=trio.Event)
    shown: trio.Event = field(init=False, factory=trio.Event)
    """The browser has the page that stays, whose address has no code in it."""
    _code: str | None = field(init=False, default=None, repr=False)
    _refusal: IssuerRefusal | None = field(init=False, default=None)
    _open: int = field(init=False, default=0)

    @property
    def url(self) -> str:
        """Where the issuer sends the browser."""
        return f"http://{self.host}{_PATH}"

    def code(self) -> str:
        """What has come; once `answered` is set.

        :raises IssuerRefusal: nobody has signed in there.
        """
        if self._refusal is not None:
            raise self._refusal
        assert self._code is not None
        return self._code

    def respond(self, method: str, target: str, host: str) -> tuple[int, str]:
        """The status and the text of the answer to a request; with 303 the browser goes on to the page that stays."""
        parts = urlsplit(target)
        if host != self.host:  # a page of another site, whose name leads here
            return 400, "This is nothing for other sites."
        if method not in ("GET", "HEAD"):
            return 405, "This page can only be looked at."
        if parts.path == _DONE:
            return 200, _CLOSE_IT
        if parts.path != _PATH:
            return 404, "There is nothing here."
        try:
            fields = parse_qs(parts.query, max_num_fields=50)
        except ValueError:
            fields = {}
        if any(len(values) > 1 for values in fields.values()) or fields.get("state") != [self.state]:
            return 400, "This does not belong to the sign-in that waits in the terminal."
        if fields.get("iss", [None if self.names_itself else self.issuer]) != [self.issuer]:
            return 400, "This is the answer of another issuer."
        if self.answered.is_set():
            return 400, "This sign-in has had its answer."
        if "error" in fields:
            self._refusal = IssuerRefusal(fields["error"][0], fields.get("error_description", [""])[0])
        elif "code" in fields:
            self._code = fields["code"][0]
        else:
            return 400, "The issuer has answered without a code."
        self.answered.set()
        return 303, ""

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Answer one request."""
        async with stream:
            if self._open >= _AT_ONCE:
                return
            self._open += 1
            try:
                with trio.move_on_after(_PATIENCE):
                    await self._serve(stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
                pass  # whoever it was has gone, or does not speak HTTP
            finally:
                self._open -= 1

    async def _serve(self, stream: trio.abc.Stream) -> None:
        http = h11.Connection(h11.SERVER, _HEAD)
        while (event := http.next_event()) is h11.NEED_DATA:
            http.receive_data(bytes(await stream.receive_some(_HEAD)))
        if not isinstance(event, h11.Request):
            return
        target = event.target.decode("latin-1")
        host = next((value.decode("latin-1") for name, value in event.headers if name == b"host"), "")
        method = event.method.decode()
        status, text = self.respond(method, target, host)
        body = b"" if status == 303 else _PAGE.format(text).encode()
        headers = [*_HEADERS, ("content-length", str(len(body))), *([("location", _DONE)] if status == 303 else [])]
        data = http.send(h11.Response(status_code=status, headers=headers)) or b""
        if method != "HEAD":
            data += http.send(h11.Data(data=body)) or b""
        await stream.send_all(data)
        if (status, text) == (200, _CLOSE_IT):
            self.shown.set()
