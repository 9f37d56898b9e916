"""Invitations: made, sent, looked at, taken once by the right person, sent again, withdrawn."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from backend.domains.access.invitation_mail import InvitationPost
from backend.domains.access.invitations import InvitationService
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import UserContext
from backend.kernel.mail.mailer import Mail
from backend.settings import Settings
from module_sdk.api.access import InvitationCreate, MailOutcome
from tests.access.kit import address, refusal, team_of, token_of
from tests.conftest import SignIn
from tests.support.people import join, limit


@dataclass(slots=True)
class FakeMailer:
    """Keeps what it is given."""

    outcome: MailOutcome
    sent: list[Mail] = field(default_factory=list)

    async def send(self, mail: Mail) -> MailOutcome:
        self.sent.append(mail)
        return self.outcome


async def test_an_invitation_is_made_looked_at_and_taken_once(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin")
    guest = await someone("Gina Guest")
    body = {"email": address(guest).upper(), "roles": ["support", "viewer", "support"]}
    made = await team["admin"].request("POST", "/team/invitations", json=body)
    assert made.status_code == 201
    sent = made.json()
    assert (sent["mail"], sent["invitation"]["email"]) == ("not_configured", address(guest))
    assert sent["link"].startswith("http://localhost:3000/invite?token=")
    assert sent["invitation"]["invited_by"]["full_name"] == "Admin Person"
    token = {"token": token_of(made)}
    shown = await guest.http.post("/invitations/lookup", json=token, headers={"Authorization": ""})
    assert shown.status_code == 200
    assert (shown.json()["tenant"]["name"], shown.json()["invited_by"]) == ("Acme Robotics", "Admin Person")
    assert [role["name"] for role in shown.json()["roles"]] == ["Support", "Viewer"]
    joined = await guest.http.post("/invitations/accept", json=token)
    assert (joined.status_code, joined.json()["roles"]) == (200, ["support", "viewer"])
    again = await guest.http.post("/invitations/accept", json=token)
    assert (again.status_code, again.json()) == (200, joined.json())
    assert refusal(await guest.http.post("/invitations/lookup", json=token)) == (410, "invitation_invalid")
    assert (await team.owner.request("GET", "/team/invitations")).json()["items"] == []
    invited = (await team.entries("member.invited"))[-1]
    assert invited.meta == {"email": address(guest), "roles": ["support", "viewer"]}
    (entry,) = [entry for entry in await team.entries("member.joined") if entry.actor_user_id == guest.user_id]
    assert entry.meta == {"invitation": sent["invitation"]["id"], "roles": ["support", "viewer"]}
    assert all(token["token"] not in str(entry) for entry in await team.entries("member.invited"))


async def test_a_double_click_joins_once(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone)
    guest = await someone("Gina Guest")
    token = {"token": await team.invite(address(guest))}
    answers = await asyncio.gather(*(guest.http.post("/invitations/accept", json=token) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    again = await guest.http.post("/invitations/accept", json=token)
    assert (again.status_code, again.json()) == (200, answers[0].json())
    stranger = await someone("Theo Thief")
    assert refusal(await stranger.http.post("/invitations/accept", json=token)) == (410, "invitation_invalid")
    assert refusal(await guest.http.post("/invitations/lookup", json=token)) == (410, "invitation_invalid")
    removed = await team.owner.request("DELETE", f"/team/members/{guest.user_id}")
    assert removed.status_code == 204
    assert refusal(await guest.http.post("/invitations/accept", json=token)) == (410, "invitation_invalid")
    assert [entry.actor_user_id for entry in await team.entries("member.joined")] == [guest.user_id]


async def test_it_is_for_the_address_that_was_invited(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone)
    guest, thief = await someone("Gina Guest"), await someone("Theo Thief")
    token = {"token": await team.invite(address(guest), "admin")}
    stolen = await thief.http.post("/invitations/accept", json=token)
    assert refusal(stolen) == (403, "invitation_for_another")
    hint = f"{address(guest)[0]}***@people.example"
    assert stolen.json()["extra"] == {"email": hint}
    assert hint in stolen.json()["detail"]
    assert (await thief.http.get("/me")).json()["memberships"] == []
    (entry,) = await team.entries("access.refused")
    assert (entry.actor_user_id, entry.meta["code"]) == (thief.user_id, "invitation_for_another")
    assert (await guest.http.post("/invitations/accept", json=token)).status_code == 200


async def test_an_expired_or_withdrawn_one_lets_nobody_in(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone)
    guest = await someone("Gina Guest")
    expired = {"token": await team.invite(address(guest))}
    await team.execute("UPDATE invitations SET expires_at = now() - interval '1 second'")
    (listed,) = (await team.owner.request("GET", "/team/invitations")).json()["items"]
    assert listed["expired"] is True
    # It makes room for another one.
    withdrawn = {"token": await team.invite(address(guest))}
    (listed,) = (await team.owner.request("GET", "/team/invitations")).json()["items"]
    path = f"/team/invitations/{listed['id']}"
    assert (await team.owner.request("DELETE", path)).status_code == 204
    assert refusal(await team.owner.request("DELETE", path)) == (404, "not_found")
    for token in (expired, withdrawn, {"token": "x" * 43}):
        for action in ("accept", "lookup"):
            answer = await guest.http.post(f"/invitations/{action}", json=token)
            assert refusal(answer) == (410, "invitation_invalid")
    (entry,) = await team.entries("invitation.revoked")
    assert entry.meta == {"email": address(guest)}


async def test_sent_again_with_another_link(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin")
    guest = await someone("Gina Guest")
    old = await team.invite(address(guest))
    again = await team.owner.request("POST", "/team/invitations", json={"email": address(guest)})
    assert refusal(again) == (409, "already_invited")
    await team.execute("UPDATE invitations SET expires_at = now() - interval '1 second'")
    path = f"/team/invitations/{again.json()['extra']['invitation_id']}/resend"
    resent = await team["admin"].request("POST", path)
    assert (resent.status_code, resent.json()["invitation"]["expired"]) == (200, False)
    ends = datetime.fromisoformat(resent.json()["invitation"]["expires_at"])
    assert timedelta(days=6) < ends - datetime.now(UTC) <= timedelta(days=7)
    assert refusal(await guest.http.post("/invitations/accept", json={"token": old})) == (410, "invitation_invalid")
    assert (await guest.http.post("/invitations/accept", json={"token": token_of(resent)})).status_code == 200
    assert len(await team.entries("invitation.resent")) == 1
    gone = await team.owner.request("POST", f"/team/invitations/{uuid4()}/resend")
    assert refusal(gone) == (404, "not_found")


async def test_whom_one_cannot_invite_and_as_what(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin", "member")
    admin = team["admin"]
    colleague = {"email": address(team["member"].person)}
    assert refusal(await admin.request("POST", "/team/invitations", json=colleague)) == (409, "already_member")
    unknown = {"email": "new@example.com", "roles": ["viewer", "king"]}
    answer = await admin.request("POST", "/team/invitations", json=unknown)
    assert (refusal(answer), answer.json()["errors"][0]["path"]) == ((422, "validation_failed"), "$.roles[1]")
    as_owner = {"email": "new@example.com", "roles": ["owner"]}
    answer = await admin.request("POST", "/team/invitations", json=as_owner)
    assert refusal(answer) == (403, "permission_denied")
    assert answer.json()["extra"] == {"permissions": ["company.delete", "ownership.transfer"]}
    # Nor may they send an owner's invitation again, whose link they would then see.
    made = await team.owner.request("POST", "/team/invitations", json=as_owner)
    path = f"/team/invitations/{made.json()['invitation']['id']}/resend"
    assert refusal(await admin.request("POST", path)) == (403, "permission_denied")
    assert refusal(await team["member"].request("POST", "/team/invitations", json=unknown)) == (
        403,
        "permission_denied",
    )
    assert len(await team.entries("access.refused")) == 3


async def test_there_is_room_for_so_many(someone: SignIn, db: Database, settings: Settings) -> None:
    team = await team_of(db, someone)
    await limit(settings, team.tenant_id, members_max=3)
    guests = [await someone(f"Guest {number}") for number in range(3)]
    tokens = [await team.invite(address(guest)) for guest in guests[:2]]
    third = {"email": address(guests[2])}
    answers = await asyncio.gather(*(team.owner.request("POST", "/team/invitations", json=third) for _ in range(3)))
    assert {refusal(answer) for answer in answers} == {(402, "limit_reached")}
    assert answers[0].json()["extra"] == {"metric": "members", "limit": 3, "used": 3, "resets_at": None}
    await limit(settings, team.tenant_id, members_max=2)
    invited = zip(guests[:2], tokens, strict=True)
    taken = await asyncio.gather(
        *(guest.http.post("/invitations/accept", json={"token": token}) for guest, token in invited)
    )
    assert sorted(answer.status_code for answer in taken) == [200, 402]


async def test_pages_are_newest_first(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "viewer")
    emails = [f"guest{number}@example.com" for number in range(3)]
    for email in emails:
        await team.invite(email)
    first = (await team["viewer"].request("GET", "/team/invitations", params={"limit": 2})).json()
    cursor = {"cursor": first["next_cursor"]}
    second = (await team["viewer"].request("GET", "/team/invitations", params=cursor)).json()
    assert [item["email"] for item in first["items"] + second["items"]] == emails[::-1]
    assert second["next_cursor"] is None


async def test_a_repeated_request_is_answered_without_the_link(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone)
    headers, body = {"Idempotency-Key": uuid4().hex}, {"email": "guest@example.com"}
    first = await team.owner.request("POST", "/team/invitations", headers=headers, json=body)
    second = await team.owner.request("POST", "/team/invitations", headers=headers, json=body)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.json() == first.json() | {"link": None}


@pytest.mark.parametrize(("outcome", "shown"), [("sent", False), ("failed", False), ("not_configured", True)])
async def test_the_mail_says_what_one_needs(someone: SignIn, db: Database, outcome: MailOutcome, shown: bool) -> None:
    team = await team_of(db, someone)
    context = await team.context("owner")
    async with db.transaction(context) as session:
        body = InvitationCreate(email="guest@example.com", roles=["member", "viewer"])
        drawn = await InvitationService(session, context).create(body)
    mailer = FakeMailer(outcome)
    sent = await InvitationPost(mailer, "https://app.example.com").send(drawn)
    (mail,) = mailer.sent
    assert (sent.mail, sent.link is not None) == (outcome, shown)
    assert (mail.to, mail.subject) == ("guest@example.com", "Olive Owner invites you to Acme Robotics")
    link = re.search(r"^https://app\.example\.com/invite\?token=([\w-]{43})$", mail.text, re.MULTILINE)
    assert link is not None
    assert link[1] == drawn.token
    for words in ("Olive Owner invites you to join Acme Robotics on OCSuite, as Member and Viewer.", "UTC"):
        assert words in mail.text
    assert drawn.token not in repr(drawn)


async def test_nobody_without_an_address_is_let_in(someone: SignIn, db: Database) -> None:
    """Clerk may know people by a telephone number alone."""
    team = await team_of(db, someone)
    guest = await someone("Gina Guest")
    token = {"token": await team.invite(address(guest))}
    await forget_address(db, guest.user_id)
    assert refusal(await guest.http.post("/invitations/accept", json=token)) == (403, "invitation_for_another")


async def forget_address(db: Database, user_id: UUID) -> None:
    """Take a person's address away."""
    async with db.transaction(UserContext(user_id)) as session:
        await session.execute(text("UPDATE users SET email = NULL"))


async def test_a_removed_person_can_be_invited_again(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "member")
    person = team["member"].person
    assert (await team.owner.request("DELETE", f"/team/members/{person.user_id}")).status_code == 204
    again = await join(db, team.tenant_id, person, "viewer")
    assert (await again.request("GET", "/dashboard")).status_code == 200
