"""A repeated request passes the gate as a first one does, and is answered within one company and one credential."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.kernel.db.database import Database
from crypto import hash_token
from tests.access.kit import Team, grantable, keyed, refusal, team_of
from tests.conftest import SignIn
from tests.support.people import Member
from tests.support.sse import frames

REPLAYED = "idempotency-replayed"


async def key_of(member: Member, *permissions: str) -> str:
    """The secret of a new API key."""
    made = await member.request("POST", "/api-keys", json={"name": "Key", "permissions": permissions})
    assert made.status_code == 201, made.text
    return str(made.json()["secret"])


def role_named(name: str) -> dict[str, Any]:
    return {"name": name, "permissions": ["dashboard.read"]}


async def test_keys_for_two_companies_act_in_both(someone: SignIn, db: Database, api_url: str) -> None:
    """No ``X-Tenant-Id`` is sent: each key names its company."""
    person = await someone("Olive Owner")
    headers, answers = {"Idempotency-Key": uuid4().hex}, []
    for _ in range(2):
        owner = await person.found()
        secret = await key_of(owner, "roles.manage", "dashboard.read", "roles.read")
        async with keyed(api_url, secret) as program:
            answers += [await program.post("/roles", json=role_named("Reader"), headers=headers) for _ in range(2)]
            assert "reader" in [item["key"] for item in (await program.get("/roles")).json()["items"]]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert [REPLAYED in answer.headers for answer in answers] == [False, True, False, True]


async def test_a_key_repeats_nothing_of_a_broader_one(someone: SignIn, db: Database, api_url: str) -> None:
    team = await team_of(db, someone)
    headers, body = {"Idempotency-Key": uuid4().hex}, {"email": "guest@example.com", "roles": ["viewer"]}
    broad = await key_of(team.owner, *await grantable(team.owner))
    narrow = await key_of(team.owner, "dashboard.read")
    async with keyed(api_url, broad) as program:
        invited = await program.post("/team/invitations", json=body, headers=headers)
        assert invited.status_code == 201, invited.text
        again = await program.post("/team/invitations", json=body, headers=headers)
        assert (again.status_code, again.headers[REPLAYED]) == (201, "true")
    async with keyed(api_url, narrow) as program:
        refused = await program.post("/team/invitations", json=body, headers=headers)
        assert refusal(refused) == (403, "permission_denied")
    # Another credential of the same person has its own keys: what it sends is a first request.
    other = await team.owner.request("POST", "/team/invitations", json=body, headers=headers)
    assert refusal(other) == (409, "already_invited")


async def test_a_stream_is_repeated_to_its_own_credential(someone: SignIn, db: Database, api_url: str) -> None:
    team = await team_of(db, someone)
    headers, body = {"Idempotency-Key": uuid4().hex}, {"message": "What next?"}
    answers = []
    for secret in [await key_of(team.owner, "chat.use", "chat.read") for _ in range(2)]:
        async with keyed(api_url, secret) as program:
            answers += [await program.post("/c-suite/ceo/chat", json=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [REPLAYED in answer.headers for answer in answers] == [False, True, False, True]
    ids = [frames(answer.content)[-1].data["id"] for answer in answers]
    assert ids[0] == ids[1] != ids[2] == ids[3]


@pytest.mark.parametrize("removed", [True, False], ids=["removed", "demoted"])
async def test_whoever_lost_access_gets_no_earlier_answer(someone: SignIn, db: Database, removed: bool) -> None:
    team = await team_of(db, someone, "admin")
    admin = team["admin"]
    requests = [
        ("/team/invitations", {"email": "guest@example.com"}),
        ("/roles", role_named("Reader")),
        ("/c-suite/ceo/chat", {"message": "What next?"}),
    ]
    headers = {"Idempotency-Key": uuid4().hex}
    for path, body in requests:
        first = await admin.request("POST", path, json=body, headers={**headers, "Idempotency-Key": f"{path}-key"})
        assert first.is_success, first.text
    path = f"/team/members/{admin.person.user_id}"
    if removed:
        assert (await team.owner.request("DELETE", path)).status_code == 204
    else:
        assert (await team.owner.request("PUT", f"{path}/roles", json={"roles": ["viewer"]})).status_code == 200
    for path, body in requests:
        again = await admin.request("POST", path, json=body, headers={**headers, "Idempotency-Key": f"{path}-key"})
        assert refusal(again) == ((404, "not_found") if removed else (403, "permission_denied"))


async def test_a_refusal_at_the_gate_is_not_kept(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "viewer")
    viewer = team["viewer"]
    headers, body = {"Idempotency-Key": uuid4().hex}, role_named("Reader")
    assert refusal(await viewer.request("POST", "/roles", json=body, headers=headers)) == (403, "permission_denied")
    path = f"/team/members/{viewer.person.user_id}/roles"
    assert (await team.owner.request("PUT", path, json={"roles": ["admin"]})).status_code == 200
    assert (await viewer.request("POST", "/roles", json=body, headers=headers)).status_code == 201


async def _attempts_to_make_an_owner(team: Team, program: httpx.AsyncClient) -> list[httpx.Response]:
    """Every route by which somebody gets a role or a role gets a permission."""
    member = team["member"].person.user_id
    await program.post("/roles", json={"name": "Assistant", "permissions": ["dashboard.read"]})
    every = (await team.owner.person.http.get("/me")).json()["memberships"][0]["permissions"]
    return [
        await program.put(f"/team/members/{member}/roles", json={"roles": ["owner"]}),
        await program.post("/team/invitations", json={"email": "guest@example.com", "roles": ["owner"]}),
        await program.post("/team/ownership", json={"user_id": str(member)}),
        await program.post("/roles", json={"name": "Root", "permissions": every}),
        await program.post("/roles", json={"name": "Root", "permissions": [], "copy_of": "owner"}),
        await program.patch("/roles/assistant", json={"permissions": every}),
        # Nor does a key touch an owner, or what an owner made for owners.
        await program.put(f"/team/members/{team.owner.person.user_id}/roles", json={"roles": ["viewer"]}),
        await program.put(f"/team/members/{member}/roles", json={"roles": ["deputy"]}),
    ]


async def test_a_key_makes_no_owner(someone: SignIn, db: Database, api_url: str, owner: AsyncConnection) -> None:
    team = await team_of(db, someone, "member")
    await team.make_role("Deputy", "company.delete", "ownership.transfer")
    every = (await team.owner.person.http.get("/me")).json()["memberships"][0]["permissions"]
    refused = await team.owner.request("POST", "/api-keys", json={"name": "Root", "permissions": every})
    assert refusal(refused) == (403, "permission_denied")
    alone = refused.json()["extra"]["permissions"]
    assert "ownership.transfer" in alone
    secret = await key_of(team.owner, *(name for name in every if name not in alone))
    async with keyed(api_url, secret) as program:
        for number, answer in enumerate(await _attempts_to_make_an_owner(team, program)):
            assert refusal(answer) == (403, "permission_denied"), (number, answer.text)
        # A key of before that names them holds them as little.
        await give_every_permission(owner, team)
        assert not set((await program.get("/me")).json()["memberships"][0]["permissions"]) & set(alone)
        for number, answer in enumerate(await _attempts_to_make_an_owner(team, program)):
            assert refusal(answer) == (403, "permission_denied"), (number, answer.text)


async def give_every_permission(owner: AsyncConnection, team: Team) -> None:
    """As keys of before may have them."""
    every = "UPDATE api_keys SET permissions = ARRAY(SELECT key FROM permissions) WHERE tenant_id = :tenant"
    await owner.execute(text(every), {"tenant": team.tenant_id})
    await owner.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO member_roles (tenant_id, user_id, role_key) VALUES (:tenant, :member, 'owner')",
        """INSERT INTO role_permissions (tenant_id, role_key, permission)
        SELECT tenant_id, 'custom', 'company.delete' FROM member_roles WHERE user_id = :member""",
        """INSERT INTO invitation_roles (tenant_id, invitation_id, role_key)
        SELECT tenant_id, id, 'owner' FROM invitations WHERE tenant_id = :tenant""",
    ],
)
async def test_the_database_lets_a_key_make_no_owner(
    someone: SignIn, db: Database, owner: AsyncConnection, statement: str
) -> None:
    """Whatever the application is made to say; the same by the person whose key it is goes through."""
    team = await team_of(db, someone, "member")
    await team.make_role("Custom", "dashboard.read")
    await team.invite("guest@example.com")
    secret = await key_of(team.owner, "members.update", "members.invite")
    key_id = await owner.scalar(text("SELECT id FROM api_keys WHERE token_hash = :hash"), {"hash": hash_token(secret)})
    await give_every_permission(owner, team)
    values = {"tenant": team.tenant_id, "member": team["member"].person.user_id}
    used = {name: value for name, value in values.items() if f":{name}" in statement}
    in_person = await team.context("owner")
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.transaction(replace(in_person, api_key_id=key_id)) as session:
            await session.execute(text(statement), used)
    async with db.transaction(in_person) as session:
        await session.execute(text(statement), used)
