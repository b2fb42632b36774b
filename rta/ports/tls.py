"""TLS: the options that everything with TLS has, the contexts made of them, and what can be wrong with the files.

Whose connections they are, and when new files are taken, is up to the transports.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from attrs import define

from rta.errors import UnreadableError
from rta.network_errors import network_reason
from rta.ports import ClientCertificate, Duration, option

__all__ = [
    "ClientTlsOptions",
    "ServerTlsOptions",
    "TlsOptions",
    "certificate_end",
    "client_certificate",
    "client_context",
    "days_left",
    "server_context",
    "tls_problems",
]

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_DAY = 86400 * 10**9
_LATEST = 1 << 63  # ns since the Unix epoch
_FILES = ("ca_file", "cert_file", "key_file")


@define(kw_only=True)
class TlsOptions:
    """What both sides of a connection have."""

    ca_file: Path | None = option(
        "For TLS: certificates of who may have signed the other side's; unset: for a server's, the system's.",
        None,
        last=True,
    )
    cert_file: Path | None = option(
        "For TLS: our own certificate, and behind it those between it and its authority.", None, last=True
    )
    key_file: Path | None = option(
        "For TLS: the key of our own certificate, not encrypted; unset: it is in cert_file too.", None, last=True
    )
    minimum_tls: Literal["1.2", "1.3"] = option("For TLS: the oldest version that is spoken.", "1.2", last=True)
    expiry_warning: Duration = option(
        "For TLS: how long before our own certificate ends the log and `/health` warn of it.",
        Duration(14 * 86400.0),
        last=True,
    )


@define(kw_only=True)
class ClientTlsOptions(TlsOptions):
    """Of who connects."""

    check_name: bool = option(
        "For TLS: the server's certificate must be for the host that we connect to.", True, last=True
    )


@define(kw_only=True)
class ServerTlsOptions(TlsOptions):
    """Of who is connected to: TLS is spoken where there is a `cert_file`."""

    client_certificates: Literal["none", "optional", "required"] = option(
        "For TLS: whether clients are asked for a certificate; it must be signed by one of ca_file.", "none", last=True
    )


def client_context(options: ClientTlsOptions, folder: Path) -> ssl.SSLContext:
    """To connect with. Blocks.

    :raises UnreadableError: a file cannot be read, or is not what it should be.
    """
    trusted = None if options.ca_file is None else folder / options.ca_file
    try:
        context = ssl.create_default_context(cafile=trusted)
    except (OSError, ValueError) as e:
        raise UnreadableError(f"ca_file: {trusted}: {_reason(e)}") from None
    context.check_hostname = options.check_name
    context.minimum_version = _VERSIONS[options.minimum_tls]
    if options.cert_file is not None:
        _load_own(context, options, folder)
    return context


def server_context(options: ServerTlsOptions, folder: Path) -> ssl.SSLContext:
    """To be connected to with, for HTTP/1.1. Blocks. There must be a `cert_file`.

    Nothing is kept of a connection that has ended: sessions are taken up again over TLS 1.2 alone, by a ticket, which
    this context alone can read.

    :raises UnreadableError: a file cannot be read, or is not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[options.minimum_tls]
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    _load_own(context, options, folder)
    if options.client_certificates != "none" and options.ca_file is not None:
        try:
            context.load_verify_locations(folder / options.ca_file)
        except (OSError, ValueError) as e:
            raise UnreadableError(f"ca_file: {folder / options.ca_file}: {_reason(e)}") from None
        optional = options.client_certificates == "optional"
        context.verify_mode = ssl.CERT_OPTIONAL if optional else ssl.CERT_REQUIRED
    return context


def _load_own(context: ssl.SSLContext, options: TlsOptions, folder: Path) -> None:
    assert options.cert_file is not None
    cert = folder / options.cert_file
    key = None if options.key_file is None else folder / options.key_file
    where = f"cert_file: {cert}" if key is None else f"cert_file and key_file: {cert}, {key}"
    try:
        context.load_cert_chain(cert, key, _no_passphrase)
    except (OSError, ValueError) as e:  # SSLError is an OSError
        raise UnreadableError(f"{where}: {_reason(e)}") from None


def _no_passphrase() -> str:
    """Without it, OpenSSL would ask on the terminal."""
    raise ValueError("the key is encrypted; it must not be")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the key does not fit the certificate"
        if error.reason in (None, "NO_START_LINE", "NO_CERTIFICATE_OR_CRL_FOUND"):
            return "damaged, or a part of it is missing: expected certificate and key in PEM"
    return network_reason(error)


def certificate_end(path: Path) -> int:
    """When the first certificate in a PEM file ends, in ns since the Unix epoch. Blocks.

    :raises UnreadableError: the file cannot be read, there is no certificate in it, or it is damaged.
    """
    from cryptography import x509  # which takes long, and few have a certificate

    try:
        text = path.read_bytes()
    except OSError as e:
        raise UnreadableError(f"cert_file: {path}: {os.strerror(e.errno or 0)}") from None
    try:
        end = x509.load_pem_x509_certificate(text).not_valid_after_utc
    except ValueError:
        raise UnreadableError(f"cert_file: {path}: no certificate in it, or it is damaged") from None
    return int(end.timestamp()) * 10**9


def days_left(end: int, now: int) -> float:
    """Both in ns since the Unix epoch; negative behind the end."""
    return (end - now) / _DAY


def client_certificate(der: bytes) -> ClientCertificate:
    """Whose it is, and until when.

    :raises ValueError: it is damaged.
    """
    from cryptography import x509

    read = x509.load_der_x509_certificate(der)
    ends = int(read.not_valid_after_utc.timestamp()) * 10**9
    return ClientCertificate(read.subject.rfc4514_string(), ends if ends < _LATEST else None)


def tls_problems(
    options: TlsOptions, folder: Path, now: int, unused: str | None, make: Callable[[], ssl.SSLContext]
) -> list[str]:
    """What is wrong with the options and their files, one line each. Blocks.

    `now`: ns since the Unix epoch. `unused`: without what a client has no TLS, as `tls = true`; None: it has. `make`:
    makes the context of these options.
    """
    problems = []
    for name in _FILES:
        path: Path | None = getattr(options, name)
        if path is not None and not (folder / path).is_file():
            problems.append(f"{name}: there is no file {folder / path}")
        if path is not None and unused is not None:
            problems.append(f"{name}: only used with {unused}")
    if options.key_file is not None and options.cert_file is None:
        problems.append("key_file: there is no cert_file that it belongs to")
    if isinstance(options, ServerTlsOptions):
        problems += _client_problems(options)
        if options.cert_file is None:
            return problems
    if problems or unused is not None:
        return problems
    try:
        make()
        if options.cert_file is not None:
            end = certificate_end(folder / options.cert_file)
            if end <= now:
                return [f"cert_file: {folder / options.cert_file} has ended, on {_date(end)}"]
    except UnreadableError as e:
        return [str(e)]
    return []


def _client_problems(options: ServerTlsOptions) -> list[str]:
    if options.client_certificates == "none":
        return [] if options.ca_file is None else ["ca_file: only used where client_certificates are asked for"]
    if options.cert_file is None:
        return ["client_certificates: without cert_file there is no TLS"]
    if options.ca_file is None:
        return ["client_certificates: there is no ca_file that says who may have signed them"]
    return []


def _date(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%d}"
