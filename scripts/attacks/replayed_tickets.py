"""One ticket for a WebSocket, given again and again: it opens one, and each replay asks the buffer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection

from scripts.attacks.stage import Attack, Stage
from scripts.attacks.stage.crowd import UPGRADE_SLEEPING
from scripts.bench.issuer import Issuer
from scripts.bench.paced_requests import answers_to
from scripts.bench.processes import BenchError

__all__ = ["ATTACK"]

_PAGE = "https://page.example"
_REAL = b"mat.ocs.rta.stream-lz4"


def _ticket(port: int, token: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Authorization": f"Bearer {token}", "Origin": _PAGE, "Content-Type": "application/json"}
    connection.request("POST", "/rta/v2/tickets", json.dumps({"session": "bench-2"}), headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 201:
        raise BenchError(f"there is no ticket: {body.decode()}")
    return str(json.loads(body)["ticket"])


def _attack() -> Attack:
    issuer = Issuer()

    def strike(stage: Stage) -> None:
        ticket = _ticket(stage.service.port, issuer.token())
        more = _REAL + f", rta.ticket.{ticket}\r\nOrigin: {_PAGE}".encode()
        request = UPGRADE_SLEEPING.replace(_REAL, more)

        def same() -> Iterator[bytes]:
            while True:
                yield request

        answers = answers_to(same(), stage.service.port, stage.sizes.count, stage.sizes.seconds)
        stage.say(f"answers by status: {dict(answers)}; one 101 is right")

    return Attack(strike=strike, prepare=lambda stage: issuer.settings, count=300, counts="Replays a second.")


ATTACK = _attack()
