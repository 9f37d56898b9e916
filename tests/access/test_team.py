"""Members: reading them, changing their roles, removing, leaving, ownership, and the last owner."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.domains.access.members import MemberService
from backend.domains.identity.adapters import ProvenByClerk
from backend.kernel.db.database import Database
from module_sdk.api.access import MemberRoles
from tests.access.kit import refusal, team_of
from tests.conftest import SignIn
from tests.support.people import Member, join


async def roles_of(member: Member) -> list[str]:
    """What somebody finds themselves to be."""
    memberships = (await member.person.http.get("/me")).json()["memberships"]
    (mine,) = [item for item in memberships if item["tenant"]["id"] == str(member.tenant_id)]
    found: list[str] = mine["roles"]
    return found


async def test_members_by_name_page_by_page(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin", "member", "viewer")
    await join(db, team.tenant_id, await someone("admin person"), "viewer")
    names: list[str] = []
    cursor: str | None = None
    while True:
        query: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await team["admin"].request("GET", "/team/members", params=query)).json()
        names += [item["full_name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [name.lower() for name in names] == [
        "admin person", "admin person", "member person", "olive owner", "viewer person",
    ]  # fmt: skip
    everybody = (await team["admin"].request("GET", "/team/members")).json()["items"]
    assert {item["full_name"]: item["manageable"] for item in everybody}["Olive Owner"] is False
    assert {item["full_name"]: item["manageable"] for item in everybody}["Member Person"] is True
    owner = next(item for item in everybody if item["full_name"] == "Olive Owner")
    assert owner["roles"] == [{"key": "owner", "name": "Owner"}]
    assert owner["email"].endswith("@people.example")
    wrong = await team.owner.request("GET", "/team/members", params={"cursor": "nonsense"})
    assert refusal(wrong) == (422, "validation_failed")


async def test_roles_are_replaced_and_hold_at_once(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "viewer")
    viewer = team["viewer"]
    path = f"/team/members/{viewer.person.user_id}/roles"
    board = {"topic": "Next quarter"}
    assert refusal(await viewer.request("POST", "/c-suite/board-meeting", json=board)) == (403, "permission_denied")
    given = await team.owner.request("PUT", path, json={"roles": ["support", "member", "support"]})
    assert [role["key"] for role in given.json()["roles"]] == ["member", "support"]
    assert (await viewer.request("POST", "/c-suite/board-meeting", json=board)).status_code < 300
    assert await roles_of(viewer) == ["member", "support"]
    (entry,) = await team.entries("member.roles_changed")
    assert (entry.meta["added"], entry.meta["removed"]) == (["member", "support"], ["viewer"])
    unknown = await team.owner.request("PUT", path, json={"roles": ["viewer", "king"]})
    assert refusal(unknown) == (422, "validation_failed")
    assert unknown.json()["errors"][0]["path"] == "$.roles[1]"
    assert refusal(await team.owner.request("PUT", path, json={"roles": []})) == (422, "validation_failed")
    stranger = f"/team/members/{uuid4()}/roles"
    assert refusal(await team.owner.request("PUT", stranger, json={"roles": ["viewer"]})) == (404, "not_found")


async def test_nobody_gives_or_manages_more_than_they_hold(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin", "member")
    admin, owner_id = team["admin"], team.owner.person.user_id
    attempts = (
        ("PUT", f"/team/members/{admin.person.user_id}/roles", {"roles": ["owner"]}),
        ("PUT", f"/team/members/{admin.person.user_id}/roles", {"roles": ["admin", "owner"]}),
        ("PUT", f"/team/members/{team['member'].person.user_id}/roles", {"roles": ["owner"]}),
        ("PUT", f"/team/members/{owner_id}/roles", {"roles": ["viewer"]}),
        ("DELETE", f"/team/members/{owner_id}", None),
    )
    for method, path, body in attempts:
        answer = await admin.request(method, path, json=body)
        assert refusal(answer) == (403, "permission_denied"), path
        assert answer.json()["extra"] == {"permissions": ["company.delete", "ownership.transfer"]}
    entries = await team.entries("access.refused")
    assert [entry.actor_user_id for entry in entries] == [admin.person.user_id] * len(attempts)
    assert {entry.meta["operation"] for entry in entries} == {"set_member_roles", "remove_member"}
    for method, path, body in attempts[:3]:
        assert refusal(await team["member"].request(method, path, json=body)) == (403, "permission_denied")
    assert await roles_of(team.owner) == ["owner"]
    assert await roles_of(admin) == ["admin"]


async def test_an_admin_steps_back_and_not_up_again(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin")
    path = f"/team/members/{team['admin'].person.user_id}/roles"
    assert (await team["admin"].request("PUT", path, json={"roles": ["viewer"]})).status_code == 200
    assert refusal(await team["admin"].request("PUT", path, json={"roles": ["admin"]})) == (403, "permission_denied")


async def test_whoever_is_removed_is_out_at_once(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin", "member")
    member, key = team["admin"], {"name": "Export", "permissions": ["company.read"]}
    assert (await member.request("POST", "/api-keys", json=key)).status_code == 201
    path = f"/team/members/{member.person.user_id}"
    assert (await member.request("GET", "/dashboard")).status_code == 200
    assert (await team.owner.request("DELETE", path)).status_code == 204
    assert refusal(await member.request("GET", "/dashboard")) == (404, "not_found")
    assert (await member.person.http.get("/me")).json()["memberships"] == []
    assert refusal(await team.owner.request("DELETE", path)) == (404, "not_found")
    (entry,) = await team.entries("member.removed")
    assert entry.meta == {"name": "Admin Person", "roles": ["admin"], "keys": 1}
    assert (await team.owner.request("GET", "/api-keys")).json()["items"] == []


async def test_leaving(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "viewer", "admin")
    assert (await team["viewer"].request("POST", "/team/leave")).status_code == 204
    assert refusal(await team["viewer"].request("POST", "/team/leave")) == (404, "not_found")
    own = f"/team/members/{team['admin'].person.user_id}"
    assert (await team["admin"].request("DELETE", own)).status_code == 204
    assert [entry.meta["roles"] for entry in await team.entries("member.left")] == [["viewer"], ["admin"]]


@pytest.mark.parametrize("held", ["a role without permissions", "no role at all"])
async def test_whoever_may_do_nothing_can_leave(
    someone: SignIn, db: Database, owner: AsyncConnection, held: str
) -> None:
    team = await team_of(db, someone)
    empty = await team.make_role("Guest")
    guest = await join(db, team.tenant_id, await someone(), empty)
    if held == "no role at all":
        await owner.execute(text("DELETE FROM member_roles WHERE role_key = 'guest'"))
        await owner.commit()
    assert refusal(await guest.request("GET", "/dashboard")) == (403, "permission_denied")
    assert (await guest.request("POST", "/team/leave")).status_code == 204
    assert (await guest.person.http.get("/me")).json()["memberships"] == []
    (entry,) = await team.entries("member.left")
    assert entry.meta["roles"] == ([] if held == "no role at all" else ["guest"])


async def test_the_last_owner_stays(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin")
    owner = team.owner
    own = f"/team/members/{owner.person.user_id}"
    for method, path, body in (
        ("POST", "/team/leave", None),
        ("DELETE", own, None),
        ("PUT", f"{own}/roles", {"roles": ["admin"]}),
    ):
        assert refusal(await owner.request(method, path, json=body)) == (409, "last_owner"), path
    assert await roles_of(owner) == ["owner"]
    assert [entry.meta["code"] for entry in await team.entries("access.refused")] == ["last_owner"] * 3


async def test_ownership_changes_hands(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin", "member")
    to_member = {"user_id": str(team["member"].person.user_id)}
    assert refusal(await team["admin"].request("POST", "/team/ownership", json=to_member)) == (403, "permission_denied")
    myself = await team.owner.request("POST", "/team/ownership", json={"user_id": str(team.owner.person.user_id)})
    assert refusal(myself) == (422, "validation_failed")
    nobody = await team.owner.request("POST", "/team/ownership", json={"user_id": str(uuid4())})
    assert refusal(nobody) == (404, "not_found")
    done = await team.owner.request("POST", "/team/ownership", json=to_member)
    assert [role["key"] for role in done.json()["roles"]] == ["owner", "member"]
    assert await roles_of(team.owner) == ["admin"]
    again = await team.owner.request("POST", "/team/ownership", json=to_member)
    assert refusal(again) == (403, "permission_denied")
    assert again.json()["extra"]["people"] == ["Member Person"]
    async with db.transaction(await team.context("member")) as session:
        found = await MemberService(session, await team.context("member")).page(None, 10)
    assert {item.full_name: item.roles[0].key for item in found.items}["Member Person"] == "owner"


@pytest.mark.parametrize("way", ["leave", "demote"])
async def test_of_many_owners_who_go_at_once_one_stays(someone: SignIn, db: Database, way: str) -> None:
    team = await team_of(db, someone)
    owners = [team.owner, *[await join(db, team.tenant_id, await someone(f"Owner {n}"), "owner") for n in range(4)]]

    async def go(owner: Member) -> int:
        if way == "leave":
            return (await owner.request("POST", "/team/leave")).status_code
        path = f"/team/members/{owner.person.user_id}/roles"
        return (await owner.request("PUT", path, json={"roles": ["viewer"]})).status_code

    answers = await asyncio.gather(*(go(owners[index % len(owners)]) for index in range(50)))
    assert set(answers) <= {200, 204, 403, 404, 409}
    assert answers.count(204 if way == "leave" else 200) >= len(owners) - 1
    left = 0
    for owner in owners:
        memberships = (await owner.person.http.get("/me")).json()["memberships"]
        left += any(item["role"] == "owner" for item in memberships)
    assert left == 1


async def test_two_who_change_the_same_member_do_not_mix(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "member")
    context, user_id = await team.context("owner"), team["member"].person.user_id

    async def become(role: str) -> None:
        async with db.transaction(context) as session:
            await MemberService(session, context).set_roles(user_id, MemberRoles(roles=[role]), ProvenByClerk())

    await asyncio.gather(*(become(role) for role in ("viewer", "support", "admin", "viewer", "support", "admin")))
    assert len(await roles_of(team["member"])) == 1
