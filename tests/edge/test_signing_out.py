"""Whoever's token ends is told so with 4004, and a client of ours comes back with a new one behind the same point."""

from __future__ import annotations

import ssl
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio
import trustme
from issuing import make_sign_in

from rta.client import Credentials, NotSignedIn, RestClient, Token
from rta.client.decode import Decoder
from rta.client.follow import follow_session
from rta.client.stream import StreamClosed, open_live_stream
from rta.ports import NotAdmitted, Role, StreamRequest, Subject
from rta.ports.tls import client_certificate
from rta.wire import SessionModel
from rta.wire._pb.data_pb2 import TimestampedData
from rta.wire._pb.stream_pb2 import StreamData
from rta.wire.burst import Burst

from .clients import PATIENCE, raw, stream_path
from .conftest import Serve, Service
from .telemetry import burst, noise, samples, session_json

SECOND = 1_000_000_000
TINY = 4096
REASON = "the token or certificate has ended: come back with a new one"


class Issuer:
    """Gives short tokens and keeps the gate, both by a clock that the test moves."""

    def __init__(self, life: float = 10.0) -> None:
        self.now = 1_700_000_000 * SECOND
        self.life = round(life * SECOND)
        self.ends: dict[str, int] = {}
        self.admitted: list[str] = []
        self.closed = False

    def clock(self) -> int:
        return self.now

    async def renew(self, old: Token | None) -> Token:
        await trio.lowlevel.checkpoint()
        if self.closed and old is not None:
            return old
        text = f"t{len(self.ends) + 1}"
        self.ends[text] = self.now + self.life
        return Token(text)  # without its end: the service says when it is over

    async def gate(self, request: StreamRequest) -> Subject:
        await trio.lowlevel.checkpoint()
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.ends.get(token, 0) <= self.now:
            raise NotAdmitted(401, "the token has ended", "ended", 'Bearer error="invalid_token"')
        self.admitted.append(token)
        return Subject(token, Role.READ, self.ends[token])

    def end_tokens(self) -> None:
        self.now += self.life


