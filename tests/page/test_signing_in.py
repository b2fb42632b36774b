"""Who has to sign in on the page, with what, and what they may do then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.watch import Watch
from playwright.sync_api import Locator, Page, expect
from program import Start, wait_until
from real_issuer import AUDIENCE, PROGRAM, Issuer

from page.conftest import TakePicture
from page.looking import axe_finds, line_is_drawn, plot_of, view_of
from page.sites import TOKENS, play, tokens_of
from rta.auth.static_tokens import change_tokens
from rta.ports.access import Role

ISSUER = """\
authority = "{authority}"
audience = "{audience}"
roles_claim = "realm_access.roles"
client_id = "{client}"
scopes = ["openid", "offline_access"]
"""

pytestmark = pytest.mark.processes
VIEW = view_of("drive-1", "Speed:csv", "Gear:csv")
OTHER_STATE = "This answer of the issuer is not for this tab, or has come too late. Sign in again."


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Whose tokens are had at another origin than all else, and count for so short that they are renewed meanwhile."""
    issuer = Issuer()
    issuer.tokens_at = f"http://localhost:{issuer.port}"
    issuer.life = 8
    with issuer:
        yield issuer


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Sign in")


def sign_in(page: Page, token: str) -> None:
    dialog_of(page).get_by_label("Token").fill(token)
    dialog_of(page).get_by_role("button", name="Use this token").click()


def card(page: Page) -> Locator:
    return page.get_by_role("article", name="car.engine/live")


def is_live(page: Page) -> None:
    expect(dialog_of(page)).to_have_count(0)
    expect(page.get_by_role("contentinfo", name="Status")).to_contain_text("Live")
    line_is_drawn(page, "Speed")
    value = plot_of(page, "Speed").locator("output").first
    expect(value).not_to_have_text(value.inner_text())  # it goes on


def token_in(page: Page) -> str:
    """The one that is kept."""
    found: str = page.evaluate("JSON.parse(sessionStorage.getItem('rta.token')).token")
    return found


def go_to(page: Page, view: str) -> None:
    page.get_by_role("navigation", name="Views").get_by_role("link", name=view).click()


def test_a_token_is_asked_for_and_what_its_role_may_not_do_is_not_offered(
    page: Page, start: Start, tmp_path: Path, watch: Watch, take_picture: TakePicture
) -> None:
    service = play(start, tmp_path, sign_in=True)
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    watch.expect("401", "WebSocket")
    page.goto(service.url + VIEW)
    dialog = dialog_of(page)
    expect(dialog).to_contain_text("This service asks who you are.")
    take_picture(page, "signed-out")
    assert axe_finds(page) == []
    sign_in(page, "rta_of-nobody")
    expect(dialog.get_by_role("alert")).to_have_text(
        "The service does not take this token. It may have ended, or been revoked."
    )
    sign_in(page, TOKENS[Role.READ])
    is_live(page)
    address = page.url
    assert address == f"{service.url}/{VIEW}"
    go_to(page, "Streams")
    expect(card(page)).to_contain_text("stopped")
    card(page).get_by_text("Settings").click()
    expect(card(page)).to_contain_text("min_interval")
    expect(card(page).get_by_role("button")).to_have_count(0)
    go_to(page, "Sessions")
    expect(page.get_by_role("table", name="Ended")).to_contain_text("Short lap")
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    go_to(page, "Plots")

    # It is kept for a reload, and for nothing else.
    page.reload()
    is_live(page)
    expect(dialog).to_have_count(0)
    stored = page.evaluate("[localStorage, sessionStorage].map(JSON.stringify)")
    assert [TOKENS[Role.READ] in text for text in stored] == [False, True]
    assert page.context.cookies() == []
    other = page.context.new_page()
    other.goto(service.url + VIEW)
    expect(dialog_of(other)).to_be_visible()
    other.close()

    with change_tokens(tokens_of(tmp_path)) as tokens:
        tokens[:] = [token for token in tokens if token.role is not Role.READ]
    expect(dialog).to_contain_text("Your sign-in has ended. What you look at stays.")
    expect(plot_of(page, "Speed").locator("output").first).to_have_text(re.compile(r"\d"))
    assert page.evaluate("[localStorage, sessionStorage].map(JSON.stringify).join().includes('rta_of')") is False
    sign_in(page, TOKENS[Role.OPERATE])
    is_live(page)
    assert page.url == address
    go_to(page, "Streams")
    expect(card(page).get_by_role("button", name="Start")).to_be_visible()
    card(page).get_by_text("Settings").click()
    expect(card(page).get_by_role("button", name="Save")).to_have_count(0)

    page.get_by_role("button", name="desk-operate").click()
    expect(dialog).to_contain_text("desk-operate: may operate")
    sign_in(page, TOKENS[Role.ADMINISTER])
    expect(dialog).to_have_count(0)
    expect(card(page).get_by_role("button", name="Save")).to_be_visible()
    go_to(page, "Sessions")
    expect(page.get_by_role("button", name="Delete the recording of Short lap")).to_be_visible()

    page.get_by_role("button", name="desk-administer").click()
    dialog.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Short lap")).to_have_count(0)
    expect(dialog).to_contain_text("This service asks who you are.")
    urls = asked + [socket.url for socket in watch.sockets]
    assert any("/rta/v2/tickets" in url for url in urls)
    assert not [url for url in urls if "rta_of" in url]


def test_one_signs_in_at_an_issuer_and_comes_back_to_the_same_view(
    issuer: Issuer, page: Page, start: Start, tmp_path: Path, watch: Watch
) -> None:
    service = play(
        start, tmp_path, sign_in=True, auth=ISSUER.format(authority=issuer.url, audience=AUDIENCE, client=PROGRAM)
    )
    service.logged("the issuer's keys are known")
    watch.expect("401", "WebSocket")
    view = f"{service.url}/{VIEW}"
    page.goto(view)
    dialog = dialog_of(page)
    at_issuer = dialog.get_by_role("button", name=f"Sign in at 127.0.0.1:{issuer.port}")
    at_issuer.click()
    page.wait_for_url(f"{issuer.url}/**")
    page.get_by_text("Cancel").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The issuer refuses: access_denied")
    assert page.url == view

    at_issuer.click()
    page.wait_for_url(f"{issuer.url}/**")
    page.goto(f"{service.url}/?code=stolen&state=another&iss={issuer.url}")
    expect(dialog.get_by_role("alert")).to_have_text(OTHER_STATE)
    assert page.url == view

    at_issuer.click()
    page.wait_for_url(f"{issuer.url}/**")
    page.get_by_placeholder("Enter any login").fill("anna")
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    is_live(page)
    assert page.url == view
    expect(page.get_by_role("button", name="anna")).to_be_visible()
    go_to(page, "Streams")
    expect(card(page).get_by_role("button", name="Start")).to_be_visible()
    go_to(page, "Plots")
    first = token_in(page)
    wait_until(lambda: token_in(page) != first, "another token")
    page.reload()  # at once: a token that is asked for meanwhile would be lost, and with it the sign-in
    is_live(page)

    page.get_by_role("button", name="anna").click()
    with page.expect_response(lambda response: response.url.endswith("/revocation")) as given_back:
        dialog.get_by_role("button", name="Sign out").click()
    assert given_back.value.status == 200
    expect(dialog).to_contain_text("This service asks who you are.")
    expect(plot_of(page, "Speed").locator("output").first).to_have_text("–")
