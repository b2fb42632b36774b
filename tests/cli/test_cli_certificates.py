"""What `rta check` and `rta doctor` say of the certificate of the edge, before a service is started with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import trustme

SITE = """
[edge]
port = 0
cert_file = "tls.crt"
key_file = "tls.key"
"""
KEY_OF_ANOTHER = "the key does not fit the certificate"


@cache
def issued(days: float) -> trustme.LeafCert:
    """One that ends in so many days. Making keys takes long."""
    return authority().issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=days))


@cache
def authority() -> trustme.CA:
    return trustme.CA()


Prepare = Callable[[Path], None]


@pytest.fixture
def asked(command, site, tmp_path):
    """What a command says of the site, once its files have been prepared."""

    def asked(name: str, prepare: Prepare, days: float = 100.0, *options: str):
        cert = issued(days)
        cert.private_key_pem.write_to_path(tmp_path / "tls.key")
        cert.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
        prepare(tmp_path)
        return command(name, "--config", site(SITE), *options)

    return asked


def as_it_is(_: Path) -> None:
    pass


def without(name: str) -> Prepare:
    return lambda folder: (folder / name).unlink()


def with_key_of_another(folder: Path) -> None:
    issued(1.0).private_key_pem.write_to_path(folder / "tls.key")


def with_half_of(name: str) -> Prepare:
    def cut(folder: Path) -> None:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])

    return cut


def with_a_folder_as(name: str) -> Prepare:
    def replace(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return replace


# what is wrong, what `rta check` says, and the code of what `rta doctor` says
WRONG: dict[str, tuple[Prepare, str, str]] = {
    "no certificate": (without("tls.crt"), "there is no file", "certificate.unreadable"),
    "no key": (without("tls.key"), "there is no file", "certificate.unusable"),
    "a folder": (with_a_folder_as("tls.crt"), "there is no file", "certificate.unreadable"),
    "half a certificate": (with_half_of("tls.crt"), "damaged", "certificate.unreadable"),
    "half a key": (with_half_of("tls.key"), "damaged", "certificate.unusable"),
    "the key of another": (with_key_of_another, KEY_OF_ANOTHER, "certificate.unusable"),
}


def found(said) -> dict[str, str]:
    """What `rta doctor --json` has found of the certificate."""
    [finding] = [line for line in map(json.loads, said.out.splitlines()) if line["code"].startswith("certificate")]
    return finding


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_used_is_said(asked, case):
    prepare, why, _ = WRONG[case]
    checked = asked("check", prepare)
    assert (checked.status, checked.out) == (2, "")
    [line] = checked.err.splitlines()
    assert "edge: cert_file" in line or "edge: key_file" in line
    assert why in line


@pytest.mark.parametrize("case", WRONG)
def test_the_doctor_finds_it_too(asked, case):
    prepare, _, code = WRONG[case]
    looked = asked("doctor", prepare, 100.0, "--json")
    finding = found(looked)
    assert (looked.status, finding["severity"], finding["code"]) == (1, "problem", code)
    assert "tls." in finding["detail"]


def test_one_that_has_ended(asked):
    checked = asked("check", as_it_is, -2.0)
    assert checked.status == 2
    assert re.search(r"tls\.crt has ended, on 20\d\d-\d\d-\d\d$", checked.err, re.MULTILINE)
    looked = asked("doctor", as_it_is, -2.0, "--json")
    assert (looked.status, found(looked)["code"]) == (1, "certificate.ended")


def test_one_that_ends_soon(asked):
    checked = asked("check", as_it_is, 5.01)
    assert (checked.status, checked.err) == (0, "warning: edge: the certificate ends in 5.0 days\n")
    looked = asked("doctor", as_it_is, 5.01, "--json")
    assert (looked.status, found(looked)["severity"], found(looked)["code"]) == (0, "warning", "certificate.ending")


def test_a_good_one(asked):
    checked = asked("check", as_it_is)
    assert (checked.status, checked.err) == (0, "")
    looked = asked("doctor", as_it_is, 100.0, "--json")
    assert (looked.status, found(looked)["title"]) == (0, "edge: the certificate is good for 100 days")
