"""Roles and API keys, through the page and against the API behind it."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Enter
from tests.journeys.people import Member
from tests.journeys.product import Product

pytestmark = pytest.mark.journey


def test_an_owner_makes_a_role_that_stays_while_it_is_used(enter: Enter, member: Member) -> None:
    page = enter(member).page
    page.goto("/team/roles")
    page.get_by_role("button", name="Copy Viewer").click()
    dialog = page.get_by_role("dialog", name="Create a role")
    dialog.get_by_label("Name", exact=True).fill("Analyst")
    dialog.get_by_role("button", name="Create role").click()
    expect(page.get_by_role("columnheader", name="Analyst Yours")).to_be_visible()
    page.get_by_role("button", name="Change Analyst").click()
    dialog = page.get_by_role("dialog", name="Change the role")
    dialog.get_by_role("checkbox", name="Talk to executives").check()
    dialog.get_by_role("button", name="Save role").click()
    expect(page.get_by_text("Role saved")).to_be_visible()
    stored = member.call("GET", "/roles/analyst")["permissions"]
    assert set(stored) == {"chat.use", *member.call("GET", "/roles/viewer")["permissions"]}

    invited = member.call("POST", "/team/invitations", json={"email": "grace@example.com", "roles": ["analyst"]})
    page.reload()
    page.get_by_role("button", name="Delete Analyst").click()
    dialog = page.get_by_role("dialog", name="This role is in use")
    expect(dialog).to_contain_text("1 invitation has it.")
    expect(dialog.get_by_role("button", name="Delete role")).to_be_disabled()
    member.call("DELETE", f"/team/invitations/{invited['invitation']['id']}")
    me = member.call("GET", "/me")["user"]["id"]
    member.call("PUT", f"/team/members/{me}/roles", json={"roles": ["owner", "analyst"]})
    page.reload()
    page.get_by_role("button", name="Delete Analyst").click()
    expect(dialog).to_contain_text("1 member has it. Among members: Ada Lovelace.")
    member.call("PUT", f"/team/members/{me}/roles", json={"roles": ["owner"]})
    page.reload()
    page.get_by_role("button", name="Delete Analyst").click()
    page.get_by_role("dialog", name="Delete this role?").get_by_role("button", name="Delete role").click()
    expect(page.get_by_text("Role deleted")).to_be_visible()
    assert "analyst" not in {role["key"] for role in member.call("GET", "/roles")["items"]}


def test_a_key_works_until_it_is_revoked(enter: Enter, member: Member, product: Product) -> None:
    page = enter(member).page
    page.goto("/settings")
    page.get_by_role("link", name="API keys").click()
    page.get_by_role("button", name="Create key").last.click()
    dialog = page.get_by_role("dialog", name="Create an API key")
    dialog.get_by_label("Name", exact=True).fill("Weekly report")
    dialog.get_by_role("checkbox", name="See the dashboard").check()
    dialog.get_by_role("button", name="Create key").click()
    shown = page.get_by_role("dialog", name="Your new key")
    expect(shown.locator("pre")).to_contain_text(f"{product.api_url}/dashboard")
    secret = shown.get_by_label("Secret of").input_value()
    shown.get_by_role("button", name="I have stored it").click()
    with httpx.Client(base_url=product.api_url, headers={"Authorization": f"Bearer {secret}"}, timeout=20) as program:
        figures = program.get("/dashboard")
        assert (figures.status_code, figures.json()["tenant_id"]) == (200, member.tenant_id)
        assert program.get("/team/members").json()["code"] == "permission_denied"
        page.reload()
        row = page.get_by_role("row", name="Weekly report")
        expect(row).to_contain_text("just now")
        expect(row).not_to_contain_text("Never")
        row.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog", name="Revoke this key?").get_by_role("button", name="Revoke key").click()
        expect(row).to_contain_text("Revoked")
        assert program.get("/dashboard").status_code == 401
    assert secret not in page.content()
