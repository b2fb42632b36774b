"""No token is in anything that a service writes or says: everything is switched on, and looked through."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from asking import Stream, ask, kubernetes, open_stream, say
from issuing import forged
from program import Program, wait_until
from real_issuer import Issuer, shared_secret, signed
from real_servers import Mosquitto, RedisServer
from signed_in_site import write_site

from rta.rest.access import ACCESS, WEBSOCKET

pytestmark = pytest.mark.processes

PAGE = "https://page.example"
ADMINISTRATION = """
workers = 2
node = "site"
administration = true
"""
TLS = """
cert_file = "tls.crt"
key_file = "tls.key"
ca_file = "ca.crt"
client_certificates = "optional"
trusted_proxies = ["127.0.0.1"]
"""
CERTIFICATES = """
certificates = { "CN=anna" = "operate" }
"""
OTHERS = """
[buffer]
transport = "redis"
url = "{redis.url}"

[topics]
transport = "mqtt"
port = {broker.port}

[archive]
transport = "sqlite"

[[status]]
code = "car.engine"
description = "Car"

[status.attributes]
speed = {{ from = "parameter:Speed" }}

[[status.stream]]
name = "live"
attributes = {{ speed = "change" }}
update = "10s"
"""


FAULTS = '''
"""Makes the service fail where a request wants that, and quote all of it."""

import sys

if "run" in sys.orig_argv:
    from rta.auth.sign_in import SignIn
    from rta.rest import signed_in

    subject_of, admit_stream = signed_in.subject_of, SignIn.admit_stream

    async def failing_subject_of(scope, sign_in):
        if any(name == b"x-fault" for name, _ in scope["headers"]):
            raise LookupError(f"a fault of HTTP: {scope}")
        return await subject_of(scope, sign_in)

    async def failing_admit_stream(sign_in, request):
        if request.identity == "fault":
            raise LookupError(f"a fault of a WebSocket: {request} {request.headers}")
        return await admit_stream(sign_in, request)

    signed_in.subject_of, SignIn.admit_stream = failing_subject_of, failing_admit_stream
'''


class Everything:
    """A service with all that there is, and whatever it has answered."""

    def __init__(self, start: Callable[..., Program], folder: Path, redis: RedisServer, broker: Mosquitto) -> None:
        self.folder, self.redis, self.broker = folder, redis, broker
        self.issuer = Issuer()
        self.start = start
        self.said: list[str] = []
        self.secrets: dict[str, str] = {}
        """By what they are; a token is not to be found by any of its parts."""

    def begin(self) -> None:
        self.issuer.start()
        ours = trustme.CA()
        made = ours.issue_cert("127.0.0.1")
        made.private_key_pem.write_to_path(self.folder / "tls.key")
        for i, blob in enumerate(made.cert_chain_pems):
            blob.write_to_path(self.folder / "tls.crt", append=i > 0)
        ours.cert_pem.write_to_path(self.folder / "ca.crt")
        self.tls = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        more = OTHERS.format(redis=self.redis, broker=self.broker)
        self.config = write_site(self.folder, self.issuer, site=ADMINISTRATION, edge=TLS, auth=CERTIFICATES, more=more)
        faults = self.folder / "faults"
        faults.mkdir()
        (faults / "sitecustomize.py").write_text(FAULTS)
        self.program = self.start("run", "--config", self.config, PYTHONPATH=str(faults))
        self.address = self.program.address

    def ask(self, path: str, token: str | None = None, **more: Any) -> Any:
        answer = ask(self.address, path, token, tls=self.tls, **more)
        self.said.append(f"{answer.headers}{answer.text}")
        return answer

    def stream(self, *protocols: str, **more: Any) -> int:
        opened: Stream = open_stream(self.address, more.pop("identity", "drive-1"), *protocols, tls=self.tls, **more)
        self.said.append(opened.head)
        opened.leave()
        return opened.status

    def raw(self, text: str) -> None:
        self.said.append(say(self.address, text.encode(), self.tls).decode("latin-1"))

    def keep(self, what: str, token: str) -> str:
        self.secrets[what] = token
        return token

    def ticket(self, token: str) -> str:
        body = {"session": "drive-1"}
        made = ask(self.address, "/rta/v2/tickets", token, method="POST", body=body, tls=self.tls, Origin=PAGE)
        assert made.status == 201, made.text
        return str(made.json["ticket"])


@pytest.fixture
def service(start, tmp_path, own_redis, own_mosquitto) -> Iterator[Everything]:
    everything = Everything(start, tmp_path, own_redis, own_mosquitto)
    try:
        everything.begin()
        yield everything
    finally:
        everything.issuer.stop()


def use(service: Everything, token: str, name: str) -> None:
    """In every right and wrong way."""
    for access in ACCESS:
        if access.method != WEBSOCKET and access.path != "/rta/v2/docs":
            path = access.path.replace("{target:path}", f"car.engine/{name}").replace("{", "").replace("}", "")
            service.ask(path, token, method=access.method, body=None if access.method == "GET" else {})
    for scheme in ("Basic", "Digest", "bearer bearer", "Token", ""):
        service.ask("/rta/v2/whoami", Authorization=f"{scheme} {token}".strip())
    service.ask("/rta/v2/whoami", token, X_Forwarded_For="192.0.2.7", X_Forwarded_Proto="https")
    for header in ("Cookie", "X-Auth-Token", "Proxy-Authorization", "Origin", "Referer", "Host", "X-Forwarded-For"):
        service.ask("/rta/v2/whoami", **{header.replace("-", "_"): token})
    service.stream(token=token)
    service.stream(kubernetes(token), Origin=PAGE)
    service.stream(kubernetes(token), token=token)
    service.stream(f"rta.ticket.{token}", Origin=PAGE)
    service.stream(token)  # a sub-protocol of its own
    service.stream(token=token, Origin="https://evil.example")
    admin = service.secrets["administrator"]
    asked = f"?access_token={quote(token)}&token={quote(token)}"
    for target in ("/rta/v2/whoami", "/rta/v2/sessions", "/rta/v2/none", "/", "/metrics", "/health"):
        service.ask(target + asked)
        service.ask(target + asked, admin)
    service.stream(query=asked)
    service.stream(query=f"?after={quote(token)}", token=admin)
    for method, path in (
        ("GET", f"/{token}"),
        ("GET", f"/rta/v2/sessions/{token}"),
        ("DELETE", f"/rta/v2/sessions/{token}"),
        ("PATCH", f"/rta/v2/streams/car.engine/{token}"),
        ("POST", f"/rta/v2/streams/car.engine/{token}/start"),
        ("GET", f"/rta/v2/configs/{token}"),
    ):
        ask(
            service.address, path, admin, method=method, body={}, tls=service.tls
        )  # the answer may name what is not there
    service.stream(identity=token, token=admin)
    fields = {"session": token, "token": token, token: 1}
    service.ask("/rta/v2/tickets", token, method="POST", body={"session": "drive-1", "token": token}, Origin=PAGE)
    service.ask("/rta/v2/streams", admin, method="POST", body=fields)
    lines = f"Host: x\r\nAuthorization: Bearer {token}\r\n"
    for text in (
        f"GET /rta/v2/whoami HTTP/1.1\r\n{lines}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n",
        f"GET /rta/v2/whoami HTTP/1.1\r\n{lines} {token}\r\n\r\n",
        f"GET /rta/v2/whoami HTTP/9.9\r\n{lines}\r\n",
        f"GET /rta/v2/whoami\r\n{lines}\r\n",
        f"GET /rta/v2/whoami HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {token}\r\n\r\n",
        f"GET /rta/v2/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \x00{token}\r\n\r\n",
        f"GET /rta/v2/whoami HTTP/1.1\r\nHost: x\r\n{token}: 1\r\nHost: y\r\n\r\n",
        f"{token} /rta/v2/whoami HTTP/1.1\r\n{lines}\r\n",
        f"GET /rta/v2/whoami?x={token}\n\r\n{lines}\r\n",
        f"POST /rta/v2/tickets HTTP/1.1\r\n{lines}Content-Length: {token}\r\n\r\n",
        f"POST /rta/v2/tickets HTTP/1.1\r\n{lines}Transfer-Encoding: chunked\r\n\r\n{token}\r\n",
        f"GET /rta/v2/sessions/drive-1/stream HTTP/1.1\r\n{lines}Connection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Key: {token}\r\nSec-WebSocket-Version: 99\r\n\r\n",
        f"GET /rta/v2/sessions/drive-1/stream HTTP/1.1\r\n{lines}Connection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f'Sec-WebSocket-Protocol: mat.ocs.rta.stream-lz4,,"{token}"\r\n\r\n',
    ):
        service.raw(text)
    say(service.address, f"GET / HTTP/1.1\r\n{lines}\r\n".encode())  # without TLS


def fail(service: Everything, token: str) -> None:
    """Have the service fail while it has a token."""
    assert service.ask("/rta/v2/whoami", token, X_Fault="1").status == 500
    assert service.stream(token=token, identity="fault") == 0
    assert service.stream(kubernetes(token), identity="fault") == 0


def test_no_token_is_in_anything_that_a_service_writes_or_says(service, command):
    def made(name: str, role: str) -> str:
        done = command("token", "add", name, "--role", role, "--config", service.config)
        assert done.status == 0, done.err
        return str(done.out.strip())

    for client in ("viewer", "operator", "administrator"):
        service.keep(client, service.issuer.token(client))
    service.keep("static", made("gate", "operate"))
    service.keep("revoked", made("gone", "read"))
    assert command("token", "revoke", "gone", "--config", service.config).status == 0
    service.keep("another audience", service.issuer.token("viewer", "https://mail.example.com"))
    service.keep("forged", signed(service.issuer.claims(), ("RS256", 1)))
    service.keep("none", forged({"alg": "none"}, service.issuer.claims()))
    service.keep("shared secret", shared_secret(service.issuer.claims(), b"secret"))
    service.keep("unknown", "rta_" + base64.urlsafe_b64encode(b"u" * 32).decode().rstrip("="))
    admin = service.secrets["administrator"]
    wait_until(lambda: service.ask("/rta/v2/whoami", admin).status == 200, "sign-in")
    wait_until(lambda: service.ask("/rta/v2/whoami", service.secrets["static"]).status == 200, "static tokens")
    wait_until(lambda: "drive-1" in service.ask("/rta/v2/sessions", admin).text, "the session")

    ticket = f"rta.ticket.{service.keep('ticket', service.ticket(admin))}"
    assert [service.stream(ticket, Origin=PAGE) for _ in range(2)] == [101, 401]
    unused = f"rta.ticket.{service.keep('unused ticket', service.ticket(admin))}"
    assert service.stream(unused, Origin="https://evil.example") == 403
    for name, token in list(service.secrets.items()):
        use(service, token, name.replace(" ", "-"))

    for what in ("administrator", "static", "forged"):
        fail(service, service.secrets[what])
    assert service.stream(ticket, identity="fault", Origin=PAGE) == 0

    started = service.ask("/rta/v2/streams/car.engine/live/start", service.secrets["static"], method="POST", body={})
    assert started.status < 300, started.text
    audit = service.folder / "state" / "audit.jsonl"
    wait_until(lambda: "token gate" in audit.read_text(), "the audit file")
    assert service.ask("/metrics", admin).status == 200
    assert service.ask("/health").status == 200
    url = f"https://127.0.0.1:{service.address[1]}"
    tail = service.start("tail", "--json", "--ca-file", service.folder / "ca.crt", RTA_URL=url, RTA_TOKEN=admin)
    tail.until(lambda: tail.lines, "samples")
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert any(b"site.toml" in line for line in running)
    service.program.signal(15)
    assert service.program.ends() == 0
    service.redis.ask("CONFIG", "SET", "rdbcompression", "no")
    service.redis.ask("SAVE")

    files = [path for folder in (service.folder, service.redis.folder, service.broker.folder) for path in under(folder)]
    places = {
        "the answers": "\n".join(service.said),
        "the processes": b"\n".join(running).decode("latin-1"),
        "the issuer's log": service.issuer.log(),
        **{str(path): path.read_bytes().decode("latin-1") for path in files},
    }
    assert "rta_sign_in_refused_total" in places["the answers"]
    assert "drive-1" in places[str(service.redis.folder / "dump.rdb")]
    for event in ("malformed input left out", "refused for who asks", "a fault of HTTP", "a fault of a WebSocket"):
        assert any(event in text for text in places.values()), event
    found = [
        f"{what} in {place}"
        for what, token in service.secrets.items()
        for place, text in places.items()
        for part in parts(token)
        if part in text
    ]
    assert found == []


def parts(token: str) -> list[str]:
    """By what a token could be found: itself, what proves it, and what it is written as."""
    encoded = kubernetes(token).rpartition(".")[2]
    return [token, token.rpartition(".")[2], encoded, quote(token), json.dumps(token)[1:-1]]


def under(folder: Path) -> list[Path]:
    """All files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