@pytest.fixture(autouse=True)
def believed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of these tests jumps, and is right."""
    monkeypatch.setattr("rta.actors.credential_ends._SETTLED", 0.0)


async def test_a_client_is_closed_when_its_token_ends_and_others_stay(serve: Serve) -> None:
    issuer = Issuer()
    issuer.ends = {"short": issuer.now + 5 * SECOND, "long": issuer.now + 3600 * SECOND}
    async with serve(gate=issuer.gate, clock=issuer.clock) as service:
        await service.open("s")
        async with raw(service.port) as short, raw(service.port) as long:
            for client, token in ((short, "short"), (long, "long")):
                answer = await client.upgrade(stream_path("s"), authorization=f"Bearer {token}")
                assert answer.status == 101
                await client.subscribe(data=True)
            await service.send("s", samples(1))
            await short.until_tag(1)
            issuer.end_tokens()
            _, closed = await short.until_closed()
            assert (closed.code, closed.reason) == (4004, REASON)
            await service.send("s", samples(2))
            await long.until_tag(2)
            assert service.metric("rta_clients_closed_total", reason="signed_out") == 1


async def test_a_client_that_reads_nothing_is_cut_within_a_bounded_time(serve: Serve) -> None:
    issuer = Issuer()
    issuer.ends = {"t": issuer.now + 5 * SECOND}
    async with (
        serve(edge={"close_timeout": 0.5}, gate=issuer.gate, clock=issuer.clock) as service,
        raw(service.port, receive_buffer=TINY) as client,
    ):
        await service.open("s")
        assert (await client.upgrade(stream_path("s"), authorization="Bearer t")).status == 101
        await client.subscribe(data=True)
        await service.send_many("s", [burst(noise(tag)) for tag in range(150)])
        await service.until_metric(1, "rta_fell_behind_total")
        issuer.end_tokens()
        await service.until_metric(1, "rta_clients_closed_total", reason="signed_out")
        await service.until_connections(0)


async def test_a_client_is_closed_when_its_certificate_ends(serve: Serve, tmp_path: Path) -> None:
    authority = trustme.CA()
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    ours, theirs = authority.issue_cert("127.0.0.1"), authority.issue_cert("x@example.org", not_after=end)
    ours.private_key_and_cert_chain_pem.write_to_path(tmp_path / "ours.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    files = {"cert_file": tmp_path / "ours.pem", "ca_file": tmp_path / "ca.pem", "client_certificates": "optional"}
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    theirs.configure_cert(tls)
    whose = client_certificate(ssl.PEM_cert_to_DER_cert(theirs.cert_chain_pems[0].bytes().decode())).subject
    stage = make_sign_in(certificates={whose: "read"})
    stage.time.now = round(end.timestamp() - 1) * SECOND
    async with serve(edge=files, gate=stage.sign_in.admit_stream, clock=stage.time) as service:
        await service.open("s")
        with trio.fail_after(PATIENCE):
            async with open_live_stream(
                f"https://127.0.0.1:{service.port}", "s", credentials=Credentials(None, tls=tls)
            ) as live:
                await service.until_metric(1, "rta_clients")
                await live.subscribe(events=True)
                await live.receive()  # the session
                stage.time.now += SECOND
                with pytest.raises(StreamClosed, match="certificate has ended") as closed:
                    await live.receive()
        assert closed.value.code == 4004
        assert service.metric("rta_clients_closed_total", reason="signed_out") == 1


class Heard:
    """All samples that have come, one by one."""

    def __init__(self) -> None:
        self.tags: Counter[int] = Counter()
        self.lost_for: list[str] = []
        self.notices: list[str] = []

    def session(self, model: SessionModel) -> None:
        pass

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        for item in burst.message().data:
            data = item.timestamped_data
            at = data.start_timestamp
            for delta in data.timestamp_deltas:
                at += delta * data.timestamp_deltas_scale
                self.tags[at] += 1

    def lost(self, reason: str) -> None:
        self.lost_for.append(reason)

    def notice(self, text: str) -> None:
        self.notices.append(text)


def sample(tag: int) -> StreamData:
    data = TimestampedData(channel_id=1, start_timestamp=tag, timestamp_deltas_scale=1, timestamp_deltas=[0])
    data.buffer = bytes(8)
    return StreamData(timestamped_data=data)


async def record_some(service: Service) -> None:
    await service.open("s", session_json("s", configBindings=[]))
    for tag in range(1, 11):
        await service.send("s", sample(tag))
    await service.until_metric(1, "rta_archive_bursts_total")


@pytest.mark.processes
async def test_whoever_follows_has_every_sample_once_over_many_tokens(serve: Serve, tmp_path: Path) -> None:
    issuer = Issuer()
    async with serve(gate=issuer.gate, clock=issuer.clock, archive=tmp_path / "archive") as service:
        await record_some(service)
        heard = Heard()
        credentials = Credentials(issuer.renew, clock=issuer.clock)
        rest = RestClient(f"http://127.0.0.1:{service.port}", credentials=credentials)
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(follow_session, rest, "s", (), heard, "", 30.0, 0)
                tag = 10
                await service.until(lambda: bool(issuer.admitted), "a connection")
                for _ in range(5):
                    connections = len(issuer.admitted)
                    await service.until(lambda: len(heard.tags) == tag, f"sample {tag}")  # noqa: B023
                    issuer.end_tokens()
                    for _ in range(20):  # while nobody is there, and while it comes back
                        tag += 1
                        await service.send("s", sample(tag))
                    await service.until(lambda: len(issuer.admitted) > connections, "another token")  # noqa: B023
                await service.until(lambda: len(heard.tags) == tag, f"sample {tag}")
                nursery.cancel_scope.cancel()
        assert heard.tags == Counter(range(1, tag + 1))
        assert len(set(issuer.admitted)) == len(issuer.admitted) >= 6
        assert (heard.lost_for, heard.notices) == ([], [])
        assert service.metric("rta_clients_closed_total", reason="signed_out") == len(issuer.admitted) - 1


async def test_whoever_has_no_other_token_is_told_so(serve: Serve) -> None:
    issuer = Issuer()
    async with serve(gate=issuer.gate, clock=issuer.clock) as service:
        await service.open("s", session_json("s", configBindings=[]))
        heard = Heard()
        rest = RestClient(f"http://127.0.0.1:{service.port}", credentials=Credentials(issuer.renew))

        async def follow() -> None:
            with pytest.raises(NotSignedIn, match=r"asks who you are: the token has ended$"):
                await follow_session(rest, "s", (), heard)

        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(follow)
                await service.until_metric(1, "rta_clients")
                issuer.closed = True
                issuer.end_tokens()
        assert heard.lost_for == []
