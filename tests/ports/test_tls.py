"""What edge, Redis and MQTT have of TLS in common."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import structlog
import trio
import trustme

from rta.errors import UnreadableError
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context
from rta.ports.certificate_expiry import CertificateExpiry
from rta.ports.tls import (
    ClientTlsOptions,
    ServerTlsOptions,
    certificate_end,
    client_certificate,
    client_context,
    days_left,
    server_context,
    tls_problems,
)

DAY = 86400 * 10**9


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def write(folder: Path, ca: trustme.CA, end: datetime | None = None) -> Path:
    cert = ca.issue_cert("localhost", not_after=end)
    cert.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    cert.private_key_pem.write_to_path(str(folder / "key.pem"))
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    return folder / "both.pem"


@pytest.mark.parametrize("end", [datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2061, 1, 1, tzinfo=UTC)])
def test_when_a_certificate_ends_is_read_from_it(end, tmp_path, ca):
    assert certificate_end(write(tmp_path, ca, end)) == int(end.timestamp()) * 10**9


@pytest.mark.parametrize("text", ["", "nothing", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_told_so(text, tmp_path):
    (tmp_path / "pem").write_text(text)
    with pytest.raises(UnreadableError, match="no certificate in it"):
        certificate_end(tmp_path / "pem")
    with pytest.raises(UnreadableError, match="No such file"):
        certificate_end(tmp_path / "gone")


def test_days_are_counted_from_now():
    assert days_left(10 * DAY, 8 * DAY) == 2
    assert days_left(8 * DAY, 10 * DAY) == -2


def shown(ca: trustme.CA, end: datetime) -> bytes:
    """A client's certificate, in DER."""
    made = ca.issue_cert("a@b.org", common_name="A, B", organization_name="C", not_after=end)
    return ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())


def test_of_a_client_subject_and_end_are_known(ca):
    end = datetime(2030, 1, 1, tzinfo=UTC)
    der = shown(ca, end)
    read = client_certificate(der)
    assert read.subject.startswith(r"CN=A\, B,")
    assert read.ends == round(end.timestamp()) * 10**9
    assert client_certificate(shown(ca, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))).ends is None
    with pytest.raises(ValueError, match=r"."):
        client_certificate(der[:50])


def test_the_options_are_in_the_context(tmp_path, ca):
    write(tmp_path, ca)
    server = server_context(
        ServerTlsOptions(
            cert_file=Path("both.pem"), ca_file=Path("ca.pem"), client_certificates="optional", minimum_tls="1.3"
        ),
        tmp_path,
    )
    assert (server.minimum_version, server.verify_mode) == (ssl.TLSVersion.TLSv1_3, ssl.CERT_OPTIONAL)
    assert server.options & ssl.OP_NO_RENEGOTIATION
    client = client_context(ClientTlsOptions(ca_file=Path("ca.pem"), check_name=False), tmp_path)
    assert (client.minimum_version, client.check_hostname) == (ssl.TLSVersion.TLSv1_2, False)
    assert client.verify_mode == ssl.CERT_REQUIRED


def test_an_encrypted_key_is_refused_without_asking_on_the_terminal(tmp_path, ca):
    from cryptography.hazmat.primitives import serialization as s

    write(tmp_path, ca)
    key = s.load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
    locked = s.BestAvailableEncryption(b"secret")
    (tmp_path / "key.pem").write_bytes(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, locked))
    options = ServerTlsOptions(cert_file=Path("both.pem"), key_file=Path("key.pem"))
    with pytest.raises(UnreadableError, match="the key is encrypted"):
        server_context(options, tmp_path)


def test_a_client_without_tls_has_no_use_for_files(tmp_path, ca):
    write(tmp_path, ca)
    options = ClientTlsOptions(ca_file=Path("ca.pem"))
    make = partial(client_context, options, tmp_path)
    assert tls_problems(options, tmp_path, 0, "tls = true", make) == ["ca_file: only used with tls = true"]
    assert tls_problems(options, tmp_path, 0, None, make) == []


async def test_the_end_of_a_certificate_is_warned_of_once_a_day(tmp_path, ca, mock_clock):
    metrics, warnings = Metrics(HotCounters(), dict), {}
    end = certificate_end(write(tmp_path, ca, datetime.now(UTC) + timedelta(days=3, hours=1)))
    context = Context("topics", tmp_path, time.time_ns, metrics, warn=warnings.__setitem__)
    expiry = CertificateExpiry(ClientTlsOptions(cert_file=Path("both.pem")), context)
    with structlog.testing.capture_logs() as logs:
        for seconds, said in ((0, 1), (86000, 1), (1000, 2)):
            mock_clock.jump(seconds)
            expiry.tell(end)
            assert len(logs) == said
        expiry.tell(end + 100 * DAY)
        assert warnings == {"certificate": None}
        expiry.tell(time.time_ns() - DAY)
        assert warnings == {"certificate": "our certificate has ended"}


async def test_who_connects_looks_at_the_file_before_anything_else(tmp_path, ca):
    metrics, warnings = Metrics(HotCounters(), dict), {}
    path = write(tmp_path, ca, datetime.now(UTC) + timedelta(days=3, hours=1))
    context = Context("topics", tmp_path, time.time_ns, metrics, warn=warnings.__setitem__)
    for told in ("our certificate ends in 3.0 days", f"cert_file: {path}: No such file or directory"):
        async with trio.open_nursery() as nursery:
            await nursery.start(CertificateExpiry(ClientTlsOptions(cert_file=Path("both.pem")), context).watch)
            nursery.cancel_scope.cancel()
        assert warnings == {"certificate": told}
        path.unlink(missing_ok=True)
    found = metrics.registry.get_sample_value("rta_certificate_days_left", {"transport": "topics"})
    assert found == pytest.approx(3.04, abs=0.1)
