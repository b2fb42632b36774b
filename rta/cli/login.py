"""`rta login`: one signs in at a running service, by a browser, another device, or a static token."""

from __future__ import annotations

import os
import secrets
import sys
import time
import webbrowser
from getpass import getpass

import attrs
import click
import trio

from rta.cli.service_options import service_argument
from rta.cli.service_place import ServicePlace, who_asks
from rta.cli.times import format_listed_time
from rta.client import NotSignedIn
from rta.client.base_url import check_base_url
from rta.client.credentials import is_private
from rta.errors import MalformedError, RtaError, first_error
from rta.formatting import printable
from rta.login import (
    DevicePrompt,
    GrantedToken,
    IssuerClient,
    KeptToken,
    SignInOffer,
    given_token,
    sign_in_by_browser,
    sign_in_by_device,
)
from rta.rsmp.payload import parse_iso

__all__ = ["command"]

_LONGEST = 16 << 10  # characters of a token


@click.command("login")
@service_argument(with_token=False)
@click.option("--device", is_flag=True, help="Sign in on another device, where there is no browser.")
@click.option("--token", metavar="-", help="Read a static token from standard input: nobody else sees it there.")
def command(service: ServicePlace, device: bool, token: str | None) -> None:
    """Sign in at the service at URL. What comes of it is kept in the user's state directory, for every other command,
    and renewed until one signs out.
    """
    if token not in (None, "-"):
        raise click.UsageError("what stands on a command line can be seen by others: --token - reads the token")
    if device and token:
        raise click.UsageError("--device is for an issuer, --token for a static token: only one of them")
    check_base_url(service.url)
    if not is_private(service.url):
        raise RtaError(f"no token is sent to {service.url} in the clear: use https")
    kept = _static_token() if token else None
    error: RtaError | None = None
    try:
        trio.run(_sign_in, service, device, kept)
    except* RtaError as group:
        error = first_error(group)
    if error is not None:
        raise error


def _static_token() -> KeptToken:
    text = getpass("token: ") if sys.stdin.isatty() else sys.stdin.readline(_LONGEST + 1)
    text = text.strip()
    if not text.isascii() or len(text) > _LONGEST or len(text.split()) != 1:
        raise RtaError("expected one token on a line, and nothing else")
    return KeptToken(given_token(text), time.time_ns())


async def _sign_in(service: ServicePlace, device: bool, kept: KeptToken | None) -> None:
    if kept is None:
        offer = SignInOffer.of(await service.client_with(None).call("GET", "/rta/v2/info"))
        kept = await _ask_issuer(service, offer, device)
    try:
        who = await who_asks(service.client_with(kept.token))
    except NotSignedIn as e:
        raise RtaError(f"the token is not taken: {e}") from None  # the command itself says what to do
    if kept.token.ends is None and who.ends is not None:
        kept = attrs.evolve(kept, token=attrs.evolve(kept.token, ends=_time(who.ends)))
    keeper = service.keeper()
    lock = await keeper.acquire()
    try:
        await trio.to_thread.run_sync(keeper.write, kept)
    finally:
        os.close(lock)
    lasts = "it is renewed" if kept.refresh else f"until {format_listed_time(who.ends)}" if who.ends else ""
    click.echo(printable(f"signed in at {service.url}: {who}{', ' if lasts else ''}{lasts}"), err=True)


async def _ask_issuer(service: ServicePlace, offer: SignInOffer, device: bool) -> KeptToken:
    """:raises RtaError: there is no issuer, or nobody has signed in there."""
    if offer.authority is None:
        if offer.required or offer.tokens:
            raise RtaError(f"{service.url} takes static tokens: rta login --token - {service.url}")
        raise RtaError(f"nobody has to sign in at {service.url}")
    if offer.client_id is None:
        raise RtaError(f"{service.url} does not say what we are called at its issuer: set auth.client_id there")
    issuer = service.issuer(offer.authority, offer.client_id, offer.audience)
    said = f"signing in for {service.url} at {offer.authority}"
    click.echo(printable(said if offer.audience is None else f"{said}, as {offer.audience}"), err=True)
    granted = await _granted(issuer, offer, device)
    return KeptToken(granted.token, time.time_ns(), granted.refresh, offer.authority, offer.client_id, offer.audience)


async def _granted(issuer: IssuerClient, offer: SignInOffer, device: bool) -> GrantedToken:
    if device:
        return await sign_in_by_device(issuer, offer.scopes, _show_device, time.time_ns)
    return await sign_in_by_browser(issuer, offer.scopes, _show_page, secrets.token_bytes, time.time_ns)


def _show_device(prompt: DevicePrompt) -> None:
    click.echo(f"open {prompt.url} on any device, and type in: {prompt.code}", err=True)
    if prompt.whole_url is not None:
        click.echo(f"or open {prompt.whole_url}", err=True)


async def _show_page(url: str) -> None:
    click.echo(f"open this address in a browser of this machine, if none opens by itself:\n{printable(url)}", err=True)
    if sys.platform == "darwin" or any(os.environ.get(n) for n in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")):
        await trio.to_thread.run_sync(_open_browser, url, abandon_on_cancel=True)


def _open_browser(url: str) -> None:
    """Nothing depends on it: the address has been shown."""
    try:
        webbrowser.open(url)
    except (webbrowser.Error, OSError) as e:
        click.echo(f"no browser has opened: {e}", err=True)


def _time(text: str) -> int | None:
    try:
        return int(parse_iso(text))
    except MalformedError:
        return None
