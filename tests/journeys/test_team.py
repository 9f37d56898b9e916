"""From an invitation to the end of a membership, with two people in two browsers."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Enter
from tests.journeys.people import PASSWORD, Member, signed_up
from tests.journeys.product import Product

pytestmark = pytest.mark.journey


def test_somebody_is_invited_joins_is_restricted_and_removed(enter: Enter, member: Member) -> None:
    owner, email = enter(member), f"{uuid4().hex}@example.com"
    page = owner.page
    page.goto("/dashboard")
    owner.go_to("Team")
    page.get_by_role("button", name="Invite people").click()
    page.get_by_label("E-mail address").fill(email)
    page.keyboard.press("Enter")
    link = page.get_by_label("Invitation link").input_value()
    page.get_by_role("button", name="Done").click()

    # Nora follows the link, makes an account and joins.
    visit = enter()
    theirs = visit.page
    theirs.goto(link)
    expect(theirs.get_by_role("heading", name="Acme Robotics")).to_be_visible()
    token = link.partition("token=")[2]
    assert theirs.url.endswith("/invitation")
    expect(theirs.get_by_text(f"{email[0]}***@example.com")).to_be_visible()
    assert token not in theirs.evaluate("JSON.stringify([location.href, document.referrer, document.cookie])")
    theirs.get_by_role("link", name="Create your account").click()
    # Where no mail proves an address, the link alone does not tell whom it is for.
    expect(theirs.get_by_label("Work e-mail")).to_have_value("")
    theirs.get_by_label("Work e-mail").fill(email)
    theirs.get_by_label("Full name").fill("Nora Newcomer")
    theirs.get_by_label("Password", exact=True).fill(PASSWORD)
    theirs.get_by_role("button", name="Create account").click()
    theirs.get_by_role("button", name="Join Acme Robotics").click()
    theirs.wait_for_url("**/dashboard")
    expect(theirs.get_by_text("You have joined Acme Robotics")).to_be_visible()
    expect(theirs.get_by_role("button", name="Company: Acme Robotics")).to_be_visible()
    assert "ocsuite_invitation" not in {cookie["name"] for cookie in theirs.context.cookies()}
    assert not [frame for frame in visit.frames if token in frame]
    visit.go_to("Chat")
    visit.ask("Where do we stand?")
    visit.wait_for_answer()

    # The owner makes Nora a viewer, who may read and not ask.
    page.reload()
    page.get_by_role("button", name="Change roles of Nora Newcomer").click()
    dialog = page.get_by_role("dialog", name="Change roles")
    dialog.get_by_label("Member").uncheck()
    dialog.get_by_label("Viewer").check()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text="Nora")).to_contain_text("Viewer")
    visit.composer.fill("And next month?")
    visit.composer.press("Enter")
    expect(theirs.get_by_text(re.compile("It takes the permission")).first).to_be_visible()
    visit.go_to("Team")
    expect(theirs.get_by_role("row").filter(has_text="Nora")).to_contain_text("Viewer")
    expect(theirs.get_by_text("Your roles do not allow inviting people")).to_be_visible()
    expect(theirs.get_by_role("button", name=re.compile("^(Invite|Change roles|Remove|Make owner)"))).to_have_count(0)

    # The owner removes Nora, whose next step leads out of the company.
    page.get_by_role("button", name="Remove Nora Newcomer").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Nora Newcomer was removed")).to_be_visible()
    theirs.get_by_role("link", name="Dashboard", exact=True).click()
    expect(theirs.get_by_role("heading", name="Your access to Acme Robotics ended")).to_be_visible()
    theirs.goto(link)
    expect(theirs.get_by_text("This invitation is not valid any more.")).to_be_visible()


def test_ownership_is_handed_over_and_the_former_owner_leaves(enter: Enter, member: Member, product: Product) -> None:
    grace = signed_up(product.api_url, "Grace Hopper")
    sent = member.call("POST", "/team/invitations", json={"email": grace.email, "roles": ["admin"]})
    grace.call("POST", "/invitations/accept", json={"token": sent["link"].partition("token=")[2]})
    page = enter(member).page
    page.goto("/team")
    page.get_by_role("button", name="Leave company").click()
    expect(page.get_by_text("You are the only owner of Acme Robotics")).to_be_visible()
    expect(page.get_by_role("link", name="Delete the company")).to_be_visible()
    page.get_by_role("button", name="Back to the list").click()
    page.get_by_role("button", name="Make owner in your place: Grace Hopper").click()
    page.get_by_role("button", name="Hand over ownership").click()
    expect(page.get_by_text("Tick the box to confirm.")).to_be_visible()
    page.get_by_label("I am giving up ownership of this company.").check()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Grace Hopper is owner now")).to_be_visible()
    expect(page.get_by_text("May do more than you")).to_be_visible()
    expect(page.get_by_role("button", name="Make owner")).to_have_count(0)
    page.get_by_role("button", name="Leave company").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave company").click()
    expect(page.get_by_text("You have left Acme Robotics")).to_be_visible()
    expect(page.get_by_role("heading", name="You are in no company")).to_be_visible()
