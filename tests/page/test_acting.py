"""What somebody does on the page, and who may."""

from __future__ import annotations

from pathlib import Path

import pytest
from asking import ask
from browser.pages import OpenPage
from browser.watch import Watch
from playwright.sync_api import Locator, Page, expect
from program import Program, Start

from page.looking import line_is_drawn, view_of
from page.sites import TOKENS, play, tokens_of
from rta.auth.static_tokens import change_tokens
from rta.ports.access import Role

pytestmark = pytest.mark.processes

VIEW = view_of("lap-1", "Speed:csv", "Gear:csv")


def stream_of(service: Program, token: str | None = None) -> dict[str, object]:
    [stream] = ask(service.address, "/rta/v2/streams", token).json["streams"]
    found: dict[str, object] = stream
    return found


def card(page: Page) -> Locator:
    return page.get_by_role("article", name="car.engine/live")


def sign_in(page: Page, token: str) -> None:
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Token").fill(token)
    dialog.get_by_role("button", name="Use this token").click()


def test_streams_are_started_changed_and_stopped(page: Page, start: Start, tmp_path: Path, watch: Watch) -> None:
    service = play(start, tmp_path)
    page.goto(service.url + "#v1/streams")
    expect(card(page)).to_contain_text("stopped")
    card(page).get_by_role("button", name="Start").click()
    expect(card(page)).to_contain_text("running")
    assert stream_of(service)["state"] == "running"
    card(page).get_by_text("Settings").click()
    card(page).get_by_label("min_interval").fill("2s")
    card(page).get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings of car.engine/live are saved.")).to_be_visible()
    assert "2" in str(stream_of(service)["min_interval"])
    watch.expect("400")
    card(page).get_by_label("min_interval").fill("often")
    card(page).get_by_role("button", name="Save").click()
    expect(card(page).get_by_role("alert")).to_contain_text("min_interval")
    card(page).get_by_role("button", name="Stop").click()
    expect(card(page)).to_contain_text("stopped")
    assert stream_of(service)["state"] == "stopped"


def test_who_has_to_sign_in_does_with_a_token_and_sees_what_the_role_may(
    page: Page, open_page: OpenPage, start: Start, tmp_path: Path, watch: Watch
) -> None:
    service = play(start, tmp_path, sign_in=True)
    watch.expect("401", "403", "WebSocket")
    page.goto(service.url + VIEW)
    dialog = page.get_by_role("dialog", name="Sign in")
    sign_in(page, "rta_of-nobody")
    expect(dialog.get_by_role("alert")).to_have_text(
        "The service does not take this token. It may have ended, or been revoked."
    )
    sign_in(page, TOKENS[Role.READ])
    expect(dialog).to_have_count(0)
    line_is_drawn(page, "Speed")
    address = page.url
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Streams").click()
    expect(card(page)).to_contain_text("stopped")
    card(page).get_by_text("Settings").click()
    expect(card(page)).to_contain_text("min_interval")
    for name in ("Start", "Stop", "Renew", "Save", "Remove"):
        expect(card(page).get_by_role("button", name=name)).to_have_count(0)
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Plots").click()

    with change_tokens(tokens_of(tmp_path)) as tokens:
        tokens[:] = [token for token in tokens if token.role is not Role.READ]
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Your sign-in has ended. What you look at stays.")
    sign_in(page, TOKENS[Role.OPERATE])
    expect(dialog).to_have_count(0)
    line_is_drawn(page, "Speed")
    assert page.url == address
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Streams").click()
    expect(card(page).get_by_role("button", name="Start")).to_be_visible()
