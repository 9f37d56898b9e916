"""What goes wrong around the web app is shown, and recovered from without anybody's help."""

from playwright.sync_api import Page, expect

from tests.frontend.chat_api import ChatApi
from tests.frontend.conftest import PASSWORD
from tests.frontend.kit import FakeApi, WebApp


def test_stopped_api_is_shown_and_recovered_from(member: Page, fake: FakeApi) -> None:
    fake.stop()
    try:
        member.get_by_role("button", name="Refresh").click()
        expect(member.get_by_text("service is not answering")).to_be_visible()
        expect(member.get_by_role("heading", name="Runway")).to_be_visible()
    finally:
        fake.start()
    expect(member.get_by_text("service is not answering")).to_be_hidden()
    member.get_by_role("button", name="Refresh").click()
    expect(member.get_by_text("Read just now")).to_be_visible()


def test_page_opened_while_the_api_is_away_fills_itself_later(member: Page, fake: FakeApi) -> None:
    fake.stop()
    try:
        member.goto("/settings")
        expect(member.get_by_text("service is not answering")).to_be_visible()
    finally:
        fake.start()
    expect(member.get_by_role("heading", name="Limits")).to_be_visible()


def test_lost_connection_is_shown_and_the_page_carries_on(member: Page, web: WebApp) -> None:
    web.stop()
    try:
        expect(member.get_by_text("Connection lost")).to_be_visible()
    finally:
        web.start()
    expect(member.get_by_text("Connection lost")).to_be_hidden(timeout=20_000)
    expect(member.get_by_role("heading", name="Runway")).to_be_visible()
    member.get_by_role("link", name="Board", exact=True).click()
    expect(member.get_by_role("button", name="Convene the board")).to_be_enabled()


def test_ended_session_leads_to_sign_in_and_back(member: Page, fake: FakeApi) -> None:
    member.goto("/settings")
    expect(member.get_by_role("heading", name="Limits")).to_be_visible()
    email = next(reversed(fake.world.sessions.values()))
    fake.world.sessions.clear()
    fake.world.tokens.clear()
    member.get_by_role("button", name="Save company").click()
    expect(member.get_by_text("Your session has ended")).to_be_visible()
    member.get_by_label("E-mail").fill(email)
    member.get_by_label("Password", exact=True).fill(PASSWORD)
    member.get_by_role("button", name="Sign in").click()
    expect(member.get_by_role("heading", name="Limits")).to_be_visible()


def test_error_in_place_of_content_shows_the_problems_words_its_id_and_a_retry(entered: Page, fake: FakeApi) -> None:
    fake.world.faults["/dashboard"] = 500
    try:
        entered.goto("/dashboard")
        panel = entered.get_by_role("alert").filter(has_text="This did not work")
        expect(panel).to_contain_text("req_0192f0c0ffee")
    finally:
        fake.world.faults.clear()
    entered.get_by_role("button", name="Try again").click()
    expect(entered.get_by_role("heading", name="Runway")).to_be_visible()


def test_failed_refresh_keeps_the_figures_and_says_so(member: Page, fake: FakeApi) -> None:
    fake.world.faults["/dashboard"] = 500
    try:
        member.get_by_role("button", name="Refresh").click()
        notices = member.get_by_role("region", name="Notices")
        expect(notices).to_contain_text("This did not work")
        expect(notices).to_contain_text("req_0192f0c0ffee")
    finally:
        fake.world.faults.clear()
    expect(member.get_by_role("heading", name="Runway")).to_be_visible()
    notices.get_by_role("button", name="Dismiss").click()
    expect(notices).not_to_contain_text("This did not work")


def test_ended_session_comes_back_to_the_very_conversation(entered: Page, fake: ChatApi) -> None:
    conversation = fake.talk.seed("Plan", 2)
    entered.goto(f"/chat/{conversation}?from=mail")
    expect(entered.get_by_role("article").last).to_be_visible()
    entered.evaluate("() => sessionStorage.setItem('kept', 'a draft')")
    email = next(reversed(fake.world.sessions.values()))
    fake.world.sessions.clear()
    fake.world.tokens.clear()
    entered.get_by_role("textbox", name="Message").fill("And next month?")
    entered.keyboard.press("Enter")
    expect(entered.get_by_text("Your session has ended")).to_be_visible()
    entered.get_by_label("E-mail").fill(email)
    entered.get_by_label("Password", exact=True).fill(PASSWORD)
    entered.get_by_role("button", name="Sign in").click()
    entered.wait_for_url(f"**/chat/{conversation}**")
    expect(entered.get_by_role("article").last).to_be_visible()
    assert entered.evaluate("() => sessionStorage.getItem('kept')") == "a draft"
