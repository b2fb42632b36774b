"""Somebody signs in on another device, while we ask as often as the issuer allows."""

from __future__ import annotations

import time

import pytest
import trio

from rta.errors import RtaError
from rta.login import DevicePrompt, GrantedToken, IssuerClient, IssuerRefusal, sign_in_by_device


class Told:
    """What somebody was told."""

    def __init__(self) -> None:
        self.prompts: list[DevicePrompt] = []

    async def sign_in(self, client: IssuerClient) -> GrantedToken:
        return await sign_in_by_device(client, ["openid"], self.prompts.append, time.time_ns)


async def test_the_token_comes_when_they_have_typed_the_code_in(issuer, near, autojump_clock):
    issuer.device_answers = ["authorization_pending", "authorization_pending"]
    told = Told()
    began = trio.current_time()
    granted = await told.sign_in(near)
    assert granted.token.text == "access-1"
    assert told.prompts == [DevicePrompt(f"{issuer.base}/activate", "ABCD-EFGH", None)]
    assert 15 <= trio.current_time() - began < 16


async def test_we_ask_more_slowly_when_told_to(issuer, near, autojump_clock):
    issuer.device_answers = ["slow_down", "authorization_pending", "slow_down"]
    began = trio.current_time()
    await Told().sign_in(near)
    assert 5 + 10 + 10 + 15 <= trio.current_time() - began < 41


@pytest.mark.parametrize("error", ["access_denied", "expired_token", "invalid_client"])
async def test_a_refusal_ends_it(issuer, near, autojump_clock, error):
    issuer.device_answers = ["authorization_pending", error]
    with pytest.raises(IssuerRefusal, match=f"^the issuer refuses: {error}$"):
        await Told().sign_in(near)


async def test_the_code_is_not_asked_for_longer_than_it_counts(issuer, near, autojump_clock):
    issuer.device_answers = ["authorization_pending"] * 1000
    with pytest.raises(RtaError, match=r"^nobody has signed in within 600 s$"):
        await Told().sign_in(near)
    assert sum(path == "/token" for path, _ in issuer.asked) in (119, 120)


async def test_an_issuer_without_it_is_said_to_have_none(issuer, near):
    issuer.metadata = {"device_authorization_endpoint": None}
    with pytest.raises(RtaError, match="knows no sign-in by device"):
        await Told().sign_in(near)


async def test_what_is_secret_is_not_shown(near, autojump_clock):
    told = Told()
    await told.sign_in(near)
    assert "device-secret" not in repr(told.prompts)
