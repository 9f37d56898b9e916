"""The wizard, the settings and the board: what is typed is not lost, and what is sent is sent once."""

from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from frontend.features.company import choices
from frontend.features.dashboard.state import metric_view
from module_sdk.contract.capability import MetricSnapshot
from tests.frontend.conftest import sign_up
from tests.frontend.fake_api import NOW
from tests.frontend.kit import FakeApi, WebApp


def make_company(page: Page) -> None:
    sign_up(page, f"{uuid4().hex}@example.com")
    page.get_by_label("Company name").fill("Acme Robotics")
    page.get_by_role("button", name="Create company").click()
    expect(page.get_by_role("heading", name="Tell your executives")).to_be_visible()


def test_looking_at_the_board_convenes_no_meeting(member: Page, fake: FakeApi) -> None:
    before = len(fake.world.meetings)
    member.goto("/board")
    expect(member.get_by_role("heading", name="Nobody has met yet")).to_be_visible()
    member.reload()
    expect(member.get_by_role("heading", name="Nobody has met yet")).to_be_visible()
    assert len(fake.world.meetings) == before


def test_a_double_click_convenes_one_meeting(member: Page, fake: FakeApi) -> None:
    before = len(fake.world.meetings)
    member.goto("/board")
    member.get_by_label("Topic of the meeting").fill("Prices")
    member.get_by_role("button", name="Convene the board").dblclick()
    expect(member.get_by_role("heading", name="Prices")).to_be_visible()
    # A second meeting from the same page is one more; the double click would have been counted by now.
    member.get_by_label("Topic of the meeting").fill("People")
    member.get_by_role("button", name="Convene the board").click()
    expect(member.get_by_role("heading", name="People")).to_be_visible()
    assert len(fake.world.meetings) - before == 2


def test_a_double_click_makes_one_company(page: Page, fake: FakeApi) -> None:
    email = f"{uuid4().hex}@example.com"
    sign_up(page, email)
    page.get_by_label("Company name").fill("Acme Robotics")
    page.get_by_role("button", name="Create company").dblclick()
    expect(page.get_by_role("heading", name="Tell your executives")).to_be_visible()
    page.goto("/dashboard")
    expect(page.get_by_role("heading", name="Runway")).to_be_visible()
    assert [company.tenant.name for company in fake.world.companies[email]] == ["Acme Robotics"]


def test_another_company_is_resumed_by_a_reload_as_soon_as_its_profile_is_shown(member: Page) -> None:
    member.goto("/onboarding?new=1")
    member.get_by_label("Company name").fill("Second Venture")
    member.get_by_role("button", name="Create company").click()
    expect(member.get_by_role("heading", name="Tell your executives")).to_be_visible()
    assert "new=1" not in member.url
    member.reload()
    expect(member.get_by_role("heading", name="Tell your executives")).to_be_visible()
    expect(member.get_by_label("Industry")).to_be_visible()


def test_who_may_not_convene_is_told_so(entered: Page, fake: FakeApi) -> None:
    email = next(reversed(fake.world.sessions.values()))
    fake.world.held[email] = ["company.read", "dashboard.read"]
    entered.goto("/board")
    expect(entered.get_by_text("takes the permission “Convene the board”")).to_be_visible()
    expect(entered.get_by_role("button", name="Convene the board")).to_be_hidden()


def test_skipping_asks_before_it_drops_what_was_typed(page: Page) -> None:
    make_company(page)
    page.get_by_label("Industry").fill("Robots")
    page.get_by_role("button", name="Skip for now").click()
    dialog = page.get_by_role("dialog", name="Skip without saving?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_label("Industry")).to_have_value("Robots")
    page.get_by_role("button", name="Skip for now").click()
    dialog.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("heading", name="Connect a first integration")).to_be_visible()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("Industry")).to_have_value("Robots")


def test_a_link_asks_before_it_drops_what_was_typed(page: Page) -> None:
    make_company(page)
    page.get_by_label("Industry").fill("Robots")
    page.get_by_role("link", name="Leave for now").click()
    question = page.get_by_role("dialog", name="Leave without saving?")
    question.get_by_role("button", name="Stay here").click()
    expect(page.get_by_label("Industry")).to_have_value("Robots")
    page.get_by_role("link", name="Leave for now").click()
    question.get_by_role("button", name="Leave", exact=True).click()
    expect(page.get_by_role("heading", name="Runway")).to_be_visible()


