"""A person's own account with the real product and a mail server: forgotten, changed, signed out elsewhere, deleted."""

import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Enter
from tests.journeys.people import PASSWORD, SESSION_COOKIE, Member, signed_up
from tests.journeys.product import Product, running_product
from tests.support.post import Post, link_in, running_post

pytestmark = pytest.mark.journey

NEW_PASSWORD = "seven quiet green lanterns"


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    """A mail server."""
    with running_post() as running:
        yield running


@pytest.fixture(scope="module")
def product(post: Post) -> Iterator[Product]:
    """The product, whose mail goes there, in place of the one that other files use."""
    with running_product("journeys-account", SMTP_URL=post.url, MAIL_FROM="OCSuite <no-reply@example.com>") as running:
        yield running


def ended(product: Product, session: str) -> bool:
    """Whether a session is none any more."""
    answer = httpx.post(f"{product.api_url}/auth/token", headers={"Cookie": f"{SESSION_COOKIE}={session}"}, timeout=20)
    return answer.status_code == 401


def test_a_forgotten_password_is_replaced_and_everybody_else_signed_out(
    enter: Enter, member: Member, product: Product, post: Post
) -> None:
    visit = enter()
    page = visit.page
    visit.open("/sign-in")
    page.get_by_label("E-mail").fill(member.email)
    page.get_by_label("Password", exact=True).fill("no idea any more")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.type("?")
    expect(page.get_by_text("The e-mail address or the password is wrong")).to_have_count(0)
    page.get_by_role("link", name="Forgot password?").click()
    expect(page.get_by_label("E-mail")).to_have_value(member.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_text("a link is on its way there")).to_be_visible()

    # The secret of the link stays in neither the address nor anything that a script or the socket could hand on.
    link = link_in(post.next_with(member.email, "Choose a new password"))
    token = link.partition("token=")[2]
    page.goto(link)
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    assert page.url.endswith("/new-password")
    assert token not in page.evaluate("JSON.stringify([location.href, document.referrer, document.cookie])")
    page.get_by_label("New password", exact=True).fill("password1234")
    page.keyboard.press("Tab")
    expect(page.get_by_text("This is a very common password")).to_be_visible()
    page.get_by_role("button", name="Save the password").click()
    expect(page.locator("#password-error")).to_contain_text("very common")
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    expect(page.locator("#password-error")).to_be_empty()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your password is saved. Sign in with it.")).to_be_visible()
    assert "ocsuite_reset" not in {cookie["name"] for cookie in page.context.cookies()}
    assert ended(product, member.session)
    page.get_by_label("E-mail").fill(member.email)
    page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard")
    page.goto("/settings/you")
    expect(page.locator(".you-sessions > li", has_text="This browser")).to_contain_text("Chrome on Linux")
    page.goto(link)
    expect(page.get_by_role("heading", name="This link is not valid any more")).to_have_count(0)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_role("heading", name="This link is not valid any more")).to_be_visible()
    assert not [frame for frame in visit.frames if token in frame]


