"""Addresses: proven by the link of a mail, changed by one, and asked for where something depends on them."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import UserContext
from tests.account.conftest import CONFIRM, OTHER_PASSWORD, PASSWORD, RESET, Account, Open, address, refusal
from tests.support.post import text_of, token_in

CHANGE = "Confirm your new e-mail address"
NOTICE = "Your e-mail address is about to change"
TAKEN = "This address has an account already"


async def unconfirmed(account: Account) -> bool:
    found = await account.http.get("/me")
    assert found.status_code == 200, found.text
    return bool(found.json()["email_unconfirmed"])


async def ask_for(account: Account, email: str, password: str = PASSWORD) -> None:
    answer = await account.http.post("/me/email", json={"email": email, "password": password})
    assert (answer.status_code, answer.json()) == (202, {"email": email, "mail": "sent"})


async def invitation(host: Account, tenant_id: UUID, email: str, role: str = "member") -> str:
    """The secret of an invitation's link, as its mail has it."""
    headers, body = {"X-Tenant-Id": str(tenant_id)}, {"email": email, "roles": [role]}
    sent = await host.http.post("/team/invitations", json=body, headers=headers)
    assert sent.json()["mail"] == "sent", sent.text
    return token_in(await asyncio.to_thread(host.post.next_with, email, "Ada Lovelace invites you to Acme Robotics"))


async def test_a_sign_up_is_confirmed_by_the_link_of_the_mail(opened: Open) -> None:
    ada = await opened()
    assert await unconfirmed(ada)
    token = await ada.mail_token(CONFIRM)
    assert await unconfirmed(ada)  # a mail that was read proves nothing yet
    confirmed = await ada.http.post("/auth/email/confirm", json={"token": token})
    assert (confirmed.status_code, confirmed.json()) == (200, {"email": ada.email})
    assert not await unconfirmed(ada)
    again = await ada.http.post("/auth/email/confirm", json={"token": token})
    assert refusal(again) == (410, "link_invalid")


async def test_the_link_is_sent_again_and_the_first_one_ends(opened: Open) -> None:
    ada = await opened()
    first = await ada.mail_token(CONFIRM)
    assert (await ada.http.post("/me/email/confirmation")).json() == {"mail_configured": True}
    second = await ada.mail_token(CONFIRM)
    assert refusal(await ada.http.post("/auth/email/confirm", json={"token": first})) == (410, "link_invalid")
    assert (await ada.http.post("/auth/email/confirm", json={"token": second})).status_code == 200
    answers = [await ada.http.post("/me/email/confirmation") for _ in range(10)]
    assert {answer.status_code for answer in answers[:9]} == {202}
    assert refusal(answers[9]) == (429, "rate_limited")
    assert ada.post.is_empty(ada.email)  # nothing is sent for an address that is proven


async def test_an_address_is_changed_by_the_link_that_is_sent_there(opened: Open) -> None:
    ada, new = await opened(), address("new")
    await ada.confirm()
    wrong = await ada.http.post("/me/email", json={"email": new, "password": "not my password"})
    assert refusal(wrong) == (403, "wrong_password")
    await ada.http.post("/auth/password/forgot", json={"email": ada.email})
    old_reset = await ada.mail_token(RESET)
    await ask_for(ada, new)
    notice = text_of(await asyncio.to_thread(ada.post.next_with, ada.email, NOTICE))
    assert new in notice
    assert "token=" not in notice
    token = await ada.mail_token(CHANGE, new)
    assert (await ada.http.get("/me")).json()["user"]["email"] == ada.email
    await ada.enter()
    changed = await ada.http.post("/auth/email/confirm", json={"token": token})
    assert changed.json() == {"email": new}
    me = (await ada.http.get("/me")).json()
    assert (me["user"]["email"], me["email_unconfirmed"]) == (new, False)
    old = await ada.http.post("/auth/sign-in", json={"email": ada.email, "password": PASSWORD})
    assert refusal(old) == (401, "wrong_credentials")
    # What was sent to the old address opens nothing any more.
    stale = await ada.http.post("/auth/password/reset", json={"token": old_reset, "password": OTHER_PASSWORD})
    assert refusal(stale) == (410, "link_invalid")
    ada.email = new
    await ada.enter()


async def test_an_address_that_somebody_has_is_not_told_to_others(opened: Open) -> None:
    ada, grace = await opened(), await opened(address("grace"))
    await ask_for(ada, grace.email)
    told = text_of(await asyncio.to_thread(grace.post.next_with, grace.email, TAKEN))
    assert ada.email not in told
    assert "token=" not in told


