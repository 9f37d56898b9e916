"""A browser for each file; the web app and the fake API, shared by all that a test process runs."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.frontend.chat_api import ChatApi
from tests.frontend.fake_api import COOKIE
from tests.frontend.kit import ROOT, FakeApi, WebApp
from tests.journeys.product import chromium

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def fake() -> Iterator[ChatApi]:
    api = ChatApi()
    api.start()
    yield api
    api.stop()


@pytest.fixture(scope="session")
def web(fake: FakeApi) -> Iterator[WebApp]:
    app = WebApp(fake.port, ROOT / ".build" / "tests")
    app.start()
    yield app
    app.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # One for each file: while Playwright's synchronous side is in use, no asynchronous test can run.
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, web: WebApp) -> Iterator[Page]:
    """A page in a fresh profile, which fails the test if a script of the page failed."""
    expect.set_options(timeout=20_000)
    context = browser.new_context(base_url=web.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    context.close()
    assert faults == []


@pytest.fixture
def entered(page: Page, web: WebApp, fake: FakeApi) -> Page:
    """An empty page in the browser of somebody whose company is set up."""
    session = fake.world.founded(f"{uuid4().hex}@example.com")
    page.context.add_cookies([{"name": COOKIE, "value": session, "url": web.url, "httpOnly": True, "sameSite": "Lax"}])
    return page


@pytest.fixture
def member(entered: Page) -> Page:
    """A page on the dashboard of somebody whose company is set up."""
    entered.goto("/dashboard")
    expect(entered.get_by_role("heading", name="Runway")).to_be_visible()
    return entered


@pytest.fixture
def founder(page: Page) -> Page:
    """A page on the dashboard of somebody who signed up and made a company just now, in that page."""
    sign_up(page, f"{uuid4().hex}@example.com")
    page.get_by_label("Company name").fill("Acme Robotics")
    page.get_by_role("button", name="Create company").click()
    page.get_by_role("button", name="Skip for now").click()
    page.get_by_role("button", name="Skip this step").click()
    page.get_by_role("link", name="Open the dashboard").click()
    expect(page.get_by_role("heading", name="Runway")).to_be_visible()
    return page


def sign_up(page: Page, email: str) -> None:
    page.goto("/sign-up")
    page.get_by_label("Full name").fill("Ada Lovelace")
    page.get_by_label("Work e-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/onboarding")