def test_the_browser_asks_before_unsaved_settings_are_reloaded_and_not_after_saving(member: Page) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    member.on("dialog", stay)
    member.goto("/settings")
    member.get_by_label("What your company does").fill("We build robots.")
    expect(member.locator("[data-unsaved=true]")).to_be_attached()
    with member.expect_event("dialog"):
        member.evaluate("location.reload()")
    expect(member.get_by_label("What your company does")).to_have_value("We build robots.")
    assert asked == ["beforeunload"]
    member.get_by_role("button", name="Save profile").click()
    expect(member.get_by_text("Profile saved")).to_be_visible()
    expect(member.locator("form[data-typed]")).to_have_count(0)
    member.reload()
    expect(member.get_by_label("What your company does")).to_have_value("We build robots.")
    assert asked == ["beforeunload"]


def test_an_empty_profile_begins_with_the_browsers_place(browser: Browser, web: WebApp) -> None:
    context = browser.new_context(base_url=web.url, locale="de-AT", timezone_id="Europe/Vienna")
    page = context.new_page()
    make_company(page)
    for label, value in (("Time zone", "Europe/Vienna"), ("Currency", "EUR"), ("Country", "AT")):
        expect(page.get_by_label(label)).to_have_value(value)
    context.close()


def test_a_skipped_step_is_not_ticked(founder: Page) -> None:
    founder.goto("/onboarding")
    steps = founder.get_by_label("Steps")
    expect(steps.get_by_text("(skipped)")).to_have_count(2)
    expect(steps.get_by_text("(done)")).to_have_count(1)


def test_a_long_goal_stays_in_its_card(member: Page) -> None:
    member.set_viewport_size({"width": 375, "height": 800})
    member.goto("/settings")
    member.get_by_label("Another goal").fill("x" * 150)
    member.keyboard.press("Enter")
    chip = member.get_by_role("button", name="x" * 150)
    expect(chip).to_be_visible()
    assert member.evaluate("document.documentElement.scrollWidth <= innerWidth")
    card, goal = member.locator(".goals").bounding_box(), chip.bounding_box()
    assert card is not None
    assert goal is not None
    assert goal["x"] + goal["width"] <= card["x"] + card["width"] + 1


@pytest.mark.parametrize(
    ("zone", "language", "place"),
    [
        ("Europe/Berlin", "de-DE", ("Europe/Berlin", "DE", "EUR")),
        ("Asia/Tokyo", "ja-JP", ("Asia/Tokyo", "JP", "JPY")),
        ("America/Sao_Paulo", "pt_BR", ("America/Sao_Paulo", "BR", "BRL")),
        ("Mars/Base", "en", ("UTC", "", "USD")),
        ("", "es-419", ("UTC", "", "USD")),
        ("Asia/Shanghai", "zh-Hans-CN", ("Asia/Shanghai", "CN", "CNY")),
    ],
)
def test_place_of_a_browser(zone: str, language: str, place: tuple[str, str, str]) -> None:
    assert choices.place_of(zone, language) == place


def test_currencies_by_country_are_on_offer() -> None:
    assert set(choices._USED_IN) <= dict(choices.CURRENCIES).keys()
    used = [country for countries in choices._USED_IN.values() for country in countries.split()]
    assert len(used) == len(set(used))
    assert set(used) <= dict(choices.COUNTRIES).keys()


@pytest.mark.parametrize(
    ("change", "direction"), [(-0.0004, "flat"), (0.0004, "flat"), (-0.0006, "down"), (0.02, "up")]
)
def test_what_rounds_to_nothing_did_not_move(change: float, direction: str) -> None:
    revenue = MetricSnapshot(
        key="revenue", label="Revenue", value=1.0, unit="count", period="month", as_of=NOW, source="demo", change=change
    )
    shown = metric_view(revenue, "USD", "Demo", NOW, "UTC")
    assert shown.direction == direction
    assert (shown.verdict == "neutral") == (direction == "flat")
