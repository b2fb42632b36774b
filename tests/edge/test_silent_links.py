"""A network that goes silent without closing anything: the client library notices, says so and connects again."""

from __future__ import annotations

import pytest
import trio
from cable import cable_to

from rta.client import RestClient, ServiceSilent, open_live_stream
from rta.client.decode import Decoder
from rta.client.follow import SessionObserver, follow_session
from rta.wire import SessionModel
from rta.wire.burst import Burst

from .clients import PATIENCE
from .conftest import Service
from .telemetry import samples, session_json

SILENCE = 1.0


async def test_a_stream_on_which_nothing_is_heard_any_more_ends_with_an_error_of_its_own(service: Service) -> None:
    await service.open("s")
    async with cable_to(service.port) as cable:
        base = f"http://127.0.0.1:{cable.port}"
        with trio.fail_after(PATIENCE):
            async with open_live_stream(base, "s", SILENCE) as stream:
                await stream.subscribe(all_data=True)
                await service.send("s", samples(1))
                while not (await stream.receive()).has_data:
                    pass
                cable.silent = True
                with pytest.raises(ServiceSilent, match=f"^nothing has been heard from {base} for 1 s$"):
                    await stream.receive()


class Heard(SessionObserver):
    """What is said of the session that is followed."""

    def __init__(self) -> None:
        self.lost_for: list[str] = []
        self.found = trio.Event()
        self.again = trio.Event()

    def session(self, model: SessionModel) -> None:
        (self.again if self.lost_for else self.found).set()

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        pass

    def lost(self, reason: str) -> None:
        self.lost_for.append(reason)

    def notice(self, text: str) -> None:
        pass


async def test_whoever_follows_a_session_is_told_and_follows_it_again(service: Service) -> None:
    await service.open("s", session_json("s", configBindings=[]))
    heard = Heard()
    async with cable_to(service.port) as cable, trio.open_nursery() as nursery:
        rest = RestClient(f"http://127.0.0.1:{cable.port}", SILENCE)
        nursery.start_soon(follow_session, rest, "s", (), heard, "s", SILENCE)
        with trio.fail_after(PATIENCE):
            await heard.found.wait()
            cable.silent = True
            await service.until(lambda: len(heard.lost_for) > 1, "the loss, and a try in vain")
            cable.silent = False
            await heard.again.wait()
        nursery.cancel_scope.cancel()
    first, second, *_ = heard.lost_for
    assert first == f"nothing has been heard from {rest.base} for 1 s"
    assert second == f"{rest.base} has not answered within 1 s"
