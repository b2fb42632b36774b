"""Whether the certificates of a configuration can be used, and how long, for `rta check` and `rta doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rta.config import Config
from rta.errors import UnreadableError
from rta.ports import Finding
from rta.ports.tls import (
    ClientTlsOptions,
    ServerTlsOptions,
    TlsOptions,
    certificate_end,
    client_context,
    days_left,
    server_context,
)

__all__ = ["examine_certificates"]


def examine_certificates(config: Config, now: int) -> Iterator[Finding]:
    """A finding for each transport that shows a certificate of ours. `now`: ns since the Unix epoch. Blocks."""
    plugged = [("edge", config.edge.options), ("buffer", config.buffer.options), ("topics", config.topics.options)]
    plugged += [(f"source {source.name}", source.options) for source in config.sources]
    for name, options in plugged:
        if isinstance(options, TlsOptions) and options.cert_file is not None:
            yield _finding(config, name, options, now)


def _finding(config: Config, name: str, options: TlsOptions, now: int) -> Finding:
    assert options.cert_file is not None
    path = config.folder / options.cert_file
    try:
        days = days_left(certificate_end(path), now)
    except UnreadableError as e:
        return Finding.problem("certificate.unreadable", f"{name}: the certificate cannot be read", str(e))
    try:
        _load(config.folder, options)
    except UnreadableError as e:
        return Finding.problem(
            "certificate.unusable",
            f"{name}: the certificate cannot be used",
            str(e),
            "A service that runs goes on with the one that it has, and does not start again.",
        )
    if days <= 0:
        return Finding.problem(
            "certificate.ended",
            f"{name}: the certificate has ended",
            f"{path} is not accepted by anybody any more.",
            "Put a new one, and its key, in its place; a service that runs takes them by itself.",
        )
    if days * 86400 < options.expiry_warning:
        return Finding.warning(
            "certificate.ending",
            f"{name}: the certificate ends in {days:.1f} days",
            f"From then on nobody accepts {path}.",
            "Put a new one, and its key, in its place; a service that runs takes them by itself.",
        )
    return Finding.ok("certificate", f"{name}: the certificate is good for {days:.0f} days")


def _load(folder: Path, options: TlsOptions) -> None:
    """:raises UnreadableError: it cannot be used with its key, or a file beside them cannot."""
    if isinstance(options, ServerTlsOptions):
        server_context(options, folder)
    elif isinstance(options, ClientTlsOptions):
        client_context(options, folder)
