"""Long names: everything that can be pressed stays in its frame at every width, and what is cut off is at hand."""

from datetime import UTC, datetime

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from module_sdk.api.access import PersonRef, RoleRef
from tests.frontend.chat_api import ChatApi
from tests.frontend.fake_access import Team
from tests.frontend.fake_api import new_company
from tests.frontend.fake_roles import new_key, new_role

WIDTHS = (375, 768, 820, 1024, 1100, 1280, 1440, 1680)
NAME = "Maximiliane-Alexandra Freifrau von und zu Hohenlohe-Waldenburg-Schillingsfürst I"
ADDRESS = f"{'maximiliane.alexandra.' * 2}hohenlohe@vertrieb.nord-ost.example.com"
ROLE = "Regionalvertriebsleitung Nord-Ost und Sonderkunden (Aushilfe)"
#: How far the page can be scrolled sideways, and which buttons or links of a table lie outside of its frame.
OUTSIDE = """() => {
  const out = [];
  const all = document.documentElement.scrollWidth - innerWidth;
  if (all > 0) out.push(`page ${all}`);
  for (const frame of document.querySelectorAll(".table-wrap")) {
    const box = frame.getBoundingClientRect();
    for (const one of frame.querySelectorAll("button, a, summary")) {
      const at = one.getBoundingClientRect();
      if (at.width && (at.right > Math.min(box.right, innerWidth) + 0.5 || at.left < box.left - 0.5)) {
        out.push(one.title || one.textContent);
      }
    }
  }
  return out;
}"""


def cut_off(page: Page) -> list[str]:
    """Names that are cut off and say nowhere what they are in full."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(".named, .switcher-name, .menu-name, .menu-detail")]
        .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth)
        .filter((one) => !one.closest("[title]")?.title.includes(one.innerText.split("\\n").pop()))
        .map((one) => one.innerText)"""
    )
    return found


def at_every_width(page: Page) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OUTSIDE) == [], width
        assert cut_off(page) == [], width


def company_id(fake: ChatApi) -> str:
    (company,) = next(reversed(fake.world.companies.values()))
    return str(company.tenant.id)


@pytest.fixture
def team(fake: ChatApi) -> Team:
    fake.team.__dict__.update(Team().__dict__)
    long = fake.team.seed(NAME, "member")
    fake.team.members[0] = msgspec.structs.replace(
        long, email=ADDRESS, roles=[RoleRef(key="sales", name=ROLE), RoleRef(key="viewer", name="Viewer")]
    )
    fake.team.seed("Olga Owner", "owner", manageable=False)
    invited = fake.team.invited(ADDRESS, expired=True)
    fake.team.invitations[0] = msgspec.structs.replace(
        invited, roles=[RoleRef(key="sales", name=ROLE)], invited_by=PersonRef(id=invited.id, full_name=NAME)
    )
    return fake.team


@pytest.mark.usefixtures("team")
def test_actions_of_members_and_invitations_stay_in_their_frame(entered: Page) -> None:
    entered.goto("/team")
    expect(entered.get_by_role("button", name=f"Remove {NAME}")).to_be_visible()
    at_every_width(entered)
    entered.goto("/team/invitations")
    expect(entered.get_by_role("button", name=f"Send again to {ADDRESS}")).to_be_visible()
    at_every_width(entered)


def test_actions_of_keys_stay_in_their_frame(entered: Page, fake: ChatApi) -> None:
    key = new_key(f"{NAME} {ROLE}"[:120], ["dashboard.read", "chat.read"], last_used_at=datetime.now(UTC))
    maker = PersonRef(id=key.made_by.id, full_name=NAME)
    fake.access.keys[company_id(fake)] = [msgspec.structs.replace(key, made_by=maker)]
    entered.goto("/settings/api-keys")
    expect(entered.get_by_role("button", name="Revoke").first).to_be_visible()
    at_every_width(entered)


def in_view(frame: Locator, one: Locator) -> bool:
    """Whether ``one`` lies in what can be seen of ``frame``."""
    outer, inner = frame.bounding_box(), one.bounding_box()
    assert outer is not None
    assert inner is not None
    return inner["x"] >= outer["x"] - 1 and inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 1


def test_every_role_of_the_matrix_can_be_seen(entered: Page, fake: ChatApi) -> None:
    entered.goto("/team/roles")
    expect(entered.get_by_role("heading", name="Roles", exact=True)).to_be_visible()
    roles = fake.access.roles[company_id(fake)]
    for number in range(8 - len(roles)):
        roles[f"own-{number}"] = new_role(f"own-{number}", f"{ROLE} {number}", [])
    entered.reload()
    frame, heads = entered.locator(".matrix-wrap"), entered.locator(".matrix-role")
    expect(heads).to_have_count(8)
    assert all(in_view(frame, heads.nth(number)) for number in range(8)), "eight roles fit at 1440"
    long = heads.filter(has_text=ROLE).first.locator(".named")
    assert long.evaluate("one => one.clientHeight") < 24, "one line, not broken within a word"
    expect(long).to_have_attribute("title", f"{ROLE} 0")
    roles["ninth"] = new_role("ninth", "The ninth", [])
    entered.reload()
    expect(heads).to_have_count(9)
    expect(entered.get_by_text("9 roles: scroll the table sideways")).to_be_visible()
    frame.focus()
    frame.evaluate("one => one.scrollLeft = one.scrollWidth")
    assert in_view(frame, heads.last)
    assert in_view(frame, entered.locator(".matrix tbody tr:not(.matrix-area) th").first), "the first column stays"
    for width in (375, 768, 1024):
        entered.set_viewport_size({"width": width, "height": 900})
        assert entered.evaluate(OUTSIDE) == []
        expect(frame).to_be_hidden()
        expect(entered.get_by_label("Role", exact=True).locator("option")).to_have_count(9)


def test_two_companies_of_one_name_can_be_told_apart(entered: Page, fake: ChatApi) -> None:
    email = next(reversed(fake.world.companies))
    name = "Vereinigte Norddeutsche Maschinenbau- und Anlagentechnik Beteiligungsgesellschaft"
    fake.world.companies[email] = [new_company(name, "nord-maschinen"), new_company(name, "nord-anlagen")]
    entered.goto("/team")
    switcher = entered.get_by_role("button", name=f"Company: {name}")
    expect(switcher).to_be_visible()
    assert cut_off(entered) == []
    switcher.click()
    for slug in ("nord-maschinen", "nord-anlagen"):
        expect(entered.locator("#company-menu").get_by_text(slug)).to_be_visible()
    assert cut_off(entered) == []
