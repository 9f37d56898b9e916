"""Setting up a company and living with two of them."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Enter
from tests.journeys.people import PROFILE, Member, signed_up
from tests.journeys.product import Product

pytestmark = pytest.mark.journey


def test_wizard_resumes_after_a_reload_and_in_a_new_session(enter: Enter, product: Product) -> None:
    ada = signed_up(product.api_url)
    visit = enter(ada)
    page = visit.page
    page.goto("/")
    page.get_by_role("link", name="Create a company").click()
    page.get_by_label("Company name").fill("Acme Robotics")
    page.get_by_role("button", name="Create company").click()
    expect(page.get_by_role("heading", name="Tell your executives")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Tell your executives")).to_be_visible()
    page.get_by_label("Industry").fill("Robotics")
    page.get_by_role("button", name="Grow revenue").click()
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("heading", name="Connect a first integration")).to_be_visible()

    later = enter()
    later.open("/sign-in")
    later.sign_in(ada.email)
    expect(later.page.get_by_role("heading", name="Connect a first integration")).to_be_visible()
    later.page.get_by_role("button", name="Back").click()
    expect(later.page.get_by_label("Industry")).to_have_value("Robotics")
    expect(later.page.get_by_role("button", name="Grow revenue")).to_have_attribute("aria-pressed", "true")


def test_switching_companies_changes_everything_that_is_shown(enter: Enter, member: Member) -> None:
    member.ask("Where do we stand?")
    member.found("Second Venture")
    visit = enter(member)
    page = visit.page
    page.goto("/dashboard")
    switcher = page.get_by_role("button", name="Company:")
    expect(switcher).to_contain_text("Acme Robotics")
    visit.go_to("Chat")
    expect(page.get_by_role("link", name="Where do we stand?")).to_be_visible()
    switcher.click()
    page.get_by_role("button", name="Second Venture").click()
    expect(switcher).to_contain_text("Second Venture")
    expect(page.get_by_role("heading", name="Runway")).to_be_visible()
    visit.go_to("Chat")
    expect(page.get_by_text("Your conversations appear here.")).to_be_visible()
    page.reload()
    expect(switcher).to_contain_text("Second Venture")


def test_settings_are_stored_and_the_executive_knows_them(enter: Enter, member: Member) -> None:
    visit = enter(member)
    page = visit.page
    page.goto("/settings")
    page.get_by_label("Company name").fill("Harbour Instruments")
    page.get_by_role("button", name="Save company").click()
    expect(page.get_by_role("button", name="Company: Harbour Instruments")).to_be_visible()
    page.get_by_label("Industry").fill("Marine sensors")
    page.get_by_role("button", name="Save profile").click()
    expect(page.get_by_text("Profile saved")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Industry")).to_have_value("Marine sensors")
    elsewhere = {**PROFILE, "industry": "Marine radar"}
    member.call("PUT", f"/tenants/{member.tenant_id}/profile", json=elsewhere)
    page.reload()
    expect(page.get_by_label("Industry")).to_have_value("Marine radar")
    visit.go_to("Chat")
    visit.ask("What do you know about us?")
    visit.wait_for_answer()
    expect(visit.answer).to_contain_text("Harbour Instruments (Marine radar")


def test_theme_is_chosen_and_kept(enter: Enter, member: Member) -> None:
    visit = enter(member)
    page = visit.page
    page.goto("/settings")
    page.locator("#content").get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_css("color-scheme", "dark")
    page.reload()
    expect(page.locator("#content").get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).to_have_css("color-scheme", "dark")


def test_board_meeting_is_shown_as_a_preview(enter: Enter, member: Member) -> None:
    page = enter(member).page
    page.goto("/board")
    expect(page.get_by_role("heading", name="Nobody has met yet")).to_be_visible()
    expect(page.get_by_role("heading", name="At the table")).to_be_hidden()
    page.get_by_label("Topic of the meeting").fill("Prices for next year")
    page.get_by_role("button", name="Convene the board").click()
    expect(page.get_by_role("heading", name="Prices for next year")).to_be_visible()
    for name in ("Where we stand", "At the table"):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text("Proposed:").first).to_be_visible()
