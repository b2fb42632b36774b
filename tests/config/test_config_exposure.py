"""Who listens beyond this machine must have sign-in and TLS, or say that it is meant."""

from __future__ import annotations

import pytest
import trustme

from rta.config import build_config, check_config
from rta.site import Site

BEYOND = ["0.0.0.0", "::", "192.168.1.5", "rta.example.com", "localhost.example.com"]


def found(document):
    config = build_config(document, {})
    return check_config(config, Site(config).context), config.warnings, Site(config).health.notes


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_alone_is_nothing_to_say(host):
    assert found({"edge": {"host": host}}) == ([], [], [])


@pytest.mark.parametrize("host", BEYOND)
def test_other_addresses_are_a_problem(host):
    [problem], warnings, _ = found({"edge": {"host": host}})
    assert problem == (
        f"edge.host: {host} can be reached from elsewhere, and nobody has to sign in and there is no TLS: set "
        "auth.enabled and the edge's certificate, or auth.allow_insecure if that is meant"
    )
    assert warnings == []


@pytest.mark.parametrize("host", BEYOND)
def test_where_that_is_meant_it_is_a_warning_in_the_log_and_in_health(host):
    problems, [warning], [note] = found({"edge": {"host": host}, "auth": {"allow_insecure": True}})
    assert problems == []
    assert warning == (
        f"edge.host: {host} can be reached from elsewhere, and nobody has to sign in and there is no TLS, which "
        "auth.allow_insecure allows"
    )
    assert note == f"edge.host: {host} can be reached from elsewhere, and nobody has to sign in and there is no TLS"


def test_sign_in_alone_does_not_make_it_safe():
    auth = {"enabled": True, "authority": "https://issuer.example.com", "audience": "rta"}
    [problem], _, _ = found({"edge": {"host": "0.0.0.0"}, "auth": auth})
    assert "and there is no TLS: set" in problem
    assert "sign in" not in problem


def test_no_host_is_every_address():
    [problem], _, _ = found({"edge": {"host": ""}})
    assert problem.startswith("edge.host: every address of this machine can be reached from elsewhere")


@pytest.mark.usefixtures("plug_ins")
def test_an_edge_that_does_not_say_where_it_listens_is_not_judged():
    assert build_config({"edge": {"transport": "lazy"}}, {}).warnings == []


def test_sign_in_and_a_certificate_make_it_safe(tmp_path):
    authority = trustme.CA()
    certificate = tmp_path / "rta.pem"
    authority.issue_cert("rta.example.com").private_key_and_cert_chain_pem.write_to_path(certificate)
    auth = {"enabled": True, "authority": "https://issuer.example.com", "audience": "rta"}
    assert found({"edge": {"host": "0.0.0.0", "cert_file": str(certificate)}, "auth": auth}) == ([], [], [])
    [problem], _, _ = found({"edge": {"host": "0.0.0.0", "cert_file": str(certificate)}})
    assert "nobody has to sign in: set" in problem
