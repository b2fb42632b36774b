"""The files of a site where one signs in at an issuer, and which plays a drive."""

from __future__ import annotations

from pathlib import Path

from real_issuer import AUDIENCE, Issuer

__all__ = ["write_site"]

_SITE = """
[site]
state_dir = "state"
{site}
[edge]
port = 0
{edge}
[auth]
enabled = true
authority = "{authority}"
audience = "{audience}"
roles_claim = "realm_access.roles"
origins = ["https://page.example"]
{auth}
[logging]
format = "json"
level = "debug"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"
{more}
"""
_DRIVE = "Time (s),Speed\n" + "".join(f"{i / 10},{i}\n" for i in range(9000))


def write_site(folder: Path, issuer: Issuer, *, site: str = "", edge: str = "", auth: str = "", more: str = "") -> Path:
    """The configuration. `site`, `edge`, `auth`: more lines of these tables; `more`: further tables."""
    (folder / "drive.csv").write_text(_DRIVE)
    path = folder / "site.toml"
    tables = {"site": site, "edge": edge, "auth": auth, "more": more}
    path.write_text(_SITE.format(authority=issuer.url, audience=AUDIENCE, **tables))
    return path
