"""The roles page and the API keys page in a browser: every state, forms, and what may not be seen."""

import re
from uuid import uuid4

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from frontend.features.access.views import area_title, chosen, role_view
from frontend.kit.problems import denied_view
from frontend.platform.problems import one_of
from module_sdk.api.problems import Problem
from tests.frontend.chat_api import ChatApi
from tests.frontend.fake_api import COOKIE
from tests.frontend.fake_roles import new_key, new_role
from tests.frontend.kit import WebApp

ROLES, KEYS = "/team/roles", "/settings/api-keys"
#: How far the page can be scrolled past its content, across and down.
BEYOND = """() => {
  const all = document.documentElement, frame = document.querySelector(".frame").getBoundingClientRect();
  return [all.scrollWidth - innerWidth, all.scrollHeight - Math.round(frame.height)];
}"""


@pytest.fixture
def email() -> str:
    return f"{uuid4().hex}@example.com"


@pytest.fixture
def tenant_id(page: Page, web: WebApp, fake: ChatApi, email: str) -> str:
    """The company of somebody new, who is signed in in ``page``."""
    session = fake.world.founded(email)
    page.context.add_cookies([{"name": COOKIE, "value": session, "url": web.url, "httpOnly": True, "sameSite": "Lax"}])
    return str(fake.world.companies[email][0].tenant.id)


def column(page: Page, role: str) -> list[str]:
    """What the matrix says of a role, in the order of permissions."""
    heads = page.locator(".matrix thead tr").first.locator("th").all_inner_texts()
    index = next(number for number, words in enumerate(heads) if words.startswith(role))
    cells = page.locator(f".matrix tbody tr:not(.matrix-area) > :nth-child({index + 1})")
    return [words.strip() for words in cells.all_inner_texts()]


def form(page: Page, title: str) -> Locator:
    return page.get_by_role("dialog", name=title)


def test_a_role_is_copied_changed_and_deleted(page: Page, tenant_id: str, fake: ChatApi) -> None:
    page.goto(ROLES)
    page.get_by_role("button", name="Copy Viewer").click()
    dialog = form(page, "Create a role")
    name = dialog.get_by_label("Name", exact=True)
    expect(name).to_have_value("Copy of Viewer")
    expect(name).to_be_focused()
    name.fill("viewer")
    dialog.get_by_role("button", name="Create role").click()
    expect(dialog.get_by_text("The company has a role of this name already.")).to_be_visible()
    name.fill("Analyst")
    dialog.get_by_label("Start from a copy of").select_option("member")
    expect(dialog.get_by_role("checkbox", name="Convene the board")).to_be_checked()
    expect(name).to_have_value("Analyst")
    dialog.get_by_role("checkbox", name="Convene the board").uncheck()
    dialog.get_by_role("button", name="Create role").click()
    expect(page.get_by_role("columnheader", name="Analyst Yours")).to_be_visible()
    assert column(page, "Member").count("Yes") == column(page, "Analyst").count("Yes") + 1
    page.get_by_role("button", name="Change Analyst").click()
    dialog = form(page, "Change the role")
    for _ in range(column(page, "Analyst").count("Yes")):
        dialog.get_by_role("checkbox", checked=True).first.uncheck()
    dialog.get_by_role("button", name="Save role").click()
    expect(dialog.get_by_text("Tick at least one permission.")).to_be_visible()
    dialog.get_by_role("checkbox", name="See the dashboard").check()
    dialog.get_by_role("button", name="Save role").click()
    expect(dialog).to_be_hidden()
    assert fake.access.roles[tenant_id]["analyst"].permissions == ["dashboard.read"]
    expect(page.get_by_role("button", name="Change Admin")).to_have_count(0)
    page.get_by_role("button", name="Delete Analyst").click()
    form(page, "Delete this role?").get_by_role("button", name="Delete role").click()
    expect(page.get_by_role("columnheader", name="Analyst Yours")).to_have_count(0)


