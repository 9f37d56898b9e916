"""axe-core on every page, in both themes and two widths: no violation, and no exception from that."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Enter
from tests.journeys.people import Member, signed_up
from tests.journeys.product import Product
from tests.journeys.visit import Visit
from tests.tools.install import axe

pytestmark = pytest.mark.journey

SIZES = ({"width": 375, "height": 812}, {"width": 1440, "height": 900})
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = """async (rules) => {
  for (const one of document.getAnimations()) if (one.effect.getComputedTiming().iterations !== Infinity) one.finish();
  const found = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
  const places = (one) => one.nodes.map((node) => `${node.html} ${node.failureSummary}`);
  return found.violations.map((one) => [one.id, one.help, ...places(one)]);
}"""
IS_THEME = "theme => getComputedStyle(document.documentElement).colorScheme === theme"


@pytest.fixture(scope="module")
def script() -> str:
    """axe-core, installed once."""
    return axe()


@pytest.fixture
def scan(script: str) -> Callable[..., list[Any]]:
    """Looks at the page as it is, four ways."""

    def look(visit: Visit, name: str, widths: tuple[int, ...] = (375, 1440)) -> list[Any]:
        page, found = visit.page, []
        page.evaluate(script)
        for size in (one for one in SIZES if one["width"] in widths):
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                page.wait_for_function(
                    "theme => getComputedStyle(document.documentElement).colorScheme === theme", arg=theme
                )
                found += [(name, theme, size["width"], *one) for one in page.evaluate(RUN, list(RULES))]
        return found

    return look


Scan = Callable[..., list[Any]]


def open_page(visit: Visit, path: str, heading: str) -> Page:
    visit.page.set_viewport_size({"width": 1440, "height": 900})
    visit.page.goto(path)
    expect(visit.page.get_by_role("heading", name=heading).first).to_be_visible()
    return visit.page


def test_pages_for_strangers(enter: Enter, scan: Scan) -> None:
    visit = enter()
    found = []
    for path, heading in (
        ("/sign-in", "Sign in"),
        ("/sign-in?reason=expired&next=%2Fchat", "Sign in"),
        ("/sign-up", "Create your account"),
        ("/nowhere", "This page does not exist"),
    ):
        open_page(visit, path, heading)
        found += scan(visit, path)
    page = open_page(visit, "/sign-up", "Create your account")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    assert found + scan(visit, "/sign-up with errors") == []


def test_wizard(enter: Enter, scan: Scan, product: Product) -> None:
    ada = signed_up(product.api_url)
    visit = enter(ada)
    open_page(visit, "/onboarding", "Name your company")
    open_page(visit, "/companies", "You are in no company")
    found = scan(visit, "/companies")
    open_page(visit, "/onboarding", "Name your company")
    found += scan(visit, "company")
    ada.found()
    for step, heading in (
        ("profile", "Tell your executives"),
        ("integration", "Connect a first integration"),
        ("done", "Your company is ready"),
    ):
        ada.call("PATCH", f"/tenants/{ada.tenant_id}/onboarding", json={"step": step})
        open_page(visit, "/onboarding", heading)
        found += scan(visit, step)
    assert found == []


def test_pages_for_members(enter: Enter, scan: Scan, member: Member) -> None:
    visit = enter(member)
    found = []
    for path, heading in (
        ("/dashboard", "Runway"),
        ("/board", "Nobody has met yet"),
        ("/team/roles", "Roles"),
        ("/settings/api-keys", "No keys yet"),
        ("/settings", "Limits"),
        ("/chat", "What should your CEO look at?"),
    ):
        open_page(visit, path, heading)
        found += scan(visit, path)
    assert found == []


def test_team_and_invitation(enter: Enter, scan: Scan, member: Member) -> None:
    sent = member.call("POST", "/team/invitations", json={"email": "invited@example.com", "roles": ["viewer"]})
    visit = enter(member)
    page = open_page(visit, "/team", "Team")
    expect(page.get_by_text("You", exact=True)).to_be_visible()
    found = scan(visit, "members")
    page.get_by_role("button", name="Invite people").click()
    expect(page.get_by_label("E-mail address")).to_be_visible()
    found += scan(visit, "invite", widths=(375,))
    page.get_by_label("E-mail address").fill("another@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Invitation link")).to_be_visible()
    found += scan(visit, "invited", widths=(1440,))
    page.get_by_role("button", name="Done").click()
    open_page(visit, "/team/invitations", "Team")
    expect(page.get_by_text("another@example.com")).to_be_visible()
    found += scan(visit, "invitations")
    stranger = enter()
    stranger.page.goto(sent["link"])
    expect(stranger.page.get_by_role("link", name="Create your account")).to_be_visible()
    assert found + scan(stranger, "invitation") == []


def test_conversation_and_what_opens_above_it(enter: Enter, scan: Scan, member: Member) -> None:
    conversation_id = member.ask("Where do we stand?")
    visit = enter(member)
    page = open_page(visit, f"/chat/{conversation_id}", "CEO answered")
    found = scan(visit, "conversation")
    for width, name in openings(visit):
        found += scan(visit, name, widths=(width,))
        page.keyboard.press("Escape")
    assert found == []


def test_audit_log_and_danger_zone(enter: Enter, scan: Scan, member: Member) -> None:
    visit = enter(member)
    page = open_page(visit, "/audit?span=dates&first=2026-01-01", "Today")
    page.locator("summary").first.click()
    page.get_by_role("button", name="Export").click()
    found = scan(visit, "audit log with its export menu")
    page = open_page(visit, "/settings", "Danger zone")
    page.get_by_role("button", name="Delete company").click()
    asked = page.get_by_role("dialog", name="Delete company")
    asked.get_by_role("button", name="Delete company").click()
    expect(asked.get_by_text("to confirm.")).to_be_visible()
    found += scan(visit, "deletion refused", widths=(1440,))
    slug = member.call("GET", f"/tenants/{member.tenant_id}")["slug"]
    asked.get_by_label("Type the short name to confirm").fill(slug)
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Planned deletion")).to_be_visible()
    assert found + scan(visit, "settings of a company that will be erased", widths=(375,)) == []


def test_forms_of_roles_and_keys(enter: Enter, scan: Scan, member: Member) -> None:
    key = {"name": "Weekly report", "permissions": ["dashboard.read"]}
    member.call("POST", "/api-keys", json=key)
    visit = enter(member)
    found = []
    for path, heading, button, width in (
        ("/team/roles", "Roles", "Copy Owner", 1440),
        ("/settings/api-keys", "API keys", "Create key", 375),
        ("/settings/api-keys", "API keys", "Revoke Weekly report", 1440),
    ):
        page = open_page(visit, path, heading)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        found += scan(visit, button, widths=(width,))
    assert found == []


def openings(visit: Visit) -> Iterator[tuple[int, str]]:
    """Sheets, menus and dialogs, one after the other, at the width where they are found."""
    for width, name in (
        (375, "Open navigation"),
        (375, "Show conversations"),
        (1440, "Company:"),
        (1440, "Account:"),
        (1440, "Delete Where do we stand?"),
    ):
        visit.page.set_viewport_size({"width": width, "height": 900})
        visit.page.get_by_role("button", name=name).click()
        yield width, name
