"""A thousand wrong tokens a second, each another one, with signatures that are none; before, requests without any."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from scripts.attacks.stage import Attack, Stage
from scripts.bench.issuer import Issuer
from scripts.bench.paced_requests import answers_to

__all__ = ["ATTACK", "flood_with"]


_PLAIN = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
_REQUEST = "GET /rta/v2/sessions HTTP/1.1\r\nHost: localhost\r\n"


def _requests(tokens: Iterator[str]) -> Iterator[bytes]:
    for token in tokens:
        yield f"{_REQUEST}Authorization: Bearer {token}\r\n\r\n".encode()


def _ask(stage: Stage, what: str, requests: Iterator[bytes]) -> None:
    stage.stretch(what)
    before = stage.service.child.cpu()
    answers = answers_to(requests, stage.service.port, stage.sizes.count, stage.sizes.seconds)
    each = (stage.service.child.cpu() - before) / max(1, answers.total())
    rate = answers.total() / stage.sizes.seconds
    stage.say(f"{what}: {rate:.0f} a second, {each * 1000:.2f} ms of CPU each; by status {dict(answers)}")


def flood_with(*, unknown: bool) -> Attack:
    """Of tokens whose key ids are `unknown`, or known."""
    issuer = Issuer()

    def strike(stage: Stage) -> None:
        _ask(stage, "no token", repeat(_PLAIN))
        _ask(stage, "wrong tokens", _requests(issuer.wrong_tokens(unknown=unknown)))
        stage.say(f"the issuer was asked for its keys {issuer.fetches} times")

    return Attack(strike=strike, prepare=lambda stage: issuer.settings, count=1000, counts="Tokens a second.")


ATTACK = flood_with(unknown=False)
