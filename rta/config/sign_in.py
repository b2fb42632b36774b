"""What is contradictory in the `[auth]` table, and whether anybody could sign in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rta.auth.settings import AuthSettings
from rta.options import Key

__all__ = ["auth_faults", "sign_in_faults"]


def auth_faults(auth: AuthSettings) -> Iterator[tuple[Key, str]]:
    """What contradicts itself, whatever else there is."""
    if auth.authority is not None and auth.audience is None:
        yield (
            ("auth", "audience"),
            "expected what we are called at the issuer: tokens for others are not for us",
        )
    if auth.authority is None:
        for key, value in (("audience", auth.audience), ("client_id", auth.client_id)):
            if value is not None:
                yield ("auth", key), "means nothing without auth.authority, the issuer of tokens"
    if auth.readers and auth.roles_claim is None:
        yield ("auth", "readers"), "expected auth.roles_claim, the claim that these are values of: nobody could read"
    if auth.keep_keys < auth.refresh:
        yield ("auth", "keep_keys"), "expected at least auth.refresh: keys would end before they are fetched again"


def sign_in_faults(auth: AuthSettings, tokens_file: Path | None, ticket_key: Path | None) -> Iterator[tuple[Key, str]]:
    """Whether nobody could sign in, and files that are no use."""
    if not auth.enabled:
        return
    if auth.authority is None and not auth.certificates and (tokens_file is None or not tokens_file.exists()):
        how = "expected auth.authority and auth.audience, or a token that `rta token add` makes: nobody could sign in"
        yield ("auth", "enabled"), how
    if ticket_key is not None and (why := _why_no_key(ticket_key)) is not None:
        yield ("auth", "ticket_key_file"), why


def _why_no_key(path: Path) -> str | None:
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except OSError as e:
        return f"{path} cannot be read: {e.strerror}"
    return None if 32 <= size <= 4096 else f"expected 32 to 4096 random bytes in {path}"
