"""Signing in without a browser here: somebody types a code in on another device. Source: RFC 8628, 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

import trio
from attrs import field, frozen

from rta.errors import NotConnectedError, RtaError, UnreadableError
from rta.formatting import printable
from rta.login.issuer import IssuerClient, IssuerRefusal
from rta.login.token_answer import GrantedToken, read_grant

__all__ = ["DevicePrompt", "sign_in_by_device"]

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_LONGEST = 1800.0  # seconds that are waited at most
_INTERVAL, _SLOWER = 5.0, 5.0  # seconds
_LONGEST_INTERVAL = 60.0
_LONGEST_TEXT = 2000  # characters


@frozen
class DevicePrompt:
    """What somebody is told."""

    url: str
    """Where to go."""
    code: str
    """What to type in there."""
    whole_url: str | None
    """Where it need not be typed in."""


@frozen
class _Device:
    prompt: DevicePrompt
    code: str = field(repr=False)
    life: float
    interval: float


async def sign_in_by_device(
    issuer: IssuerClient, scopes: Sequence[str], show: Callable[[DevicePrompt], None], clock: Callable[[], int]
) -> GrantedToken:
    """Let somebody sign in. `show`: tells them where, and with which code. `clock`: ns since the Unix epoch.

    :raises IssuerRefusal: they have not, or the issuer does not give a token for it.
    :raises NotConnectedError: the issuer does not answer.
    :raises RtaError: nobody has signed in in time, or the issuer's answer is not right.
    """
    endpoints = await issuer.endpoints()
    if endpoints.device is None:
        raise RtaError(f"{issuer.authority} knows no sign-in by device: sign in where there is a browser")
    device = _read(await issuer.send(endpoints.device, {"scope": " ".join(scopes)}))
    show(device.prompt)
    interval = device.interval
    with trio.move_on_after(device.life):
        while True:
            await trio.sleep(interval)
            try:
                fields = {"grant_type": _GRANT, "device_code": device.code}
                return read_grant(await issuer.send(endpoints.token, fields), clock())
            except IssuerRefusal as e:
                if e.error == "slow_down":
                    interval += _SLOWER
                elif e.error != "authorization_pending":
                    raise
            except NotConnectedError:
                interval = min(2 * interval, max(interval, _LONGEST_INTERVAL))
    raise RtaError(f"nobody has signed in within {device.life:g} s")


def _read(answer: Mapping[str, Any]) -> _Device:
    """:raises UnreadableError: it says not where, or not with which code."""
    names = ("device_code", "user_code", "verification_uri", "verification_uri_complete")
    code, typed, url, whole = (value if isinstance(value := answer.get(name), str) else "" for name in names)
    if not code or not typed or not url.startswith(("https://", "http://")):
        raise UnreadableError("the issuer does not say how one signs in by device")
    if not whole.startswith(("https://", "http://")):
        whole = ""
    shown = (printable(text[:_LONGEST_TEXT]) for text in (url, typed, whole))
    life, interval = _seconds(answer, "expires_in", _LONGEST), _seconds(answer, "interval", _INTERVAL)
    prompt = DevicePrompt(next(shown), next(shown), next(shown) or None)
    return _Device(prompt, code, min(life, _LONGEST), min(max(interval, 1.0), _LONGEST_INTERVAL))


def _seconds(answer: Mapping[str, Any], name: str, default: float) -> float:
    value = answer.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value <= 0:
        return default
    return float(value)
