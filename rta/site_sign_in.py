"""Sign-in of a site: what it needs is started, and it is put together."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import trio

from rta.actors.issuer import IssuerActor
from rta.actors.token_watch import TokenWatch
from rta.auth import SignIn, SignInContext
from rta.auth.static_tokens import StaticTokens
from rta.config import Config
from rta.errors import ConfigError, Problem
from rta.health import Health
from rta.latest import Latest
from rta.ports import BurstLog, Reporter, load_transport
from rta.workers import Membership

__all__ = ["start_sign_in"]

_KEY = 32  # bytes
_LONGEST_KEY = 4096


async def start_sign_in(
    nursery: trio.Nursery,
    config: Config,
    buffer: BurstLog,
    health: Health,
    report: Reporter,
    clock: Callable[[], int],
    member: Membership | None,
) -> SignIn:
    """What tells who asks. In the nursery are those who keep keys and tokens up to date.

    :raises ConfigError: the key for tickets cannot be read.
    """
    issuer, tokens = None, Latest(StaticTokens())
    if config.auth.enabled and config.auth.authority is not None:
        issuer = IssuerActor(config.auth, health, report)
        nursery.start_soon(issuer.run)
    if config.auth.enabled and config.tokens_file is not None:
        watch = TokenWatch(config.tokens_file, health)
        await nursery.start(watch.run)
        tokens = watch.tokens
    edge = load_transport(config.edge.transport).edge
    host = edge.address(config.edge.options)[0] if edge is not None and edge.address is not None else ""
    key = await trio.to_thread.run_sync(_ticket_key, config.ticket_key_file, member)
    context = SignInContext(issuer, tokens, buffer, report, key, host, clock, secrets.token_bytes)
    return SignIn(config.auth, context)


def _ticket_key(given: Path | None, member: Membership | None) -> bytes:
    """The same for all who serve behind one name."""
    path = given or (None if member is None else member.ticket_key_file)
    if path is None:
        return secrets.token_bytes(_KEY)
    try:
        with path.open("rb") as file:
            key = file.read(_LONGEST_KEY + 1)
    except OSError as e:
        raise ConfigError([Problem(f"the key for tickets, {path}, cannot be read: {e.strerror}")]) from None
    if not _KEY <= len(key) <= _LONGEST_KEY:
        raise ConfigError([Problem(f"expected {_KEY} to {_LONGEST_KEY} random bytes as the key for tickets in {path}")])
    return key
