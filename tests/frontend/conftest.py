"""A browser, the web app and the fake API, shared by the tests of one file."""

import os
import shutil
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.frontend.kit import ROOT, FakeApi, WebApp

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeApi]:
    api = FakeApi()
    api.start()
    yield api
    api.stop()


@pytest.fixture(scope="module")
def web(fake: FakeApi) -> Iterator[WebApp]:
    app = WebApp(fake.port, ROOT / ".build" / "tests")
    app.start()
    yield app
    app.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


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
def member(page: Page) -> Page:
    """A page on the dashboard of somebody who just made a company."""
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