def test_what_one_does_not_hold_stays_as_it_is(page: Page, tenant_id: str, email: str, fake: ChatApi) -> None:
    fake.world.held[email] = ["company.read", "dashboard.read", "roles.read", "roles.manage"]
    page.goto(ROLES)
    page.get_by_role("button", name="Copy Owner").click()
    dialog = form(page, "Create a role")
    locked = dialog.get_by_role("checkbox", name="Delete the company", exact=True)
    expect(locked).to_be_disabled()
    expect(locked).not_to_be_checked()
    expect(locked).to_have_accessible_description(re.compile("You do not hold this yourself"))
    dialog.get_by_role("button", name="Create role").click()
    expect(page.get_by_role("columnheader", name="Copy of Owner")).to_be_visible()
    assert fake.access.roles[tenant_id]["copy-of-owner"].permissions == sorted(fake.world.held[email])
    used = new_role("helpers", "Helpers", ["company.read", "chat.use"], members=2, invitations=1)
    fake.access.roles[tenant_id]["helpers"] = used
    page.reload()
    page.get_by_role("button", name="Change Helpers").click()
    dialog = form(page, "Change the role")
    dialog.get_by_role("checkbox", name="See the dashboard").check()
    dialog.get_by_role("button", name="Save role").click()
    expect(dialog).to_be_hidden()
    assert fake.access.roles[tenant_id]["helpers"].permissions == ["chat.use", "company.read", "dashboard.read"]
    for width in (1440, 800, 375):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(BEYOND) == [0, 0]
    page.get_by_label("Role", exact=True).select_option("helpers")
    page.get_by_role("button", name="Delete").click()
    dialog = form(page, "This role is in use")
    expect(dialog).to_contain_text("2 members and 1 invitation have it.")
    expect(dialog.get_by_role("button", name="Delete role")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_without_permissions_pages_say_who_can_help(page: Page, tenant_id: str, email: str, fake: ChatApi) -> None:
    fake.access.keys[tenant_id] = [new_key("Weekly report", ["dashboard.read"])]
    fake.world.held[email] = ["company.read", "roles.read", "api_keys.read"]
    page.goto(ROLES)
    expect(page.get_by_text("They are managed by: Owner and Admin.")).to_be_visible()
    expect(page.get_by_role("button", name="Create role")).to_have_count(0)
    expect(page.get_by_role("button", name="Copy Owner")).to_have_count(0)
    page.goto(KEYS)
    expect(page.get_by_role("row", name="Weekly report")).to_be_visible()
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
    fake.world.held[email] = ["company.read"]
    for path, permission in ((ROLES, "See roles"), (KEYS, "See API keys")):
        page.goto(path)
        expect(page.locator("#content")).to_contain_text(f"It takes the permission “{permission}”")
        expect(page.locator("#content")).to_contain_text("the role Owner or Admin. Ask Grace Hopper for it.")


def test_failures_are_shown_and_tried_again(page: Page, tenant_id: str, fake: ChatApi) -> None:
    for path, call, ready in ((ROLES, "/roles", "Roles"), (KEYS, "/api-keys", "No keys yet")):
        fake.world.faults[call] = 500
        page.goto(path)
        panel = page.locator("#content").get_by_role("alert")
        expect(panel).to_contain_text("This did not work")
        expect(panel).to_contain_text("req_0192f0c0ffee")
        fake.world.faults.clear()
        panel.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("heading", name=ready, exact=True)).to_be_visible()


def test_a_key_is_made_shown_once_and_revoked(page: Page, tenant_id: str, fake: ChatApi) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(KEYS)
    page.get_by_role("button", name="Create key").last.click()
    dialog = form(page, "Create an API key")
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.get_by_text("Enter a name to know the key by.")).to_be_visible()
    expect(dialog.get_by_text("Tick at least one permission.")).to_be_visible()
    dialog.get_by_label("Name", exact=True).fill("Weekly report")
    dialog.get_by_role("checkbox", name="See the dashboard").check()
    dialog.get_by_text("30 days").click()
    fake.world.faults["/api-keys"] = 500
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This did not work. The fake was told to fail.")
    fake.world.faults.clear()
    dialog.get_by_role("button", name="Create key").click()
    shown = form(page, "Your new key")
    secret = shown.get_by_label("Secret of “Weekly report”").input_value()
    assert secret.startswith(fake.access.keys[tenant_id][0].prefix)
    shown.get_by_role("button", name="Copy the secret").click()
    expect(shown.get_by_role("button", name="Copied the secret")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    expect(shown.locator("pre")).to_contain_text("/dashboard")
    page.keyboard.press("Escape")
    expect(shown).to_be_visible()
    shown.get_by_role("button", name="I have stored it").click()
    expect(shown).to_be_hidden()
    assert secret not in page.content()
    page.get_by_role("button", name="Create key").click()
    dialog.get_by_label("Name", exact=True).fill("Left open")
    dialog.get_by_role("checkbox", name="See the dashboard").check()
    dialog.get_by_role("button", name="Create key").click()
    expect(shown.get_by_label("Secret of “Left open”")).to_be_visible()
    page.reload()
    expect(page.get_by_role("row", name="Left open")).to_be_visible()
    expect(shown).to_be_hidden()
    row = page.get_by_role("row", name="Weekly report")
    expect(row).to_contain_text("in 30 days")
    row.get_by_text("1 permission").click()
    expect(row.get_by_role("listitem")).to_have_text("See the dashboard")
    row.get_by_role("button", name="Revoke Weekly report").click()
    asked = form(page, "Revoke this key?")
    expect(asked).to_contain_text("stops working at once")
    asked.get_by_role("button", name="Revoke key").click()
    expect(row).to_contain_text("Revoked")
    expect(row.get_by_role("button")).to_have_count(0)


def test_a_long_list_of_keys_is_read_on(page: Page, tenant_id: str, fake: ChatApi) -> None:
    fake.access.keys[tenant_id] = [new_key(f"Key {number}", ["company.read"]) for number in range(120)]
    page.goto(KEYS)
    rows = page.locator(".table tbody tr")
    for count in (50, 100, 120):
        expect(rows).to_have_count(count)
        if count == 50:
            page.set_viewport_size({"width": 800, "height": 800})
            assert page.evaluate(BEYOND) == [0, 0]
        if count < 120:
            page.get_by_role("button", name="Load more").click()
    expect(page.get_by_role("button", name="Load more")).to_have_count(0)


def test_words_about_access() -> None:
    assert [area_title(area) for area in ("api_keys", "audit", "chat")] == ["API keys", "Audit log", "Chat"]
    assert [one_of(names) for names in ([], ["A"], ["A", "B", "C"], None)] == ["", "A", "A, B or C", ""]
    assert chosen({"permission:chat.use": "on", "permission:chat.read": False, "role-name": "on"}) == {"chat.use"}
    role = new_role("analyst", "Analyst", [])
    assert [role_view(msgspec.structs.replace(role, members=n, invitations=n)).use for n in (0, 1)] == [
        "Nobody yet",
        "1 member and 1 invitation",
    ]
    problem = Problem(type="", title="You may not do this", status=403, code="permission_denied", request_id="r")
    assert denied_view(problem, "Closed").text == "You may not do this"
