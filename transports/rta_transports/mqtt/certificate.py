"""When a certificate expires. Python's ssl reads that of others' certificates only, so its DER is walked here.

Source: RFC 5280, 4.1: Certificate ::= [tbsCertificate [[0] version, serial, algorithm, issuer, validity, …], …]
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["expiry"]

_VERSION = 0xA0
_UTC_TIME = 0x17
_END = "-----END CERTIFICATE-----"


def expiry(path: Path) -> datetime:
    """Of the first certificate in a PEM file.

    :raises OSError: the file cannot be read.
    :raises ValueError: there is none in it, or it is damaged.
    """
    text = path.read_text(errors="replace")
    start = text.find("-----BEGIN CERTIFICATE-----")
    end = text.find(_END, start)
    if start < 0 or end < 0:
        raise ValueError("no certificate in it")
    der = ssl.PEM_cert_to_DER_cert(text[start : end + len(_END)])
    try:
        ((_, certificate),) = _elements(der)
        _, signed = next(_elements(certificate))
        fields = [body for tag, body in _elements(signed) if tag != _VERSION]
        _, (tag, ends) = _elements(fields[3])
        digits = ends.decode("ascii")
        if tag == _UTC_TIME:  # two digits of the year, of 1950 to 2049
            digits = ("19" if digits[0] >= "5" else "20") + digits
        return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except (ValueError, IndexError, StopIteration):
        raise ValueError("the certificate is damaged") from None


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of what stands one after another."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size], "big"), at + size
        if at + length > len(der):
            raise ValueError("cut off")
        yield tag, der[at : at + length]
        at += length
