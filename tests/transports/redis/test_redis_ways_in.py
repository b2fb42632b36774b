"""The ways to a Redis: a socket file, passwords, TLS."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from real_servers import RedisServer, held_port
from rta_transports.redis import RedisLogOptions
from rta_transports.redis.log import open_log

from rta.errors import TransportError
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context
from rta.testing import large_burst, numbered_burst

pytestmark = pytest.mark.processes


def context(folder: Path) -> Context:
    return Context("buffer", folder, time.time_ns, Metrics(HotCounters(), dict))


async def gets_in(options: RedisLogOptions, folder: Path = Path()) -> bool:
    async with open_log(options, context(folder)) as log:
        said = ""
        try:
            return await log.now() > 0
        except TransportError as e:
            said = str(e)
    assert "geheim" not in said
    return False


@pytest.fixture
def locked() -> Iterator[RedisServer]:
    """A Redis with a password; `ask` cannot see that it is up, so the port is looked at."""
    with RedisServer() as server:
        server.ask("CONFIG", "SET", "requirepass", "geheim")
        server.ask("ACL", "SETUSER", "rta", "on", ">ganzgeheim", "~*", "+@all", password="geheim")
        yield server


async def test_a_socket_file(tmp_path):
    with RedisServer("--unixsocket", str(tmp_path / "redis.sock")):
        assert await gets_in(RedisLogOptions(url=f"unix://{tmp_path}/redis.sock"))


async def test_passwords(locked, tmp_path):
    (tmp_path / "secret").write_text("geheim\n")
    plain = RedisLogOptions(url=locked.url)
    assert not await gets_in(plain)
    assert not await gets_in(evolve(plain, password="falsch"))
    assert await gets_in(evolve(plain, password="geheim"))
    assert await gets_in(evolve(plain, password_file=Path("secret")), tmp_path)
    assert await gets_in(evolve(plain, user="rta", password="ganzgeheim"))
    assert await gets_in(RedisLogOptions(url=locked.url.replace("://", "://rta:ganzgeheim@")))


async def test_a_database_of_its_own(redis_server):
    async with open_log(RedisLogOptions(url=redis_server.url[:-1] + "3"), context(Path())) as log:
        await log.open_session("s", "live")
    assert b"db3:" in redis_server.ask("INFO", "keyspace")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and a server's certificate signed by it."""
    folder = tmp_path_factory.mktemp("tls")
    openssl = shutil.which("openssl")
    assert openssl, "openssl is not installed"

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test ca")
    run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    run("x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "cert.pem",
        "-extfile", "names")  # fmt: skip
    return folder


async def test_tls(certificates):
    files = ("--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem", "--tls-ca-cert-file", "ca.pem")
    there = [str(certificates / a) if a.endswith(".pem") else a for a in files]
    with held_port() as port, RedisServer("--tls-port", str(port), "--tls-auth-clients", "no", *there):
        url = f"rediss://localhost:{port}/0"
        assert await gets_in(RedisLogOptions(url=url, ca_file=Path("ca.pem")), certificates)
        assert not await gets_in(RedisLogOptions(url=url))  # signed by somebody we do not know
        async with open_log(RedisLogOptions(url=url, ca_file=Path("ca.pem")), context(certificates)) as log:
            session = await log.open_session("s", "live")
            async with log.follow("live", session.stream_position) as tail:
                await log.append(session, large_burst(1 << 20))
                await log.append(session, numbered_burst(2))
                got = []
                while len(got) < 2:
                    got += (await tail.next()).entries
