"""TLS at the edge: who gets in, what is told of them, and new certificates while it runs."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import trio
import trio.lowlevel
import trustme
from certificate_files import NAME, authority, client_side, tls_options, tls_stream, write_certificate
from rta_transports.websocket import EdgeOptions, WebSocketEdge, certificates
from rta_transports.websocket.listener import check_edge
from served_edge import PATIENCE, Served, Visitor, answering, serving

from rta.errors import UnreadableError
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context
from rta.testing.edge_under_test import admit_anybody
from rta.testing.patience import until

GET = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
OTHERS = trustme.CA(organization_name="others")


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_ROUND", 0.02)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_certificate(tmp_path)
    return tmp_path


@asynccontextmanager
async def visited(served: Served, context: ssl.SSLContext | None = None) -> AsyncIterator[Visitor]:
    stream = await tls_stream(served.port, context)
    try:
        yield Visitor(stream)  # type: ignore[arg-type]
    finally:
        await trio.aclose_forcefully(stream)


async def shown(served: Served) -> bytes:
    """The certificate that a new connection gets."""
    stream = await tls_stream(served.port)
    try:
        return bytes(stream.getpeercert(True))
    finally:
        await trio.aclose_forcefully(stream)


def telling(told: list[dict[str, Any]]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        told.append(scope)
        await answering(b"ok")(scope, receive, send)

    return app


def metric(served: Served, name: str, **labels: str) -> float:
    return served.metrics.registry.get_sample_value(name, labels) or 0.0


class TestRequests:
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    async def test_a_request_is_answered_and_the_application_is_told_of_tls(self, folder, version):
        told: list[dict[str, Any]] = []
        async with (
            serving(telling(told), **tls_options(folder)) as served,
            visited(served, client_side(version=version)) as visitor,
        ):
            for _ in range(2):
                await visitor.send(GET)
                assert (await visitor.until(b"0\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert told[0]["scheme"] == "https"
        assert told[0]["extensions"]["tls"] == {
            "server_cert": None, "client_cert_chain": [], "client_cert_name": None, "client_cert_ends": None,
            "client_cert_error": None,
            "tls_version": {"TLSv1_2": 0x0303, "TLSv1_3": 0x0304}[version.name], "cipher_suite": None,
        }  # fmt: skip

    async def test_a_client_of_the_standard_library_reads_a_large_answer(self, folder):
        body = os.urandom(3 << 20)
        async with serving(answering(body), **tls_options(folder)) as served:

            def read() -> bytes:
                with urlopen(f"https://{NAME}:{served.port}/x", context=client_side()) as answer:
                    return bytes(answer.read())

            assert await trio.to_thread.run_sync(read, abandon_on_cancel=True) == body

    async def test_an_answer_of_which_the_client_reads_little_at_a_time_comes_whole(self, folder):
        body = os.urandom(2 << 20)
        async with serving(answering(body), **tls_options(folder)) as served, visited(served) as visitor:
            await visitor.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            with trio.fail_after(PATIENCE):
                while data := await visitor.stream.receive_some(5000):
                    visitor.received += data
            assert len(visitor.received) > len(body)
            assert visitor.received.rpartition(b"\r\n0\r\n\r\n")[0][-1000:] == body[-1000:]

    async def test_without_tls_nothing_is_told_of_it(self):
        told: list[dict[str, Any]] = []
        async with serving(telling(told)) as served, served.visited() as visitor:
            await visitor.send(GET)
            await visitor.until(b"0\r\n\r\n")
        assert told[0]["scheme"] == "http"
        assert "tls" not in told[0]["extensions"]

    async def test_an_old_version_is_refused(self, folder):
        async with serving(answering(), **tls_options(folder, minimum_tls="1.3")) as served:
            with pytest.raises(trio.BrokenResourceError):
                await tls_stream(served.port, client_side(version=ssl.TLSVersion.TLSv1_2))
            await until(lambda: served.refused("tls") == 1, PATIENCE, "a refusal")


class TestClientsThatDoNotShakeHands:
    async def test_http_without_tls_is_told_so(self, folder):
        async with serving(answering(b"secret"), **tls_options(folder)) as served, served.visited() as visitor:
            await visitor.send(GET)
            answer = await visitor.rest()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"https://" in answer
        assert served.refused("tls") == 1

    @pytest.mark.parametrize("said", [b"\0" * 100, b"SSH-2.0-x\r\n", b"\x16\x03\x01\x00\xff" + b"x" * 255])
    async def test_what_is_neither_is_refused_and_counted(self, folder, said):
        async with serving(answering(b"secret"), **tls_options(folder)) as served, served.visited() as visitor:
            await visitor.send(said)
            assert b"HTTP" not in await visitor.rest()
            assert served.refused("tls") == 1

    @pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x00\xff\x01"], ids=["nothing", "a part"])
    async def test_who_stalls_is_given_up(self, folder, said):
        async with (
            serving(answering(), **tls_options(folder, handshake_timeout=0.2)) as served,
            served.visited() as visitor,
        ):
            if said:
                with suppress(trio.BrokenResourceError):  # it was given up before that
                    await visitor.send(said)
            assert await visitor.rest() == b""
            await until(lambda: served.refused("handshake") == 1, PATIENCE, "a refusal")

    async def test_who_shakes_hands_and_asks_nothing_is_given_up_in_the_same_time(self, folder):
        async with serving(answering(), **tls_options(folder, handshake_timeout=0.3)) as served:
            with suppress(trio.BrokenResourceError):  # the handshake itself was too slow
                async with visited(served) as visitor:
                    assert b"408" in await visitor.rest()
            await until(lambda: served.refused("handshake") == 1, PATIENCE, "a refusal")

    async def test_who_vanishes_in_the_handshake_is_no_fault(self, folder):
        async with serving(answering(b"ok"), **tls_options(folder)) as served:
            async with served.visited() as visitor:
                await visitor.send(b"\x16\x03\x01\x00\xff\x01")
            async with visited(served) as visitor:
                await visitor.send(GET)
                await visitor.until(b"200")
            assert metric(served, "rta_connection_faults_total") == 0


class TestClientCertificates:
    def options(self, folder: Path, wanted: str) -> dict[str, object]:
        return tls_options(folder, ca_file=folder / "ca.pem", client_certificates=wanted)

    async def asked(self, folder: Path, wanted: str, cert: trustme.LeafCert | None) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        async with (
            serving(telling(told), **self.options(folder, wanted)) as served,
            visited(served, client_side(cert)) as visitor,
        ):
            await visitor.send(GET)
            await visitor.until(b"0\r\n\r\n")
        return told

    @pytest.mark.parametrize("wanted", ["optional", "required"])
    async def test_its_subject_and_its_end_are_told(self, folder, wanted):
        end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        cert = authority().issue_cert("x@example.org", common_name="Smith, A.", organization_name="Pit", not_after=end)
        (scope,) = await self.asked(folder, wanted, cert)
        name = scope["extensions"]["tls"]["client_cert_name"]
        assert name.startswith(r"CN=Smith\, A.,OU=")
        assert name.endswith(",O=Pit")
        assert len(scope["extensions"]["tls"]["client_cert_chain"]) == 1
        assert scope["extensions"]["tls"]["client_cert_ends"] == round(end.timestamp()) * 10**9

    async def test_without_one(self, folder):
        (scope,) = await self.asked(folder, "optional", None)
        assert scope["extensions"]["tls"]["client_cert_name"] is None
        assert await self.refused(folder, "required", None)

    @pytest.mark.parametrize("wanted", ["optional", "required"])
    async def test_of_another_authority(self, folder, wanted):
        assert await self.refused(folder, wanted, OTHERS.issue_cert("x@example.org"))

    async def test_that_has_ended(self, folder):
        ended = authority().issue_cert("x@example.org", not_after=datetime.now(UTC) - timedelta(days=1))
        assert await self.refused(folder, "optional", ended)

    async def test_one_that_nobody_asks_for_is_not_looked_at(self, folder):
        told: list[dict[str, Any]] = []
        async with (
            serving(telling(told), **tls_options(folder)) as served,
            visited(served, client_side(OTHERS.issue_cert("x@example.org"))) as visitor,
        ):
            await visitor.send(GET)
            await visitor.until(b"0\r\n\r\n")
        assert told[0]["extensions"]["tls"]["client_cert_name"] is None

    async def refused(self, folder: Path, wanted: str, cert: trustme.LeafCert | None) -> bool:
        told: list[dict[str, Any]] = []
        async with serving(telling(told), **self.options(folder, wanted)) as served:
            with suppress(trio.BrokenResourceError):  # over TLS 1.2 at once
                async with visited(served, client_side(cert)) as visitor:
                    await visitor.send(GET)
                    assert await visitor.rest() == b""
            await until(lambda: served.refused("tls") == 1, PATIENCE, "a refusal")
        return not told


class TestNewFiles:
    async def test_new_connections_get_the_new_certificate_and_old_ones_go_on(self, folder):
        async with serving(answering(b"ok"), **tls_options(folder)) as served, visited(served) as old:
            await old.send(GET)
            await old.until(b"0\r\n\r\n")
            before = await shown(served)
            write_certificate(folder)
            await self.until_shown(served, lambda cert: cert != before)
            await old.send(GET)
            await old.until(b"0\r\n\r\n")
            assert metric(served, "rta_certificates_refused_total") == 0

    async def test_links_that_change_their_aim_are_followed(self, tmp_path):
        """As Kubernetes does with secrets."""
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            write_certificate(tmp_path / name)
        (tmp_path / "data").symlink_to("a")
        for name in ("cert.pem", "key.pem"):
            (tmp_path / name).symlink_to(f"data/{name}")
        async with serving(answering(), **tls_options(tmp_path)) as served:
            before = await shown(served)
            (tmp_path / "data.new").symlink_to("b")
            os.replace(tmp_path / "data.new", tmp_path / "data")
            await self.until_shown(served, lambda cert: cert != before)

    @pytest.mark.parametrize("fault", ["damaged", "half", "key", "missing", "ended"])
    async def test_what_is_no_good_is_refused_and_the_old_one_used(self, folder, fault):
        async with serving(answering(), **tls_options(folder)) as served:
            before = await shown(served)
            if fault == "damaged":
                (folder / "cert.pem").write_text("x")
            elif fault == "half":
                whole = (folder / "cert.pem").read_bytes()
                (folder / "cert.pem").write_bytes(whole[: len(whole) // 2])
            elif fault == "key":
                authority().issue_cert(NAME).private_key_pem.write_to_path(str(folder / "key.pem"))
            elif fault == "missing":
                (folder / "key.pem").unlink()
            else:
                write_certificate(folder, not_after=datetime.now(UTC) - timedelta(days=1))
            await until(lambda: metric(served, "rta_certificates_refused_total") == 1, PATIENCE, "a refusal")
            assert await shown(served) == before
            assert "new certificate" in served.warnings
            write_certificate(folder)
            await self.until_shown(served, lambda cert: cert != before)
            await until(lambda: "new certificate" not in served.warnings, PATIENCE, "the end of the warning")
            assert metric(served, "rta_certificates_refused_total") == 1, "it is said once"

    async def until_shown(self, served: Served, right: Callable[[bytes], bool]) -> None:
        with trio.fail_after(PATIENCE):
            while not right(await shown(served)):
                await trio.sleep(0.01)


class TestItsEnd:
    async def test_the_days_that_are_left_are_a_metric(self, folder):
        write_certificate(folder, not_after=datetime.now(UTC) + timedelta(days=20))
        async with serving(answering(), **tls_options(folder)) as served:
            assert 19.9 < metric(served, "rta_certificate_days_left", transport="edge") < 20.1
            assert served.warnings == {}

    async def test_before_it_there_is_a_warning(self, folder):
        write_certificate(folder, not_after=datetime.now(UTC) + timedelta(days=5, hours=1))
        async with serving(answering(), **tls_options(folder)) as served:
            assert served.warnings == {"certificate": "our certificate ends in 5.0 days"}
            write_certificate(folder, not_after=datetime.now(UTC) + timedelta(days=50))
            await until(lambda: not served.warnings, PATIENCE, "the end of the warning")


class TestBeforeItBegins:
    def problems(self, **options: object) -> list[str]:
        context = Context("edge", Path(), time.time_ns, Metrics(HotCounters(), dict))
        return check_edge(EdgeOptions(**options), context)  # type: ignore[arg-type]

    def test_what_is_right(self, folder):
        assert self.problems() == []
        asked = {"ca_file": folder / "ca.pem", "client_certificates": "required"}
        assert self.problems(**tls_options(folder, **asked)) == []

    def test_options_that_do_not_go_together(self, folder):
        assert self.problems(key_file=folder / "key.pem", ca_file=folder / "ca.pem") == [
            "key_file: there is no cert_file that it belongs to",
            "ca_file: only used where client_certificates are asked for",
        ]
        assert self.problems(client_certificates="required") == [
            "client_certificates: without cert_file there is no TLS"
        ]
        assert self.problems(**tls_options(folder, client_certificates="required")) == [
            "client_certificates: there is no ca_file that says who may have signed them"
        ]

    def test_files_that_are_no_good(self, folder):
        authority().issue_cert(NAME).private_key_pem.write_to_path(str(folder / "other.pem"))
        cert = folder / "cert.pem"
        assert self.problems(cert_file=cert, key_file=folder / "other.pem") == [
            f"cert_file and key_file: {cert}, {folder / 'other.pem'}: the key does not fit the certificate"
        ]
        assert self.problems(cert_file=folder / "gone") == [f"cert_file: there is no file {folder / 'gone'}"]
        (folder / "empty").write_text("")
        (problem,) = self.problems(cert_file=folder / "empty", key_file=folder / "key.pem")
        assert "expected certificate and key in PEM" in problem
        write_certificate(folder, not_after=datetime(2020, 1, 2, tzinfo=UTC))
        assert self.problems(**tls_options(folder)) == [f"cert_file: {cert} has ended, on 2020-01-02"]

    async def test_it_does_not_listen_with_them(self, folder):
        (folder / "key.pem").write_text("x")
        edge = WebSocketEdge(
            EdgeOptions(port=0, **tls_options(folder)),  # type: ignore[arg-type]
            Context("edge", Path(), time.time_ns, Metrics(HotCounters(), dict)),
        )
        with pytest.raises(UnreadableError, match="key_file"):
            await edge.serve(trio.sleep_forever, answering(), gate=admit_anybody)
