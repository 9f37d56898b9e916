"""The pages about the team against the fake: what is offered, what is refused, and how an invitation leaves."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.frontend.chat_api import ChatApi
from tests.frontend.fake_access import TOKEN, Team
from tests.frontend.fake_roles import new_role
from tests.frontend.kit import WebApp


@pytest.fixture
def team(fake: ChatApi) -> Team:
    """A team that nobody is in yet; the memory stays the same, as the running fake holds it."""
    fresh = Team()
    fake.team.__dict__.update(fresh.__dict__)
    return fake.team


def test_members_by_the_page_with_what_may_be_done(entered: Page, fake: ChatApi, team: Team) -> None:
    me = list(fake.world.users.values())[-1]
    (company,) = fake.world.companies[me.email or ""]
    fake.access.roles[str(company.tenant.id)] = {
        key: new_role(key, key.title(), [], grantable=key != "admin") for key in ("admin", "member", "viewer")
    }
    team.seed("Ada Lovelace", "owner", user_id=me.id)
    team.seed("Olga Owner", "owner", manageable=False)
    for number in range(55):
        team.seed(f"Person{number:02} Of the team", "member")
    fake.world.faults["/team/members"] = 500
    try:
        entered.goto("/team")
        expect(entered.get_by_role("heading", name="This did not work")).to_be_visible()
    finally:
        fake.world.faults.clear()
    entered.get_by_role("button", name="Try again").click()
    mine = entered.get_by_role("row").filter(has=entered.get_by_text("You", exact=True))
    expect(mine.get_by_role("button")).to_have_text(["Change roles", "Leave company"])
    expect(mine.locator("time")).to_have_attribute("title", re.compile(r"20 Nov 2026, 09:30"))
    expect(entered.get_by_role("row").filter(has_text="Olga").get_by_role("button")).to_have_count(0)
    expect(entered.get_by_text("May do more than you")).to_be_visible()
    expect(entered.get_by_role("row")).to_have_count(51)
    entered.get_by_role("button", name="Load more").click()
    expect(entered.get_by_role("row")).to_have_count(58)

    entered.get_by_role("button", name="Change roles of Person00").click()
    dialog = entered.get_by_role("dialog", name="Change roles")
    expect(dialog.get_by_label("Admin")).to_be_disabled()
    expect(dialog.get_by_text("You do not hold everything that this role allows")).to_be_visible()
    expect(dialog.get_by_label("Member")).to_be_checked()
    dialog.get_by_label("Member").uncheck()
    dialog.get_by_role("button", name="Save roles").click()
    expect(dialog.get_by_text("Choose at least one role.")).to_be_visible()
    dialog.get_by_label("Viewer").check()
    entered.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(entered.get_by_role("row").filter(has_text="Person00")).to_contain_text("Viewer")
    assert [ref.key for one in team.members if one.full_name.startswith("Person00") for ref in one.roles] == ["viewer"]

    fake.world.held[me.email or ""] = ["members.read", "company.read", "roles.read"]
    mine.get_by_role("button", name="Leave company").click()
    entered.get_by_role("dialog").get_by_role("button", name="Leave company").click()
    expect(entered.get_by_text("You are the only owner of")).to_be_visible()
    entered.get_by_role("button", name="Back to the list").click()
    expect(mine).to_be_visible()
    # What was lost meanwhile is not offered any more.
    expect(entered.get_by_role("button", name="Invite people")).to_have_count(0)
    expect(entered.get_by_role("button", name=re.compile("^(Change roles|Remove)"))).to_have_count(0)
    expect(entered.get_by_text("Your roles do not allow inviting people")).to_be_visible()


def test_invitations_are_made_sent_again_and_withdrawn(entered: Page, team: Team) -> None:
    entered.context.grant_permissions(["clipboard-read", "clipboard-write"])
    team.seed("Grace Hopper", "member")
    entered.goto("/team/invitations")
    expect(entered.get_by_role("heading", name="No open invitations")).to_be_visible()
    entered.get_by_role("button", name="Invite people").click()
    dialog, address = entered.get_by_role("dialog"), entered.get_by_label("E-mail address")
    expect(address).to_be_focused()
    entered.keyboard.press("Enter")
    expect(dialog.get_by_text("Must be an e-mail address, such as ada@example.com.")).to_be_visible()
    address.fill("grace@example.com")
    entered.keyboard.press("Enter")
    expect(dialog.get_by_text("This person is a member already.")).to_be_visible()
    address.fill("new@example.com")
    entered.keyboard.press("Enter")
    link = dialog.get_by_label("Invitation link")
    expect(link).to_have_value(f"http://localhost/invite?token={TOKEN}")
    dialog.get_by_role("button", name="Copy the invitation link").click()
    expect(dialog.get_by_role("button", name="Copied the invitation link")).to_be_visible()
    assert TOKEN in entered.evaluate("navigator.clipboard.readText()")
    entered.keyboard.press("Escape")
    expect(entered.locator("#invite-link")).to_have_count(0)
    assert TOKEN not in entered.content()

    team.mail = "failed"
    entered.get_by_role("button", name="Send again to new@example.com").click()
    expect(dialog.get_by_text("could not be handed to the mail server")).to_be_visible()
    team.mail = "sent"
    dialog.get_by_role("button", name="Send again").click()
    expect(entered.get_by_text("Invitation sent to new@example.com")).to_be_visible()
    expect(dialog).to_be_hidden()

    team.invited("late@example.com", expired=True)
    entered.reload()
    expect(entered.get_by_role("row").filter(has_text="late@example.com")).to_contain_text("Expired")
    entered.get_by_role("button", name="Withdraw the invitation of late@example.com").click()
    dialog.get_by_role("button", name="Withdraw invitation").click()
    expect(entered.get_by_text("late@example.com")).to_have_count(0)
    assert [one.email for one in team.invitations] == ["new@example.com"]


def test_who_may_not_see_the_team_is_told_whom_to_ask_and_can_leave(entered: Page, team: Team) -> None:
    team.closed = True
    entered.goto("/team")
    expect(entered.get_by_role("heading", name="This is closed to you")).to_be_visible()
    expect(entered.get_by_text("the role Viewer. Ask Grace Hopper for it.")).to_be_visible()
    expect(entered.get_by_role("button", name="Try again")).to_have_count(0)
    entered.get_by_role("button", name="Leave company").click()
    entered.get_by_role("dialog").get_by_role("button", name="Leave company").click()
    expect(entered.get_by_text("You are the only owner of")).to_be_visible()


def test_secret_of_an_invitation_leaves_the_address(web: WebApp) -> None:
    answer = httpx.get(f"{web.url}/invite", params={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/invitation")
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"ocsuite_invitation={TOKEN};")
    assert {"HttpOnly", "Max-Age=3600", "SameSite=lax"} <= set(cookie.split("; "))
    for odd in ("", "short", f"{TOKEN}; Domain=example.com", "x" * 200):
        answer = httpx.get(f"{web.url}/invite", params={"token": odd})
        assert answer.headers["location"] == "/invitation"
        assert 'ocsuite_invitation="";' in answer.headers["set-cookie"]
    foreign = httpx.get(f"{web.url}/invite/end", headers={"Sec-Fetch-Site": "cross-site"})
    assert "set-cookie" not in foreign.headers


def test_invitation_for_strangers_for_others_and_one_that_has_ended(page: Page, fake: ChatApi, team: Team) -> None:
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    page.goto(f"/invite?token={team.preview('invited@example.com')}")
    expect(page.get_by_text("Ada Lovelace asks you to join")).to_be_visible()
    assert page.url.endswith("/invitation")
    assert TOKEN not in page.evaluate("JSON.stringify([document.cookie, history.state, document.body.outerHTML])")
    page.get_by_role("link", name="Create your account").click()
    expect(page.get_by_label("Work e-mail")).to_have_value("invited@example.com")
    page.get_by_label("Work e-mail").fill("somebody.else@example.com")
    page.get_by_label("Full name").fill("Somebody Else")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("You are signed in as somebody.else@example.com")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "next=%2Finvitation" in page.url
    expect(page.get_by_label("E-mail")).to_have_value("invited@example.com")
    team.previews.clear()
    page.goto("/invitation")
    expect(page.get_by_text("This invitation is not valid any more.")).to_be_visible()
    assert frames
    assert not any(TOKEN in frame for frame in frames)
