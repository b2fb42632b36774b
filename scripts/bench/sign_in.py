"""What it costs to find out who asks: of a service by requests over HTTP, and of the check of a token alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice, repeat
from pathlib import Path

import trio
from attrs import frozen
from rta_transports.memory.log import MemoryLog

from rta.auth import AuthSettings, SignIn, SignInContext
from rta.auth.key_set import KeySet
from rta.auth.static_tokens import StaticTokens
from rta.hot_counters import HotCounters
from rta.latest import Latest
from rta.metrics import Metrics
from rta.ports.access import NotAdmitted
from scripts.bench.issuer import AUDIENCE, Issuer
from scripts.bench.paced_requests import answers_to
from scripts.bench.processes import BenchError
from scripts.bench.redis_server import RedisServer
from scripts.bench.report import Results, Row, spread
from scripts.bench.service import Running, serving

__all__ = ["sign_in"]

_NONE, _KNOWN, _NEW, _WRONG = "no token", "a known token", "new right tokens", "wrong tokens"
_STATUS = {_NONE: "200", _KNOWN: "200", _NEW: "200", _WRONG: "401"}
_CHECKS = 2000
_SECOND = 1e6  # us


def sign_in(results: Results, folder: Path, rate: float, seconds: float, runs: int) -> None:
    """Each run has all kinds of requests, one kind after the other, to the same service."""
    issuer, rows, asked = Issuer(), [], round(rate * seconds)
    right, wrong = issuer.tokens(), issuer.wrong_tokens()
    known = next(right)
    with RedisServer(folder) as redis, serving(folder, redis=redis.url, more=issuer.settings) as service:
        for run in range(runs):
            # Right tokens take longer to sign than to check, so they are made before.
            kinds = {_NONE: [""], _KNOWN: [known], _NEW: list(islice(right, asked)), _WRONG: list(islice(wrong, asked))}
            for kind, tokens in kinds.items():
                each = _over_http(service, kind, tokens, rate, seconds)
                alone = _SECOND * trio.run(_checking, issuer, tokens) if tokens[0] else None
                rows.append(results.add("sign-in", run=run, kind=kind, rate=rate, each=each * _SECOND, alone=alone))
    _show(results, rows, rate)


def _over_http(service: Running, kind: str, tokens: list[str], rate: float, seconds: float) -> float:
    """CPU seconds of a request."""
    requests = map(_request, tokens if len(tokens) > 1 else repeat(tokens[0]))
    service.child.settle()
    before = service.child.cpu()
    answers = answers_to(requests, service.port, rate, seconds)
    if set(answers) != {_STATUS[kind]}:
        raise BenchError(f"{kind}: expected answers with {_STATUS[kind]}, got {dict(answers)}")
    return (service.child.cpu() - before) / answers.total()


def _request(token: str) -> bytes:
    header = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET /rta/v2/whoami HTTP/1.1\r\nHost: localhost\r\n{header}\r\n".encode()


async def _checking(issuer: Issuer, tokens: list[str]) -> float:
    """CPU seconds of one check, in this process."""
    settings = AuthSettings(enabled=True, authority=issuer.url, audience=AUDIENCE)
    keys, log, report = _Keys(issuer.key_set), MemoryLog(0, time.time_ns), Metrics(HotCounters(), dict)
    context = SignInContext(keys, Latest(StaticTokens()), log, report, b"", "", time.time_ns, bytes)
    checked = SignIn(settings, context)
    headers = [f"Bearer {token}" for token in tokens][:_CHECKS]
    if len(headers) == 1:
        await checked.subject(headers[0], None)
        headers *= _CHECKS
    began = time.thread_time()
    for header in headers:
        try:
            await checked.subject(header, None)
        except NotAdmitted:
            pass
    return (time.thread_time() - began) / len(headers)


@frozen
class _Keys:
    """See `rta.auth.sign_in.IssuerKeys`."""

    keys: KeySet
    age: float = 0.0
    endpoints: tuple[str, ...] = ()

    async def fetch_again(self) -> None:
        await trio.lowlevel.checkpoint()


def _show(results: Results, rows: list[Row], rate: float) -> None:
    by_kind = results.group(rows, lambda row: row["kind"])

    def ratios(kind: str, to: str) -> Iterator[float]:
        return (a["each"] / b["each"] for a, b in zip(by_kind[kind], by_kind[to], strict=True))

    lines = [
        (
            kind,
            spread((row["each"] for row in found), 0),
            spread(ratios(kind, _NONE)),
            spread(ratios(kind, _NEW)),
            spread((row["alone"] for row in found if row["alone"] is not None), 1),
        )
        for kind, found in by_kind.items()
    ]
    title = f"sign-in: CPU of GET /rta/v2/whoami, {rate:g} a second over connections that are kept"
    results.table(title, ("", "us", "to no token", "to new right ones", "the check alone, us"), lines)
