"""Several workers over TLS, where one signs in: what one of them knows, all of them go by. On a real Redis."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, pairwise
from pathlib import Path

import pytest
import trustme
from asking import Answer, Stream, ask
from conftest import starting
from program import PATIENCE, Program, wait_until
from real_servers import RedisServer
from workers_apart import Line, lines_to_each

from rta.auth.static_tokens import StaticToken, change_tokens
from rta.ports.access import Role

WORKERS = 2
SESSION = "drive-1"
PAGE = "https://page.example"
TICKETS = "/rta/v2/tickets"
WHOAMI = "/rta/v2/whoami"
SITE = """
[site]
state_dir = "state"
workers = {workers}

[edge]
port = 0
cert_file = "tls.crt"
key_file = "tls.key"

[auth]
enabled = true
origins = ["https://page.example"]

[buffer]
transport = "redis"
url = "{redis.url}"

[archive]
transport = "sqlite"

[logging]
format = "json"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"
"""
DRIVE = "Time (s),Speed\n" + "".join(f"{i / 20:.2f},{i % 250}\n" for i in range(12_000))
STEP = 50_000_000  # ns between two samples
REVOKED = 3.0
"""Seconds until open WebSockets of a token that is revoked are closed: see docs/security.md."""


class Service:
    """Its workers, and who may sign in there."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        self.folder, self.config = folder, folder / "site.toml"
        self._authority = trustme.CA()
        self._authority.cert_pem.write_to_path(folder / "ca.crt")
        self.write_certificate()
        self.tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self.config.write_text(SITE.format(workers=WORKERS, redis=redis))
        (folder / "drive.csv").write_text(DRIVE)
        with change_tokens(folder / "state" / "tokens.json") as tokens:  # without any it does not start
            tokens.append(StaticToken("first", Role.READ, "0" * 64, 0))
        self.program: Program
        self._names = count(1)
        self._open: list[Line] = []

    def write_certificate(self) -> None:
        made = self._authority.issue_cert("127.0.0.1")
        made.private_key_pem.write_to_path(self.folder / "tls.key")
        for i, blob in enumerate(made.cert_chain_pems):
            blob.write_to_path(self.folder / "tls.crt", append=i > 0)

    def lines(self) -> list[Line]:
        """A new one to each worker, until the end of the test."""
        found = lines_to_each(self.program.address, WORKERS, self.tls)
        self._open += found
        return found

    def close_lines(self) -> None:
        for line in self._open:
            line.close()
        self._open.clear()

    def ask(self, path: str, token: str | None = None) -> Answer:
        return ask(self.program.address, path, token, tls=self.tls)

    def environ(self, **more: str) -> dict[str, str]:
        """Of a command that asks it."""
        url = "https://{}:{}".format(*self.program.address)
        return {"RTA_URL": url, "RTA_CA_FILE": str(self.folder / "ca.crt"), **more}

    def new_name(self) -> str:
        return f"gate-{next(self._names)}"


@pytest.fixture(scope="module")
def service(tmp_path_factory, environ) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("workers")
    with RedisServer() as redis, starting(folder, environ) as start:
        service = Service(folder, redis)
        service.program = start("run", "--config", service.config)
        service.program.until(
            lambda: sum(line["event"] == "ready" for line in service.program.log) == WORKERS, "all workers"
        )
        yield service


@pytest.fixture(autouse=True)
def closing(service) -> Iterator[None]:
    yield
    service.close_lines()


Add = Callable[..., str]


@pytest.fixture
def add(service, command) -> Add:
    """Makes a token that all workers know, and the session can be read with."""

    def add(name: str | None = None, *options: str, role: str = "read") -> str:
        made = command("token", "add", name or service.new_name(), "--role", role, *options, "--config", service.config)
        assert made.status == 0, made.err
        return str(made.out.strip())

    return add


@pytest.fixture
def known(service, add) -> Add:
    """As `add`, and all workers take it."""

    def known(*given: str, **more: str) -> str:
        token = add(*given, **more)
        lines = service.lines()
        wait_until(lambda: all(line.ask(WHOAMI, token).status == 200 for line in lines), "a token at each worker")
        wait_until(lambda: SESSION in service.ask("/rta/v2/sessions", token).text, "the session")
        return token

    return known


@pytest.fixture
def revoke(service, command) -> Callable[[str], None]:
    def revoke(name: str) -> None:
        assert command("token", "revoke", name, "--config", service.config).status == 0

    return revoke


def streams(service: Service, token: str) -> list[Stream]:
    """A WebSocket at each worker."""
    opened = [line.stream(SESSION, token=token) for line in service.lines()]
    assert [one.status for one in opened] == [101] * WORKERS
    return opened


# ---- tokens


def test_a_token_counts_at_each_worker_until_it_is_revoked(service, known, revoke):
    name = service.new_name()
    token = known(name)
    lines = service.lines()
    for line in lines:
        assert line.ask(WHOAMI, token).json["name"] == f"token {name}"
        assert line.ask(WHOAMI).status == 401
    revoke(name)
    wait_until(lambda: [line.ask(WHOAMI, token).status for line in lines] == [401] * WORKERS, "a refusal at each")
    assert [line.stream(SESSION, token=token).status for line in lines] == [401] * WORKERS


