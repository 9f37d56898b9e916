"""Signing up, in and out in a browser: forms, cookies, and what the page must not hold."""

from uuid import uuid4

import msgspec
import pytest
from playwright.sync_api import Page, expect

from tests.frontend.conftest import PASSWORD, sign_up
from tests.frontend.fake_api import COOKIE, NOW, Company, new_company
from tests.frontend.kit import FakeApi, WebApp


def test_first_visit_leads_to_sign_in(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_be_focused()


def test_refused_fields_say_why(page: Page) -> None:
    page.goto("/sign-up")
    page.get_by_label("Full name").fill("Ada")
    page.get_by_label("Work e-mail").fill("ada@nowhere")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Must be an e-mail address, such as ada@example.com.")).to_be_visible()
    expect(page.get_by_text("7 more characters, please: the least is 12.", exact=True)).to_be_visible()
    expect(page.get_by_label("Work e-mail")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Work e-mail")).to_be_focused()


def test_a_press_on_the_button_does_not_move_it_away(page: Page) -> None:
    page.goto("/sign-up")
    page.get_by_label("Full name").fill("Ada Lovelace")
    page.get_by_label("Work e-mail").fill(f"{uuid4().hex}@example.com")
    password = page.get_by_label("Password", exact=True)
    password.fill(PASSWORD)
    button = page.get_by_role("button", name="Create account")
    expect(button).to_be_enabled()
    button.hover()
    page.mouse.down()
    # To leave the field asks the server for its verdict, which is shown above the button.
    expect(password).to_be_focused()
    page.mouse.up()
    page.wait_for_url("**/onboarding")


def test_wrong_password_and_taken_address(page: Page) -> None:
    email = f"{uuid4().hex}@example.com"
    sign_up(page, email)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill("wrong-password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="The address or the password is wrong.")).to_be_visible()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Full name").fill("Ada")
    page.get_by_label("Work e-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("An account with this address exists already.")).to_be_visible()


def test_scripts_cannot_read_session_or_token(founder: Page, fake: FakeApi) -> None:
    cookies = {cookie["name"]: cookie for cookie in founder.context.cookies()}
    assert cookies["ocsuite_session"]["httpOnly"]
    assert cookies["ocsuite_session"]["sameSite"] == "Lax"
    held = founder.evaluate(
        "() => JSON.stringify("
        "[document.cookie, {...localStorage}, {...sessionStorage}, document.documentElement.outerHTML])"
    )
    secrets = [*fake.world.tokens, *fake.world.sessions]
    assert secrets
    assert not [secret for secret in secrets if secret in held]


def test_nothing_secret_crosses_the_socket(page: Page, fake: FakeApi) -> None:
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    sign_up(page, f"{uuid4().hex}@example.com")
    page.get_by_label("Company name").fill("Acme")
    page.get_by_role("button", name="Create company").click()
    expect(page.get_by_role("heading", name="Tell your executives")).to_be_visible()
    assert any("Acme" in frame for frame in frames)
    assert not [secret for secret in (*fake.world.tokens, *fake.world.sessions) if any(secret in one for one in frames)]


def test_sign_out_ends_the_session_everywhere(member: Page, fake: FakeApi) -> None:
    before = set(fake.world.sessions)
    other = member.context.new_page()
    other.goto("/settings")
    expect(other.get_by_role("heading", name="Limits")).to_be_visible()
    member.get_by_role("button", name="Account:").click()
    member.get_by_role("button", name="Sign out").click()
    expect(member.get_by_text("You are signed out.")).to_be_visible()
    assert len(before - set(fake.world.sessions)) == 1
    assert not [cookie for cookie in member.context.cookies() if cookie["name"] == "ocsuite_session"]
    other.get_by_role("button", name="Save company").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_next_person_sees_nothing_of_the_one_before(member: Page) -> None:
    member.get_by_role("button", name="Account:").click()
    member.get_by_role("button", name="Sign out").click()
    expect(member.get_by_text("You are signed out.")).to_be_visible()
    frames: list[str] = []
    member.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    sign_up(member, f"{uuid4().hex}@example.com")
    expect(member.get_by_label("Company name")).to_be_visible()
    assert frames
    assert not [frame for frame in frames if "Acme Robotics" in frame]


def test_companies_are_switched_and_remembered(member: Page) -> None:
    member.get_by_role("button", name="Company:").click()
    member.get_by_role("link", name="Create a company").click()
    member.get_by_label("Company name").fill("Second Venture")
    member.get_by_role("button", name="Create company").click()
    expect(member.get_by_role("heading", name="Tell your executives")).to_be_visible()
    member.get_by_role("link", name="Leave for now").click()
    expect(member.get_by_role("button", name="Company: Second Venture")).to_be_visible()
    expect(member.get_by_text("set-up is not finished")).to_be_visible()
    member.get_by_role("button", name="Company:").click()
    member.get_by_role("button", name="Acme Robotics").click()
    expect(member.get_by_role("button", name="Company: Acme Robotics")).to_be_visible()
    expect(member.get_by_text("set-up is not finished")).to_be_hidden()
    member.reload()
    expect(member.get_by_role("button", name="Company: Acme Robotics")).to_be_visible()


def test_wizard_resumes_where_it_was_left(page: Page) -> None:
    sign_up(page, f"{uuid4().hex}@example.com")
    page.get_by_label("Company name").fill("Acme")
    page.get_by_role("button", name="Create company").click()
    page.get_by_label("Industry").fill("Software")
    page.get_by_role("button", name="Grow revenue").click()
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("heading", name="Connect a first integration")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Connect a first integration")).to_be_visible()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("Industry")).to_have_value("Software")
    expect(page.get_by_role("button", name="Grow revenue")).to_have_attribute("aria-pressed", "true")


def test_unknown_address_is_a_real_404(page: Page) -> None:
    answer = page.goto("/nowhere")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="This page does not exist")).to_be_visible()
    expect(page).to_have_title("Page not found · OCSuite")


def test_a_tab_whose_session_is_gone_is_sent_nothing_of_it(member: Page) -> None:
    """The tab's own name, which stands in the socket's address, brings nothing back without the cookie."""
    frames: list[str] = []
    member.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    member.context.clear_cookies()
    member.reload()
    expect(member.get_by_role("heading", name="Sign in")).to_be_visible()
    assert frames
    assert not [frame for frame in frames if "Acme Robotics" in frame or "@example.com" in frame]


@pytest.fixture
def pair(entered: Page, fake: FakeApi) -> tuple[Page, list[Company]]:
    """A page of somebody with two companies, and these."""
    companies = next(reversed(fake.world.companies.values()))
    second = new_company("Beta Works", "beta-works")
    second.onboarding = msgspec.structs.replace(second.onboarding, step="done", completed_at=NOW)
    companies.append(second)
    return entered, companies


def choose(page: Page, company: str) -> None:
    page.get_by_role("button", name="Company:").click()
    page.get_by_role("button", name=company).click()
    shown(page, company)


def shown(page: Page, company: str) -> None:
    expect(page.get_by_role("button", name=f"Company: {company}")).to_be_visible()


def test_a_tab_stays_in_its_company_whatever_another_does(pair: tuple[Page, list[Company]]) -> None:
    first, _ = pair
    first.goto("/settings")
    shown(first, "Acme Robotics")
    second = first.context.new_page()
    second.goto("/dashboard")
    choose(second, "Beta Works")
    first.get_by_role("link", name="Chat", exact=True).click()
    expect(first.get_by_role("textbox", name="Message")).to_be_enabled()
    first.reload()
    expect(first.get_by_role("textbox", name="Message")).to_be_enabled()
    shown(first, "Acme Robotics")
    second.reload()
    shown(second, "Beta Works")


def test_a_new_tab_and_a_new_session_open_the_company_used_last(
    pair: tuple[Page, list[Company]], fake: FakeApi, web: WebApp
) -> None:
    page, _ = pair
    email = next(reversed(fake.world.companies))
    page.goto("/dashboard")
    choose(page, "Beta Works")
    other = page.context.new_page()
    other.goto("/dashboard")
    shown(other, "Beta Works")
    page.get_by_role("button", name="Account:").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    shown(page, "Beta Works")
    # Another account in the same browser has a last company of its own, and the first one's stays.
    first = next(reversed(fake.world.sessions))
    second = fake.world.founded(f"{uuid4().hex}@example.com", "Gamma")
    for session, company in ((second, "Gamma"), (first, "Beta Works")):
        page.context.add_cookies(
            [{"name": COOKIE, "value": session, "url": web.url, "httpOnly": True, "sameSite": "Lax"}]
        )
        page.goto("/dashboard")
        shown(page, company)


def test_removed_while_looking_says_so_and_shows_nothing_of_the_company(pair: tuple[Page, list[Company]]) -> None:
    page, companies = pair
    page.goto("/settings")
    shown(page, "Acme Robotics")
    del companies[0]
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    page.get_by_role("button", name="Save company").click()
    expect(page.get_by_role("heading", name="Your access to Acme Robotics ended")).to_be_visible()
    page.get_by_role("button", name="Open Beta Works").click()
    shown(page, "Beta Works")
    expect(page.get_by_text("Acme Robotics")).to_have_count(0)
    page.reload()
    shown(page, "Beta Works")
    assert not [frame for frame in frames if "acme-robotics" in frame]


def test_whoever_has_no_company_left_is_told_the_ways_on(member: Page, fake: FakeApi) -> None:
    next(reversed(fake.world.companies.values())).clear()
    member.get_by_role("link", name="Board", exact=True).click()
    expect(member.get_by_role("heading", name="Your access to Acme Robotics ended")).to_be_visible()
    expect(member.get_by_text("Open the link that you were sent")).to_be_visible()
    # Later, and in a browser that knows nothing of it.
    member.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
    member.goto("/dashboard")
    expect(member.get_by_role("heading", name="You are in no company")).to_be_visible()
    member.get_by_role("link", name="Create a company").click()
    expect(member.get_by_label("Company name")).to_be_visible()


def test_nothing_of_a_company_is_sent_after_another_was_chosen(pair: tuple[Page, list[Company]]) -> None:
    page, _ = pair
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    page.goto("/settings")
    expect(page.get_by_label("Company name")).to_have_value("Acme Robotics")
    choose(page, "Beta Works")
    expect(page.get_by_role("heading", name="Runway")).to_be_visible()
    frames.clear()
    page.get_by_role("link", name="Settings", exact=True).first.click()
    expect(page.get_by_label("Company name")).to_have_value("Beta Works")
    page.reload()
    expect(page.get_by_label("Company name")).to_have_value("Beta Works")
    # The switcher's own list is all that names it.
    assert not [frame for frame in frames if '"Acme Robotics"' in frame.replace('"name":"Acme Robotics","slug"', "")]
