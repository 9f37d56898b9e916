"""The audit log as people use it, and a company that is nearly erased."""

import threading
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, expect

from backend.domains.audit.export_file import verify_export
from crypto import VerifyKey
from module_sdk.api.audit import AuditCheckpoint
from module_sdk.api.base import Page as Listed
from tests.journeys.conftest import Enter
from tests.journeys.people import Member, signed_up
from tests.journeys.product import Product

pytestmark = pytest.mark.journey

SEALED_WITHIN = 60  # seconds; the worker does so every second


@pytest.fixture
def colleague(product: Product, member: Member) -> Member:
    """Somebody in the same company who may not read its log."""
    grace = signed_up(product.api_url, "Grace Hopper")
    sent = member.call("POST", "/team/invitations", json={"email": grace.email, "roles": ["member"]})
    grace.call("POST", "/invitations/accept", json={"token": sent["link"].partition("token=")[2]})
    grace.tenant_id = member.tenant_id
    return grace


def wait_until_sealed(member: Member) -> None:
    pause = threading.Event()
    for _ in range(SEALED_WITHIN * 5):
        if member.call("GET", "/audit?limit=1")["items"][0]["seq"] is not None:
            return
        pause.wait(0.2)
    raise AssertionError("the worker does not seal the log")


def saved(page: Page, link: str) -> bytes:
    """The file that a link downloads."""
    with page.expect_download() as download:
        page.get_by_role("link", name=link).click()
    return Path(download.value.path()).read_bytes()


def test_owner_reads_filters_verifies_and_exports_the_log(enter: Enter, member: Member, colleague: Member) -> None:
    owner = enter(member)
    page = owner.page
    page.goto("/settings")
    page.get_by_label("Company name").fill("Harbour Instruments")
    page.get_by_role("button", name="Save company").click()
    expect(page.get_by_text("Company saved")).to_be_visible()
    wait_until_sealed(member)
    owner.go_to("Audit")
    rows = page.locator(".audit-entries > li")
    expect(rows.first).to_contain_text("Ada Lovelace renamed the company to Harbour Instruments")
    rows.first.locator("summary").click()
    expect(rows.first.get_by_text("company.renamed")).to_be_visible()
    expect(rows.first.get_by_text("Number ")).to_be_visible()

    page.get_by_label("Person").select_option("Grace Hopper")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Grace Hopper joined the company as member")
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_label("Activity").select_option("Members: everything")
    expect(rows).to_have_count(2)
    expect(rows.last).to_contain_text(f"Ada Lovelace invited {colleague.email} as member")
    page.get_by_label("Time").select_option("Last 24 hours")
    page.reload()
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_text("created the company")).to_be_visible()

    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_role("heading", name="Verified: intact")).to_be_visible()
    wait_until_sealed(member)
    kept = saved(page, "Download signed checkpoints")
    page.get_by_role("button", name="Export").click()
    report = verify_export(
        saved(page, "NDJSON").splitlines(keepends=True),
        pinned=[VerifyKey.from_base64(key["public_key"]) for key in member.call("GET", "/audit/keys")["items"]],
        checkpoints=msgspec.json.decode(kept, type=Listed[AuditCheckpoint]).items,
    )
    assert report.fault is None
    assert report.complete
    assert report.sealed_seq >= 7

    theirs = enter(colleague).page
    theirs.goto("/audit")
    expect(theirs.get_by_role("heading", name="The audit log is closed to you")).to_be_visible()
    expect(theirs.get_by_text("Ask Ada Lovelace for it.")).to_be_visible()
    # Nothing of it can be had by its address either.
    theirs.goto(f"/downloads/audit.csv?company={member.tenant_id}")
    expect(theirs.get_by_role("region", name="Notices").get_by_text("Ask Ada Lovelace for it.")).to_be_visible()
    page.reload()
    expect(rows.filter(has_text="Grace Hopper tried to export the audit log")).to_have_count(1)


def test_company_is_to_be_erased_and_then_kept(enter: Enter, member: Member, colleague: Member) -> None:
    page = enter(member).page
    page.goto("/settings")
    page.get_by_role("button", name="Delete company").click()
    asked = page.get_by_role("dialog", name="Delete company")
    asked.get_by_label("Type the short name to confirm").fill("something else")
    asked.get_by_role("button", name="Delete company").click()
    expect(asked.get_by_text("to confirm.")).to_be_visible()
    slug = member.call("GET", f"/tenants/{member.tenant_id}")["slug"]
    asked.get_by_label("Type the short name to confirm").fill(slug)
    page.keyboard.press("Enter")
    expect(asked).to_be_hidden()
    banner = page.get_by_role("complementary", name="Planned deletion")
    due = member.call("GET", f"/tenants/{member.tenant_id}/deletion")["erase_after"]
    expect(banner).to_contain_text("Acme Robotics will be erased after")
    expect(banner.locator("time")).to_have_attribute("datetime", due.replace("Z", "+00:00"))

    theirs = enter(colleague).page
    theirs.goto("/settings")
    seen = theirs.get_by_role("complementary", name="Planned deletion")
    expect(seen).to_contain_text("Owners can still keep it.")
    expect(seen.get_by_role("button")).to_have_count(0)
    expect(theirs.get_by_text("Owners can delete the company. Ask one of them.")).to_be_visible()

    page.goto("/chat")
    expect(banner).to_be_visible()
    # The chat fills what the banner leaves, and not more.
    page.wait_for_function(
        "Math.round(document.querySelector('.chat')?.getBoundingClientRect().bottom) === innerHeight"
    )
    assert page.evaluate("document.documentElement.scrollHeight === innerHeight")
    banner.get_by_role("button", name="Keep the company").click()
    expect(page.get_by_text("The company stays")).to_be_visible()
    expect(banner).to_be_hidden()
    assert member.call("GET", "/me")["memberships"][0]["erase_after"] is None