async def test_of_two_who_want_an_address_the_first_to_confirm_gets_it(opened: Open) -> None:
    new = address("wanted")
    ada, grace = await opened(), await opened()
    await ask_for(ada, new)
    hers = await ada.mail_token(CHANGE, new)
    await ask_for(grace, new)
    his = await grace.mail_token(CHANGE, new)
    assert (await ada.http.post("/auth/email/confirm", json={"token": hers})).status_code == 200
    assert refusal(await grace.http.post("/auth/email/confirm", json={"token": his})) == (409, "email_taken")
    assert (await grace.http.get("/me")).json()["user"]["email"] == grace.email


async def test_a_confirmation_of_the_old_address_proves_nothing_of_the_new(opened: Open) -> None:
    ada, new = await opened(), address("new")
    first = await ada.mail_token(CONFIRM)
    await ask_for(ada, new)
    token = await ada.mail_token(CHANGE, new)
    assert (await ada.http.post("/auth/email/confirm", json={"token": token})).json() == {"email": new}
    assert refusal(await ada.http.post("/auth/email/confirm", json={"token": first})) == (410, "link_invalid")


async def test_an_invitation_is_for_whoever_proves_the_address(opened: Open) -> None:
    """The link alone, which the inviter may have kept or passed on, lets nobody in."""
    ada = await opened()
    tenant_id, email = await ada.found(), address("guest")
    token = await invitation(ada, tenant_id, email, "owner")
    stranger = await opened(email, full_name="Not The Guest")
    assert (await stranger.http.post("/invitations/lookup", json={"token": token})).json()["email"] == email
    early = await stranger.http.post("/invitations/accept", json={"token": token})
    assert refusal(early) == (403, "email_unconfirmed")
    assert (await stranger.http.get("/me")).json()["memberships"] == []
    await stranger.confirm()
    joined = await stranger.http.post("/invitations/accept", json={"token": token})
    assert (joined.status_code, joined.json()["role"]) == (200, "owner")


@pytest.mark.parametrize("way", ["transfer", "roles"])
async def test_nobody_becomes_owner_without_a_proven_address(opened: Open, db: Database, way: str) -> None:
    ada, grace = await opened(), await opened(full_name="Grace Hopper")
    tenant_id = await ada.found()
    await grace.confirm()
    token = await invitation(ada, tenant_id, grace.email)
    assert (await grace.http.post("/invitations/accept", json={"token": token})).status_code == 200
    # As of somebody who joined before mail was set up.
    async with db.transaction(UserContext(grace.user_id)) as session:
        await session.execute(text("UPDATE users SET confirmed_email = NULL"))
    headers = {"X-Tenant-Id": str(tenant_id)}

    async def promote() -> tuple[int, str]:
        if way == "transfer":
            body = {"user_id": str(grace.user_id)}
            answer = await ada.http.post("/team/ownership", json=body, headers=headers)
        else:
            path = f"/team/members/{grace.user_id}/roles"
            answer = await ada.http.put(path, json={"roles": ["owner"]}, headers=headers)
        return answer.status_code, answer.json().get("code", "")

    assert await promote() == (403, "email_unconfirmed")
    await grace.http.post("/me/email/confirmation")
    await grace.confirm()
    assert await promote() == (200, "")


async def test_a_name_is_changed(opened: Open) -> None:
    ada = await opened()
    answer = await ada.http.patch("/me", json={"full_name": "Ada King"})
    assert (answer.status_code, answer.json()["full_name"]) == (200, "Ada King")
    assert (await ada.http.get("/me")).json()["user"]["full_name"] == "Ada King"
    assert refusal(await ada.http.patch("/me", json={"full_name": "  "})) == (422, "validation_failed")


async def test_an_address_that_misleads_the_eye_is_no_address_to_change_to(opened: Open) -> None:
    ada = await opened()
    body = {"email": "zo\N{CYRILLIC SMALL LETTER IE}@example.com", "password": PASSWORD}
    answer = await ada.http.post("/me/email", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "$.email")


async def test_unknown_links_look_like_used_ones(opened: Open) -> None:
    ada = await opened()
    answer = await ada.http.post("/auth/email/confirm", json={"token": uuid4().hex})
    assert refusal(answer) == (410, "link_invalid")
