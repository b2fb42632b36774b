"""The keys of the issuer: fetched now and then, and when a token comes whose key is not known.

Owns the key set. Receives nothing but wake-ups; shows the keys that count. Ends when it is cancelled. The last good
keys count for a stated time while the issuer is away: so its outage shuts out nobody whose key is known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

import structlog
import trio

from rta.auth.key_set import KeySet, read_key_set
from rta.auth.settings import AuthSettings, is_trusted_url
from rta.backoff import Backoff
from rta.errors import MalformedError, NotConnectedError, RtaError
from rta.formatting import shown_url
from rta.health import Health
from rta.http_peer import HttpPeer, PeerPatience
from rta.ports import Reporter

__all__ = ["IssuerActor"]

log = structlog.get_logger("rta.auth")

_DISCOVERY = b"/.well-known/openid-configuration"
_ENDPOINTS = ("token_endpoint", "revocation_endpoint")
_LARGEST = 256 << 10  # bytes of an answer
_PATIENCE = PeerPatience(connect=5.0, head=10.0, piece=5.0)
_WHOLE = 15.0  # seconds for document and key set, however slowly they come
_COOL = 10.0  # seconds between fetches for keys that are not known
_WAIT = 5.0  # seconds that somebody whose key is not known waits for a fetch
_WAITING = 64  # who may
_WHO = "issuer"

MakePeer = Callable[[str, PeerPatience], HttpPeer]


class IssuerActor:
    """Has the keys of one issuer."""

    def __init__(
        self,
        settings: AuthSettings,
        health: Health,
        report: Reporter,
        peer_at: MakePeer = HttpPeer.at_url,
    ) -> None:
        """`peer_at`: gives who answers at a base URL."""
        assert settings.authority is not None, "there is an issuer"
        self.authority = settings.authority
        self._algorithms: Collection[str] = settings.algorithms
        self._refresh, self._keep = settings.refresh, settings.keep_keys
        self._health = health
        self._report = report
        self._peer_at = peer_at
        self.endpoints: tuple[str, ...] = ()
        """Where tokens are had and given back, as its discovery document says, as far as the URLs can be trusted."""
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        """When the keys were fetched last, Trio time."""
        self._asked_at: float | None = None
        """When the last fetch began."""
        self._fetching = False
        self._wanted = trio.Event()
        """Set: somebody waits for the next fetch."""
        self._done = trio.Event()
        """Set when the fetch that goes on, or the next one, has ended."""
        self._waiting = 0
        self._failing = False

    @property
    def keys(self) -> KeySet | None:
        """Those that count; None: none are known, or they were fetched too long ago."""
        return None if self.age > self._keep else self._keys

    @property
    def age(self) -> float:
        """Seconds since the keys were fetched; 0: there are none."""
        return 0.0 if self._keys is None else trio.current_time() - self._fetched_at

    async def fetch_again(self) -> None:
        """Return when there has been a fetch for a key that is not known, or when it is too early for one."""
        early = self._asked_at is not None and trio.current_time() < self._asked_at + _COOL
        if (early and not self._fetching) or self._waiting >= _WAITING:
            await trio.lowlevel.checkpoint()
            return
        self._wanted.set()
        self._waiting += 1
        try:
            with trio.move_on_after(_WAIT):
                await self._done.wait()
        finally:
            self._waiting -= 1

    async def run(self) -> None:
        """Until cancelled."""
        backoff = Backoff(1.0, 30.0)
        while True:
            self._asked_at, self._fetching = trio.current_time(), True
            fetched = await self._try()
            self._fetching, self._wanted = False, trio.Event()
            self._done.set()
            self._done = trio.Event()
            if fetched:
                backoff.reset()
                with trio.move_on_after(self._refresh):
                    await self._wanted.wait()
            else:
                await backoff.pause()

    async def _try(self) -> bool:
        try:
            with trio.fail_after(_WHOLE):
                keys = await self._fetch()
        except trio.TooSlowError:
            return self._fails(f"{self._shown} does not answer within {_WHOLE:g} s")
        except RtaError as e:
            return self._fails(str(e))
        if self._keys is None or self._failing:
            log.info("the issuer's keys are known", issuer=keys.issuer, keys=len(keys.ids), left_out=keys.left_out)
        if self._keys is None or keys != self._keys:  # whoever remembers what they have verified forgets it otherwise
            self._keys = keys
        self._fetched_at = trio.current_time()
        self._failing = False
        self._health.ok(_WHO)
        self._report.count("rta_sign_in_key_fetches_total", outcome="fetched")
        return True

    def _fails(self, why: str) -> bool:
        self._report.count("rta_sign_in_key_fetches_total", outcome="failed")
        if not self._failing:
            log.warning("the issuer's keys cannot be fetched", why=why)
        self._failing = True
        self._health.ok(_WHO)
        if self.keys is None:
            self._health.fail(_WHO, f"nobody can sign in by its tokens: {why}")
        else:
            self._health.lack(_WHO, f"its keys are {self.age:.0f} s old, and count for {self._keep:g} s: {why}")
        return False

    async def _fetch(self) -> KeySet:
        """
        :raises NotConnectedError: there is no answer, or one that is too long.
        :raises MalformedError: what it says is not right.
        """
        document = await self._ask(self.authority.rstrip("/"), _DISCOVERY)
        issuer, place = document.get("issuer"), document.get("jwks_uri")
        # Many are configured without the slash that they end with. What tokens say is compared to the letter.
        if not isinstance(issuer, str) or issuer.rstrip("/") != self.authority.rstrip("/"):
            raise MalformedError("discovery", f"{self._shown} says that it is another issuer")
        named = [document.get(name) for name in _ENDPOINTS]
        self.endpoints = tuple(url for url in named if isinstance(url, str) and is_trusted_url(url))
        base, target = _split(place)
        keys = await self._ask(base, target)
        return read_key_set(keys, issuer, self._algorithms)

    async def _ask(self, base: str, target: bytes) -> dict[str, Any]:
        peer = self._peer_at(base, _PATIENCE)
        async with peer.request("GET", target, [(b"accept", b"application/json")]) as answer:
            if answer.status != 200:
                raise NotConnectedError(f"{peer.name} answers with {answer.status}")
            text = await answer.body(_LARGEST)
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise MalformedError("discovery", f"{peer.name} answers with no JSON object")
        return found

    @property
    def _shown(self) -> str:
        return shown_url(self.authority)


def _split(place: Any) -> tuple[str, bytes]:
    """Base URL and target of where the keys are.

    :raises MalformedError: it is no URL with https, or with http of this machine.
    """
    if not isinstance(place, str) or not is_trusted_url(place):
        raise MalformedError("discovery", "the issuer says no place of its keys that is a URL with https")
    parts = urlsplit(place)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}", f"{parts.path or '/'}{query}".encode()
