"""What the tests of signing in share: an issuer on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import trio
from small_issuer import CLIENT, SmallIssuer, issuing_here

from rta.login import IssuerClient


class NearClient(IssuerClient):
    """Asks without a network, so that time may jump."""

    def __init__(self, issuer: SmallIssuer) -> None:
        super().__init__(issuer.base, CLIENT)
        self._issuer = issuer

    async def ask(self, url: str, form: bytes | None) -> tuple[int, dict[str, Any]]:
        await trio.lowlevel.checkpoint()
        return self._issuer.handle(urlsplit(url).path, dict(parse_qsl((form or b"").decode())), "")[:2]


@pytest.fixture
def issuer() -> Iterator[SmallIssuer]:
    with issuing_here() as issuer:
        yield issuer


@pytest.fixture
def near(issuer) -> IssuerClient:
    """The issuer, asked without a network."""
    return NearClient(issuer)