def test_revoking_closes_the_websockets_at_each_worker_in_time_and_no_others(service, known, revoke):
    stays = streams(service, known())
    took = []
    while len(took) < 3 and min(took, default=PATIENCE) > REVOKED:  # this machine may have been busy otherwise
        name = service.new_name()
        opened = streams(service, known(name))
        revoke(name)
        began = time.monotonic()
        ends = [stream.closed() for stream in opened]
        took.append(time.monotonic() - began)
        assert {code for code, _ in ends} == {4004}
    assert min(took) <= REVOKED
    for stream in stays:
        assert stream.is_open()
        stream.leave()


def is_known_to_all(service, token):
    return all(line.ask(WHOAMI, token).status == 200 for line in service.lines())


def test_the_end_of_a_token_closes_the_websockets_at_each_worker(service, known, add):
    for life in (6, 20, 60):  # seconds; this machine may be busy
        ends = time.time() + life
        token = add(None, "--until", f"{life}s")
        wait_until(lambda token=token, ends=ends: is_known_to_all(service, token) or time.time() > ends, "it")
        opened = [line.stream(SESSION, token=token) for line in service.lines()]
        if all(stream.status == 101 for stream in opened):
            break
        for stream in opened:
            stream.leave()
    for stream in opened:
        assert stream.status == 101
        code, reason = stream.closed()
        assert code == 4004, reason
        assert time.time() >= ends
    assert service.ask(WHOAMI, token).status == 401


# ---- tickets


def ticket(line: Line, token: str) -> str:
    made = line.ask(TICKETS, token, method="POST", body={"session": SESSION}, Origin=PAGE)
    assert made.status == 201, made.text
    return f"rta.ticket.{made.json['ticket']}"


def test_a_ticket_of_one_worker_opens_one_websocket_at_another(service, known):
    token = known()
    for giver, taker in ((0, 1), (1, 0)):
        given = ticket(service.lines()[giver], token)
        opened = service.lines()[taker].stream(SESSION, given, Origin=PAGE)
        assert opened.status == 101
        for line in service.lines():
            refused = line.stream(SESSION, given, Origin=PAGE)
            assert refused.status == 401
            assert "the ticket has been used" in refused.head
        opened.leave()


def test_of_many_who_come_with_a_ticket_at_once_one_gets_in(service, known):
    given = ticket(service.lines()[0], known())
    lines = [line for _ in range(4) for line in service.lines()]
    with ThreadPoolExecutor(len(lines)) as at_once:
        opened = list(at_once.map(lambda line: line.stream(SESSION, given, Origin=PAGE), lines))
    assert sorted(stream.status for stream in opened) == [101] + [401] * (len(lines) - 1)
    for stream in opened:
        stream.leave()


def test_a_ticket_ends_with_the_token_that_it_was_had_for(service, known, revoke):
    name = service.new_name()
    token = known(name)
    given = ticket(service.lines()[0], token)
    revoke(name)
    lines = service.lines()
    wait_until(lambda: [line.ask(WHOAMI, token).status for line in lines] == [401] * WORKERS, "a refusal at each")
    assert service.lines()[1].stream(SESSION, given, Origin=PAGE).status == 401


# ---- clients of ours


def gaps(program: Program) -> set[int]:
    """Between one sample and the next, in ns. What is caught up comes behind what is live."""
    times = sorted(line["t"] for line in program.lines if "t" in line)
    return {later - earlier for earlier, later in pairwise(times)}


def test_who_follows_goes_on_with_another_token_and_is_told_without(service, known, revoke, start):
    names = [service.new_name() for _ in range(2)]
    first, other = (known(name) for name in names)
    file = service.folder / "token"
    file.write_text(first)
    tail = ("tail", "--json", "--from", "start")
    changing = start(*tail, "--token-file", file, **service.environ())
    staying = start(*tail, **service.environ(RTA_TOKEN=other))
    ending = start(*tail, **service.environ(RTA_TOKEN=first))
    following = (changing, staying, ending)
    wait_until(lambda: all(len(program.lines) > 5 for program in following), "samples")
    file.write_text(other)
    revoke(names[0])
    assert ending.ends() == 1
    assert re.search(r"token|sign in", ending.err)
    before = {program: len(program.lines) for program in (changing, staying)}
    for program, had in before.items():
        program.until(lambda p=program, had=had: len(p.lines) > had + 40 and gaps(p) == {STEP}, "each sample once")
        assert program.err == ""


# ---- certificates


def test_each_worker_takes_a_new_certificate_and_keeps_what_is_open(service, known):
    token = known()
    opened, old = streams(service, token), lines_to_each(service.program.address, WORKERS, service.tls)
    before = old[0].certificate()
    assert {line.certificate() for line in old} == {before}
    service.write_certificate()

    def have_another() -> bool:
        shown = {line.certificate() for line in service.lines()}
        service.close_lines()
        return before not in shown

    wait_until(have_another, "a new certificate at each worker")
    for line in old:
        assert line.ask(WHOAMI, token).status == 200
        line.close()
    for stream in opened:
        assert stream.is_open()
        stream.leave()
