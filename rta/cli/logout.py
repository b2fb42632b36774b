"""`rta logout`: how one is signed in at a service is forgotten, here and at the issuer."""

from __future__ import annotations

import os

import click
import trio

from rta.cli.service_options import service_argument
from rta.cli.service_place import ServicePlace
from rta.errors import RtaError
from rta.formatting import printable
from rta.login import KeptToken

__all__ = ["command"]


@click.command("logout")
@service_argument(with_token=False)
def command(service: ServicePlace) -> None:
    """Sign out at the service at URL: its token is forgotten, and the issuer takes back what renews it."""
    trio.run(_sign_out, service)


async def _sign_out(service: ServicePlace) -> None:
    keeper = service.keeper()
    lock = await keeper.acquire()
    try:
        kept = None
        try:
            kept = await trio.to_thread.run_sync(keeper.read)
        finally:  # what cannot be read is forgotten too
            await trio.to_thread.run_sync(keeper.forget)
    finally:
        os.close(lock)
    if kept is None:
        click.echo(f"nobody was signed in at {service.url}", err=True)
        return
    click.echo(f"signed out at {service.url}", err=True)
    if kept.authority is not None:
        await _revoke(service, kept)


async def _revoke(service: ServicePlace, kept: KeptToken) -> None:
    """What the issuer has given does not count any more. Source: RFC 7009, 2.1."""
    kind, token = ("access_token", kept.token.text) if kept.refresh is None else ("refresh_token", kept.refresh)
    try:
        issuer = service.issuer_of(kept)
        endpoints = await issuer.endpoints()
        if endpoints.revocation is None:
            click.echo(f"{issuer.authority} takes no tokens back: they count until they end", err=True)
        else:
            await issuer.send(endpoints.revocation, {"token": token, "token_type_hint": kind})
    except RtaError as e:
        click.echo(printable(f"the issuer has not taken the token back: {e}"), err=True)
