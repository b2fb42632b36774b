"""Throw-away certificates in files, and clients that know their authority."""

from __future__ import annotations

import ssl
from datetime import datetime
from functools import cache
from pathlib import Path

import trio
import trustme

__all__ = ["authority", "client_side", "tls_options", "tls_stream", "write_certificate"]

NAME = "127.0.0.1"


@cache
def authority(name: str = "ours") -> trustme.CA:
    return trustme.CA(organization_name=name)


def write_certificate(
    folder: Path, identity: str = NAME, ca: trustme.CA | None = None, not_after: datetime | None = None
) -> trustme.LeafCert:
    """`cert.pem`, `key.pem` and, of the authority that clients' must be of, `ca.pem`."""
    cert = (ca or authority()).issue_cert(identity, common_name=identity, not_after=not_after)
    cert.private_key_pem.write_to_path(str(folder / "key.pem"))
    for i, blob in enumerate(cert.cert_chain_pems):
        blob.write_to_path(str(folder / "cert.pem"), append=i > 0)
    authority().cert_pem.write_to_path(str(folder / "ca.pem"))
    return cert


def tls_options(folder: Path, **options: object) -> dict[str, object]:
    """What an edge with these files is configured with."""
    files = {"cert_file": folder / "cert.pem", "key_file": folder / "key.pem"}
    return {"handshake_timeout": 60.0, **files, **options}


def client_side(cert: trustme.LeafCert | None = None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Who trusts our authority, and shows a certificate."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    if cert is not None:
        cert.configure_cert(context)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


async def tls_stream(port: int, context: ssl.SSLContext | None = None) -> trio.SSLStream[trio.SocketStream]:
    """Connected, and the handshake done."""
    stream = trio.SSLStream(
        await trio.open_tcp_stream(NAME, port), context or client_side(), server_hostname=NAME, https_compatible=True
    )
    try:
        await stream.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream
