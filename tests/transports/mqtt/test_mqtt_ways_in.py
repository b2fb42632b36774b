"""The ways to a broker: passwords, TLS, our own certificate; and what is said of it where they are wrong."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from attrs import evolve
from buses import PATIENCE, context
from real_servers import Mosquitto
from rta_transports.mqtt import TRANSPORT, MqttTopicsOptions
from rta_transports.mqtt.bus import open_topics

from rta.testing.patience import until, within

pytestmark = pytest.mark.processes

SECRET = "geheim"


async def gets_in(options: MqttTopicsOptions, folder: Path = Path(), message: bytes = b"x") -> str | None:
    """None, or what is the trouble."""
    tried = evolve(options, max_pause=0.1)
    with structlog.testing.capture_logs() as logs:
        async with open_topics(tried, context(folder)) as bus, bus.connect("node"):
            await until(lambda: "not connected yet" not in (bus.trouble or ""), PATIENCE, "a try")
            trouble = bus.trouble
            if trouble is None:
                async with bus.subscribe("a") as subscription:
                    await bus.publish("a", message, qos=1)
                    with within(PATIENCE, "a message"):
                        assert (await subscription.receive()).payload == message
    assert SECRET not in f"{logs} {trouble} {bus.__dict__}"
    return trouble


@pytest.fixture(scope="module")
def locked() -> Iterator[Mosquitto]:
    with Mosquitto(anonymous=False, users={"45fe": SECRET}) as broker:
        yield broker


async def test_passwords(locked, tmp_path):
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    nobody = MqttTopicsOptions(port=locked.port)
    refused = f"127.0.0.1:{locked.port}: the broker refused us: Not authorized"
    assert await gets_in(nobody) == refused
    assert await gets_in(evolve(nobody, username="45fe", password="falsch")) == refused
    assert await gets_in(evolve(nobody, username="45fe", password=SECRET)) is None
    assert await gets_in(evolve(nobody, username="45fe", password_file=Path("secret")), tmp_path) is None


async def test_a_password_file_that_is_gone_is_trouble(locked, tmp_path):
    options = MqttTopicsOptions(port=locked.port, username="45fe", password_file=Path("gone"))
    assert await gets_in(options, tmp_path) == f"{tmp_path}/gone: No such file or directory"


def openssl(folder: Path, *arguments: str) -> None:
    program = shutil.which("openssl")
    assert program, "openssl is not installed"
    subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates signed by it: of the broker, under two names, and of a node."""
    folder = tmp_path_factory.mktemp("tls")
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj",
            "/CN=test ca")  # fmt: skip
    for name, common_name, alternative, days in (
        ("broker", "localhost", "DNS:localhost,IP:127.0.0.1", "30"),
        ("other", "elsewhere", "DNS:elsewhere", "30"),
        ("node", "45fe", "DNS:45fe", "10"),
    ):
        (folder / "names").write_text(f"subjectAltName={alternative}\n")
        openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", "csr", "-subj",
                f"/CN={common_name}")  # fmt: skip
        openssl(folder, "x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                f"{name}.pem", "-days", days, "-extfile", "names")  # fmt: skip
    return folder


def encrypted(folder: Path, name: str, *lines: str) -> Mosquitto:
    files = [f"cafile {folder}/ca.pem", f"certfile {folder}/{name}.pem", f"keyfile {folder}/{name}.key"]
    return Mosquitto(*files, *lines)


async def test_tls(certificates):
    with encrypted(certificates, "broker") as broker:
        options = MqttTopicsOptions("localhost", broker.port, tls=True)
        known = evolve(options, ca_file=Path("ca.pem"))
        assert await gets_in(known, certificates, bytes(500_000)) is None
        trouble = await gets_in(options)
        assert trouble is not None
        assert "its certificate: " in trouble
        assert await gets_in(evolve(options, tls=False)) is not None


async def test_a_broker_is_known_by_its_name_unless_that_is_not_wanted(certificates):
    with encrypted(certificates, "other") as broker:
        options = MqttTopicsOptions("localhost", broker.port, tls=True, ca_file=Path("ca.pem"))
        trouble = await gets_in(options, certificates)
        assert trouble is not None
        assert "localhost" in trouble
        assert await gets_in(evolve(options, check_name=False), certificates) is None


async def test_a_certificate_of_our_own(certificates):
    lines = ("require_certificate true", "use_identity_as_username true")
    with encrypted(certificates, "broker", *lines) as broker:
        options = MqttTopicsOptions("localhost", broker.port, tls=True, ca_file=Path("ca.pem"))
        assert await gets_in(options, certificates) is not None
        named = evolve(options, cert_file=Path("node.pem"), key_file=Path("node.key"))
        assert await gets_in(named, certificates) is None
        assert "u'45fe'" in broker.log()


async def test_before_our_certificate_expires_the_log_warns_once(certificates):
    with encrypted(certificates, "broker") as broker:
        options = MqttTopicsOptions(
            "localhost", broker.port, tls=True, ca_file=Path("ca.pem"), cert_file=Path("node.pem"),
            key_file=Path("node.key")
        )  # fmt: skip
        for ahead, warnings in ((9 * 86400.0, 0), (11 * 86400.0, 1)):
            with structlog.testing.capture_logs() as logs:
                async with open_topics(evolve(options, expiry_warning=ahead), context(certificates)) as bus:
                    for _ in range(2):
                        async with bus.connect("node"):
                            with within(PATIENCE, "a connection"):
                                await bus.link()
            assert len([x for x in logs if "certificate ends in" in x["event"]]) == warnings


class TestBeforeAnythingIsOpened:
    def problems(self, folder: Path, **options: object) -> list[str]:
        assert TRANSPORT.topics is not None
        return TRANSPORT.topics.check(MqttTopicsOptions(**options), context(folder))  # type: ignore[arg-type]

    def test_the_defaults_are_fine(self, tmp_path):
        assert self.problems(tmp_path) == []

    def test_files_that_are_missing_are_found(self, tmp_path):
        files = {f: Path("gone") for f in ("password_file", "ca_file", "cert_file", "key_file")}
        assert self.problems(tmp_path, tls=True, username="x", **files) == [
            f"{name}: there is no file {tmp_path}/gone" for name in files
        ]

    def test_options_that_contradict_each_other_are_found(self, tmp_path):
        (tmp_path / "f").write_text("")
        assert self.problems(tmp_path, password="x", password_file=Path("f"), key_file=Path("f")) == [
            "password_file: there is a password too; give one of them",
            "username: there is a password, but nobody it belongs to",
            "key_file: only used with tls = true",
            "key_file: there is no cert_file that it belongs to",
        ]

    def test_a_certificate_that_is_none_or_over_is_found(self, tmp_path, certificates, monkeypatch):
        (tmp_path / "pem").write_text("x")
        assert self.problems(tmp_path, tls=True, cert_file=Path("pem")) == [
            f"cert_file: {tmp_path}/pem: damaged, or a part of it is missing: expected certificate and key in PEM"
        ]
        now = time.time_ns()
        monkeypatch.setattr("time.time_ns", lambda: now + 20 * 86400 * 10**9)
        (problem,) = self.problems(certificates, tls=True, cert_file=Path("node.pem"), key_file=Path("node.key"))
        assert "node.pem has ended, on " in problem
