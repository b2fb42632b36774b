"""The `[auth]` table: who signs in, by what, and what they may do then."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, define
from attrs.validators import and_, ge, gt, le, min_len, optional
from cryptography import x509

from rta.client.base_url import check_base_url
from rta.errors import RtaError
from rta.formatting import shown, shown_url
from rta.loopback import is_loopback_host
from rta.ports import Duration, option
from rta.ports.access import Role

__all__ = ["Algorithm", "AuthSettings", "RoleName", "is_trusted_url", "role_named"]

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]  # fmt: skip
RoleName = Literal["read", "operate", "administer"]

_ALGORITHMS: list[Algorithm] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]  # fmt: skip
_HOST = r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?)"
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_HOST})(:(?P<port>[0-9]{{1,5}}))?([/?][\x21-\x7e]*)?", re.IGNORECASE
)
_ORIGIN = re.compile(rf"https?://{_HOST}(:[0-9]{{1,5}})?", re.IGNORECASE)


def role_named(name: str) -> Role | None:
    """The role that a setting or a file names; None: there is none of this name."""
    return {"read": Role.READ, "operate": Role.OPERATE, "administer": Role.ADMINISTER}.get(name)


def is_trusted_url(url: str) -> bool:
    """Whether what a URL gives is from whom it says: https, or http of this machine. There is no user in it."""
    match = _URL.fullmatch(url) if len(url) <= 2000 else None
    if match is None or int(match["port"] or 443) not in range(1, 1 << 16):
        return False
    return match["scheme"].lower() == "https" or is_loopback_host(match["host"].strip("[]"))


def _is_issuer(_: object, attribute: Attribute[Any], value: str) -> None:
    try:
        check_base_url(value)
    except RtaError as e:
        raise ValueError(f"{attribute.name}: {e}") from None
    if not is_trusted_url(value):
        raise ValueError(f"expected a URL with https, or with http of this machine, got {shown_url(value)!r}")


def _are_origins(_: object, attribute: Attribute[Any], value: list[str]) -> None:
    for origin in value:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"expected origins like https://rta.example.com:8443, without a path, got {shown(origin)}")


def _are_subjects(_: object, attribute: Attribute[Any], value: dict[str, str]) -> None:
    for subject in value:
        try:
            x509.Name.from_rfc4514_string(subject)
        except ValueError:
            raise ValueError(
                f"expected subjects as RFC 4514 writes them, CN=anna,O=Example, got {shown(subject)}"
            ) from None


@define
class AuthSettings:
    """Who may look and who may act. Without sign-in everybody who reaches the service may read, and programs on this
    machine may change things."""

    enabled: bool = option("Whether one has to sign in.", False)
    authority: str | None = option(
        "The OAuth 2 issuer whose tokens are taken: its discovery document is below it. https, or http of this "
        "machine.",
        None,
        validator=optional(_is_issuer),
    )
    audience: str | None = option(
        "What we are called there: the audience of a token must contain it.", None, validator=optional(min_len(1))
    )
    algorithms: list[Algorithm] = option(
        "Signatures that are taken. Those with a shared secret are not known.",
        factory=lambda: list(_ALGORITHMS),
        validator=min_len(1),
    )
    leeway: Duration = option(
        "By how much the issuer's clock and ours may differ.", Duration(30.0), validator=and_(ge(0), le(300))
    )
    roles_claim: str | None = option(
        "The claim that says what somebody may do, `scope` or with dots between levels `realm_access.roles`: a text "
        "of words, a list of texts, or a table whose keys count. Unset: whoever has a token may read.",
        None,
        validator=optional(min_len(1)),
    )
    readers: list[str] = option(
        "Values of that claim that may read; empty: every token that is right may.", factory=list
    )
    operators: list[str] = option(
        "Values that may also start and stop streams, and give commands.", factory=lambda: ["operate"]
    )
    administrators: list[str] = option(
        "Values that may also add, edit and remove streams, and delete recorded sessions.",
        factory=lambda: ["administer"],
    )
    anonymous: Literal["nothing", "read", "operate"] = option("What somebody may do who has not signed in.", "nothing")
    metrics: Literal["read", "anybody"] = option("Who may have `/metrics`: whoever may read, or anybody.", "read")
    tokens_file: Path | None = option(
        "The file of static tokens, which `rta token` writes. Unset: `tokens.json` in `site.state_dir`, or else in the "
        "state directory of the user.",
        None,
    )
    refresh: Duration = option(
        "How often the issuer's keys are fetched again. A key that is not known is asked for at once, every "
        "10 s at most.",
        Duration(600.0),
        validator=ge(10),
    )
    keep_keys: Duration = option(
        "How long keys count after they were fetched, where the issuer cannot be reached.",
        Duration(86400.0),
        validator=gt(0),
    )
    client_id: str | None = option("What our page and `rta login` are called at the issuer.", None)
    scopes: list[str] = option("What they ask for.", factory=lambda: ["openid"])
    origins: list[str] = option(
        "Web pages of other origins that may use the service, and the names under which it is reached itself: "
        "`https://rta.example.com`.",
        factory=list,
        validator=_are_origins,
    )
    certificates: dict[str, RoleName] = option(
        'Roles by the subject of a certificate, as RFC 4514 writes it: `{ "CN=anna,O=Example" = "operate" }`.',
        factory=dict,
        validator=_are_subjects,
    )
    ticket_key_file: Path | None = option(
        "A file of 32 or more random bytes, the same on every machine that serves behind one name: a ticket for a "
        "WebSocket counts on each of them. Unset: made at the start.",
        None,
    )
    allow_insecure: bool = option(
        "Listen beyond this machine although nobody has to sign in, or without TLS. There is a warning in the log and "
        "in `/health`.",
        False,
    )
