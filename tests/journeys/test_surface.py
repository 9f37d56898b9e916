"""What every page has, and what none may have: titles, an icon, and nothing secret within a script's reach."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Enter
from tests.journeys.people import SESSION_COOKIE, Member
from tests.journeys.product import Product

pytestmark = pytest.mark.journey

TITLES = {
    "/sign-in": "Sign in · OCSuite",
    "/sign-up": "Create your account · OCSuite",
    "/companies": "Your companies · OCSuite",
    "/onboarding": "Set up your company · OCSuite",
    "/dashboard": "Dashboard · OCSuite",
    "/chat": "Chat · OCSuite",
    "/board": "Board · OCSuite",
    "/team/roles": "Roles · OCSuite",
    "/settings/api-keys": "API keys · OCSuite",
    "/settings": "Settings · OCSuite",
}
JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
EVERYTHING_IN_REACH = """async () => {
  const found = [document.cookie, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })];
  found.push(document.documentElement.outerHTML, location.href, document.referrer, JSON.stringify(history.state));
  for (const database of await indexedDB.databases()) found.push(database.name);
  const met = new Set();
  const walk = (value, depth) => {
    if (typeof value === "string") found.push(value);
    if (value === null || !["object", "function"].includes(typeof value) || met.has(value) || depth > 8) return;
    if (met.size > 200000) throw new Error("too much to look at");
    met.add(value);
    for (const name of Object.getOwnPropertyNames(value)) {
      let inner;
      try { inner = value[name]; } catch { continue; }
      walk(inner, depth + 1);
    }
  };
  for (const name of Object.getOwnPropertyNames(window)) walk(window[name], 0);
  for (const element of document.querySelectorAll("*"))
    for (const name of Object.getOwnPropertyNames(element)) walk(element[name], 0);
  return found.join("\\n");
}"""


def test_every_page_has_a_title_an_icon_and_no_fault(enter: Enter, product: Product, member: Member) -> None:
    visit = enter(member)
    page = visit.page
    for path, title in TITLES.items():
        if path in {"/sign-in", "/sign-up"}:
            continue
        page.goto(path)
        expect(page).to_have_title(title)
        expect(page.locator("h1")).to_have_count(1)
    stranger = enter().page
    for path in ("/sign-in", "/sign-up"):
        stranger.goto(path)
        expect(stranger).to_have_title(TITLES[path])
        expect(stranger.locator("h1")).to_have_count(1)
    icon = page.locator("link[rel=icon]").get_attribute("href")
    answer = httpx.get(f"{product.url}{icon}", timeout=20)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert page.locator("html").get_attribute("lang") == "en"


def test_no_script_can_read_a_token_or_the_session(enter: Enter, member: Member) -> None:
    visit = enter()
    page = visit.page
    page.goto("/sign-in")
    visit.sign_in(member.email)
    expect(page.get_by_role("heading", name="Runway")).to_be_visible()
    visit.go_to("Chat")
    visit.ask("Where do we stand?")
    visit.wait_for_answer()
    session = next(one for one in page.context.cookies() if one["name"] == SESSION_COOKIE)
    assert session["httpOnly"]
    assert session["sameSite"] == "Lax"
    held = visit.run(EVERYTHING_IN_REACH)
    # The look reaches what React and Reflex hold, or it would prove nothing.
    assert held.count("Where do we stand?") > 3
    for place, text in {"page": held, "socket": "\n".join(visit.frames)}.items():
        assert session["value"] not in text, place
        assert not JWT.search(text), place
    assert any("Where do we stand?" in frame for frame in visit.frames)


def test_another_site_cannot_use_the_session(enter: Enter, product: Product, member: Member) -> None:
    visit = enter(member)
    visit.page.goto("/dashboard")
    expect(visit.page.get_by_role("heading", name="Runway")).to_be_visible()
    foreign = {"Origin": "https://evil.example", "Cookie": f"{SESSION_COOKIE}={member.session}"}
    refused = httpx.get(f"{product.url}/_event/?EIO=4&transport=polling", headers=foreign, timeout=20)
    assert refused.status_code in {400, 403}
    policy = httpx.get(f"{product.url}/dashboard", timeout=20).headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
