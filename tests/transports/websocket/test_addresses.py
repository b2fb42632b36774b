"""How many connections each address has."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from rta_transports.websocket.addresses import Addresses
from rta_transports.websocket.head import RequestHead


def within(addresses: Addresses, *peers: str) -> list[bool]:
    """Of each, whether it is within the limit, all being open."""
    with ExitStack() as opened:
        return [opened.enter_context(addresses.counted(peer)) for peer in peers]


def test_each_address_is_counted_for_itself():
    addresses = Addresses([], 2)
    assert within(addresses, "10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.1") == [True, True, True, False]


def test_who_has_gone_is_not_counted():
    addresses = Addresses([], 1)
    assert [within(addresses, "10.0.0.1") for _ in range(3)] == [[True]] * 3


def test_a_site_with_ipv6_counts_as_one():
    addresses = Addresses([], 1)
    assert within(addresses, "2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1") == [True, False, True]


def test_a_mapped_address_is_the_one_that_is_mapped():
    addresses = Addresses(["10.0.0.0/8"], 1)
    assert within(addresses, "192.168.0.1", "::ffff:192.168.0.1") == [True, False]
    assert addresses.trusts("::ffff:10.1.2.3")


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("", "10.0.0.1"),
        ("\r\nX-Forwarded-For: 192.0.2.1", "192.0.2.1"),
        ("\r\nX-Forwarded-For: 192.0.2.1, 10.0.0.9", "192.0.2.1"),
        ("\r\nX-Forwarded-For: 198.51.100.7, 192.0.2.1, 10.0.0.9", "192.0.2.1"),
        ("\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 10.0.0.9", "192.0.2.1"),
        ("\r\nX-Forwarded-For: not an address", "not an address"),
    ],
)
def test_the_client_is_whom_a_trusted_proxy_vouches_for(said: str, client: str):
    head = RequestHead.parse(f"GET / HTTP/1.1\r\nHost: x{said}\r\n\r\n".encode())
    assert Addresses(["10.0.0.0/8"], 1).behind("10.0.0.1", head) == client


def test_nobody_else_is_believed():
    head = RequestHead.parse(b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
    assert Addresses(["10.0.0.0/8"], 1).behind("203.0.113.5", head) == "203.0.113.5"