def test_name_address_and_password_are_changed_and_sessions_ended(
    enter: Enter, member: Member, product: Product, post: Post
) -> None:
    visit = enter(member)
    page = visit.page
    page.goto("/settings")
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="You").click()
    page.get_by_label("Full name").fill("Ada King")
    page.get_by_role("button", name="Save name").click()
    expect(page.get_by_role("button", name="Account: Ada King")).to_be_visible()

    # The banner of an address that waits, and the link that proves it.
    banner = page.get_by_role("complementary", name="Address to be confirmed")
    expect(banner).to_contain_text(member.email)
    post.next_with(member.email, "Confirm your e-mail address")
    banner.get_by_role("button", name="Send again").click()
    expect(banner.get_by_text("Sent again.")).to_be_visible()
    page.goto(link_in(post.next_with(member.email, "Confirm your e-mail address")))
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_role("heading", name="Your address is confirmed")).to_be_visible()
    page.goto("/settings/you")
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    expect(banner).to_have_count(0)

    # Another address, once its owner has opened the link.
    new = f"{uuid4().hex}@example.com"
    page.get_by_label("New address").fill(new)
    page.get_by_label("Your password").fill("not this one")
    page.get_by_role("button", name="Change address").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    expect(page.get_by_text("This is not your password.")).to_have_count(0)
    page.get_by_role("button", name="Change address").click()
    expect(page.get_by_text("Your address changes once it is opened")).to_be_visible()
    post.next_with(member.email, "Your e-mail address is about to change")
    page.goto(link_in(post.next_with(new, "Confirm your new e-mail address")))
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_text(new)).to_be_visible()

    # Another password, which leaves this browser signed in and no other.
    elsewhere = httpx.post(
        f"{product.api_url}/auth/sign-in", json={"email": new, "password": PASSWORD}, timeout=20
    ).cookies[SESSION_COOKIE]
    page.goto("/settings/you")
    expect(page.locator(".you-sessions > li")).to_have_count(2)
    expect(page.get_by_text("This browser")).to_be_visible()
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.keyboard.press("Tab")
    expect(page.get_by_text("Strong.")).to_be_visible()
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_text("Password saved")).to_be_visible()
    expect(page.locator(".you-sessions > li")).to_have_count(1)
    assert ended(product, elsewhere)
    assert not ended(product, member.session)

    # One session is ended by hand, and then all.
    httpx.post(f"{product.api_url}/auth/sign-in", json={"email": new, "password": NEW_PASSWORD}, timeout=20)
    page.reload()
    page.get_by_role("button", name=re.compile("^Sign out (python|Unknown)", re.IGNORECASE)).click()
    expect(page.locator(".you-sessions > li")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my data").click()
    assert new in download.value.path().read_text()
    page.get_by_role("button", name="Sign out everywhere", exact=True).click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert ended(product, member.session)
    assert not [frame for frame in visit.frames if "$argon2id" in frame]


def test_an_account_is_deleted_once_its_companies_are_settled(
    enter: Enter, member: Member, product: Product, post: Post
) -> None:
    grace = signed_up(product.api_url, "Grace Hopper")
    link = link_in(post.next_with(grace.email, "Confirm your e-mail address"))
    confirmed = httpx.post(f"{product.api_url}/auth/email/confirm", json={"token": link.partition("token=")[2]})
    assert confirmed.status_code == 200
    member.call("POST", "/team/invitations", json={"email": grace.email, "roles": ["admin"]})
    token = link_in(post.next_with(grace.email, "Ada Lovelace invites you to Acme Robotics")).partition("token=")[2]
    grace.call("POST", "/invitations/accept", json={"token": token})
    page = enter(member).page
    page.goto("/settings/you")
    page.get_by_role("button", name="Delete account").click()
    dialog = page.get_by_role("dialog", name="Delete account")
    expect(dialog.get_by_text("Others work here and you are its only owner.")).to_be_visible()
    expect(dialog.get_by_label("Password")).to_have_count(0)
    dialog.get_by_role("button", name="Hand over ownership").click()
    page.wait_for_url("**/team")
    page.get_by_role("button", name="Make owner in your place: Grace Hopper").click()
    page.get_by_label("I am giving up ownership of this company.").check()
    page.get_by_role("button", name="Hand over ownership").click()
    expect(page.get_by_text("Grace Hopper is owner now")).to_be_visible()
    member.found("Ada's Own")
    page.goto("/settings/you")
    page.get_by_role("button", name="Delete account").click()
    expect(dialog.get_by_text("You leave it.")).to_be_visible()
    expect(dialog.get_by_text("It is erased once its period of grace is over")).to_be_visible()
    dialog.get_by_label("Type your address to confirm").fill(member.email)
    dialog.get_by_label("Password").fill("a wrong password")
    dialog.get_by_role("button", name="Delete account").click()
    expect(dialog.get_by_text("This is not your password.")).to_be_visible()
    dialog.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your account is deleted")).to_be_visible()
    expect(page.get_by_text("Ada's Own")).to_be_visible()
    post.next_with(member.email, "Your account was deleted")
    page.get_by_role("button", name="Leave OCSuite").click()
    expect(page.get_by_text("Your account is deleted. You are welcome")).to_be_visible()
    assert SESSION_COOKIE not in {cookie["name"] for cookie in page.context.cookies()}
    assert ended(product, member.session)


def test_forms_say_what_was_meant_and_carry_the_address(enter: Enter, member: Member) -> None:
    visit = enter()
    page = visit.page
    visit.open("/sign-up")
    page.get_by_label("Full name").fill("Zoe Zimmer")
    page.get_by_label("Work e-mail").fill("zoe@gmial.com")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="zoe@gmail.com").click()
    expect(page.get_by_label("Work e-mail")).to_have_value("zoe@gmail.com")
    page.get_by_label("Work e-mail").fill("no address")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Must be an e-mail address, such as ada@example.com.")).to_be_visible()
    expect(page.get_by_text("Enter a password.")).to_be_visible()
    page.get_by_label("Work e-mail").fill(member.email)
    expect(page.get_by_text("Must be an e-mail address, such as ada@example.com.")).to_have_count(0)
    expect(page.get_by_text("Enter a password.")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    expect(page.get_by_text("Enter a password.")).to_have_count(0)
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("link", name="Sign in with it").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value(member.email)
