"""Roles: the catalogue, making, copying, changing and deleting them, and what the rules refuse."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend.domains.access.gatekeeper import admission
from backend.domains.access.roles import proposed_key
from backend.kernel.db.database import Database
from backend.registry import declarations
from tests.access.kit import refusal, team_of
from tests.conftest import SignIn
from tests.support.people import join


async def test_everybody_reads_the_catalogue_and_the_roles(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "viewer")
    listed = (await team["viewer"].request("GET", "/permissions")).json()["items"]
    assert [item["key"] for item in listed] == [item.key for item in declarations().permissions]
    roles = (await team["viewer"].request("GET", "/roles")).json()["items"]
    assert [role["key"] for role in roles] == ["owner", "admin", "member", "support", "viewer"]
    assert all(role["built_in"] for role in roles)
    assert [role["members"] for role in roles] == [1, 0, 0, 0, 1]
    assert [role["grantable"] for role in roles] == [False, False, False, False, True]
    assert set(roles[0]["permissions"]) == {item.key for item in declarations().permissions}
    assert (await team.owner.request("GET", "/roles/viewer")).json()["grantable"] is True
    assert refusal(await team.owner.request("GET", "/roles/missing")) == (404, "not_found")


async def test_a_role_is_made_copied_renamed_changed_and_deleted(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone)
    key = await team.make_role("Data Analyst", "company.read", "dashboard.read")
    assert key == "data-analyst"
    copied = await team.owner.request(
        "POST", "/roles", json={"name": "Data analyst!", "copy_of": key, "permissions": ["chat.read"]}
    )
    assert copied.json()["key"] == "data-analyst-2"
    assert copied.json()["permissions"] == ["company.read", "dashboard.read", "chat.read"]
    named = await team.owner.request("POST", "/roles", json={"name": "Night shift", "key": "night"})
    assert (named.json()["key"], named.json()["permissions"]) == ("night", [])
    changed = await team.owner.request(
        "PATCH", f"/roles/{key}", json={"name": "Analyst", "permissions": ["dashboard.read", "chat.read"]}
    )
    assert (changed.json()["name"], changed.json()["permissions"]) == ("Analyst", ["dashboard.read", "chat.read"])
    assert (await team.owner.request("DELETE", f"/roles/{key}")).status_code == 204
    assert refusal(await team.owner.request("GET", f"/roles/{key}")) == (404, "not_found")
    assert len(await team.entries("role.created")) == 3
    (entry,) = await team.entries("role.changed")
    assert (entry.meta["added"], entry.meta["removed"]) == (["chat.read"], ["company.read"])
    (entry,) = await team.entries("role.deleted")
    assert (entry.resource, entry.outcome) == ("role:data-analyst", "succeeded")


async def test_what_a_role_cannot_be(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone)
    await team.make_role("Analyst")
    for body, place in (
        ({"name": "A", "permissions": ["company.read", "company.own"]}, "$.permissions[1]"),
        ({"name": "A", "copy_of": "missing"}, "$.copy_of"),
        ({"name": " "}, "$.name"),
        ({"name": "A", "key": "No spaces"}, "$.key"),
    ):
        answer = await team.owner.request("POST", "/roles", json=body)
        assert refusal(answer) == (422, "validation_failed"), body
        assert [error["path"] for error in answer.json()["errors"]] == [place]
    for body in ({"name": "ANALYST"}, {"name": "Another", "key": "analyst"}, {"name": "Owner"}):
        assert refusal(await team.owner.request("POST", "/roles", json=body)) == (409, "role_taken"), body
    await team.make_role("Second")
    renamed = await team.owner.request("PATCH", "/roles/second", json={"name": "analyst"})
    assert refusal(renamed) == (409, "role_taken")
    for method, options in (("PATCH", {"json": {"name": "Mine"}}), ("DELETE", {})):
        answer = await team.owner.request(method, "/roles/viewer", **options)
        assert refusal(answer) == (409, "role_built_in")
        assert refusal(await team.owner.request(method, "/roles/missing", **options)) == (404, "not_found")
    assert [entry.meta["code"] for entry in await team.entries("access.refused")] == ["role_built_in"] * 2


async def test_a_role_in_use_stays(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone)
    key = await team.make_role("Analyst", "company.read")
    await join(db, team.tenant_id, await someone(), key)
    await team.invite("someone@example.com", key)
    answer = await team.owner.request("DELETE", f"/roles/{key}")
    assert refusal(answer) == (409, "role_in_use")
    assert answer.json()["extra"] == {"members": 1, "invitations": 1}


async def test_nobody_puts_into_a_role_what_they_do_not_hold(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin", "member")
    both = await team.make_role("Both", "company.delete", "chat.use")
    await team.make_role("Manager", "company.read", "roles.manage", "roles.read")
    manager = await join(db, team.tenant_id, await someone("Mia Manager"), "manager")
    attempts = (
        # Who, how, and what they lack for it.
        (team["admin"], "POST", "/roles", {"name": "Root", "permissions": ["company.delete"]}, ["company.delete"]),
        (
            team["admin"],
            "POST",
            "/roles",
            {"name": "Root", "copy_of": "owner"},
            ["company.delete", "ownership.transfer"],
        ),
        (team["admin"], "PATCH", f"/roles/{both}", {"permissions": ["chat.use"]}, ["company.delete"]),
        # One's own role is no exception, for better or worse.
        (
            manager,
            "PATCH",
            "/roles/manager",
            {"permissions": ["company.read", "roles.manage", "roles.read", "chat.use"]},
            ["chat.use"],
        ),
    )
    for who, method, path, body, missing in attempts:
        answer = await who.request(method, path, json=body)
        assert refusal(answer) == (403, "permission_denied"), body
        assert answer.json()["extra"] == {"permissions": missing}
    refused = await team.entries("access.refused")
    assert [(entry.outcome, entry.meta["permissions"]) for entry in refused] == [
        ("refused", missing) for *_, missing in attempts
    ]
    # What they hold, they may give and take.
    lost = await manager.request("PATCH", "/roles/manager", json={"permissions": ["company.read"]})
    assert lost.status_code == 200
    answer = await manager.request("PATCH", "/roles/manager", json={"permissions": ["company.read", "roles.manage"]})
    assert refusal(answer) == (403, "permission_denied")
    assert answer.json()["extra"]["permission"] == "roles.manage"
    assert refusal(await team["member"].request("POST", "/roles", json={"name": "X"})) == (403, "permission_denied")


async def test_nobody_touches_a_role_that_is_larger_than_their_own(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone)
    larger = await team.make_role("Larger", "company.read", "company.delete")
    await team.make_role("Manager", "company.read", "roles.manage", "roles.read")
    manager = await join(db, team.tenant_id, await someone("Mia Manager"), "manager")
    for method, body in (
        ("PATCH", {"name": "Harmless"}),
        ("PATCH", {"description": "Nothing to see here"}),
        ("PATCH", {"permissions": ["company.delete"]}),
        ("PATCH", {"permissions": ["company.read", "company.delete", "roles.read"]}),
        ("DELETE", None),
    ):
        answer = await manager.request(method, f"/roles/{larger}", json=body)
        assert refusal(answer) == (403, "permission_denied"), (method, body)
        assert answer.json()["extra"] == {"permissions": ["company.delete"]}
    assert (await team.owner.request("GET", f"/roles/{larger}")).json()["name"] == "Larger"
    assert len(await team.entries("access.refused")) == 5
    # The database says the same, whatever the application is made to say.
    mine = await admission(db, team.tenant_id, manager.person.user_id)
    assert mine is not None
    for statement in (
        f"UPDATE roles SET name = 'Harmless' WHERE key = '{larger}'",
        f"DELETE FROM roles WHERE key = '{larger}'",
        f"DELETE FROM role_permissions WHERE role_key = '{larger}' AND permission = 'company.read'",
    ):
        async with db.transaction(mine) as session:
            changed = await session.execute(text(statement))
            assert changed.rowcount == 0, statement  # type: ignore[attr-defined]  # of a cursor's result
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.transaction(mine) as session:
            await session.execute(
                text("INSERT INTO role_permissions (tenant_id, role_key, permission) VALUES (:id, :key, 'roles.read')"),
                {"id": team.tenant_id, "key": larger},
            )
    smaller = await team.make_role("Smaller", "roles.read")
    assert (await manager.request("PATCH", f"/roles/{smaller}", json={"name": "Small"})).status_code == 200
    assert (await manager.request("DELETE", f"/roles/{smaller}")).status_code == 204


@pytest.mark.parametrize(
    "alike",
    [
        "ÉQUIPE",
        "E\u0301quipe",
        "É\u200bquipe",
        "\u202eÉquipe",
        "Équip\u0435",  # Cyrillic
        "\uff25\u0301quipe",  # wide
        "  Équipe ",
    ],
)
async def test_a_name_that_looks_like_another_is_taken(someone: SignIn, db: Database, alike: str) -> None:
    team = await team_of(db, someone)
    await team.make_role("Équipe")
    await team.make_role("Second")
    assert refusal(await team.owner.request("POST", "/roles", json={"name": alike})) == (409, "role_taken")
    renamed = await team.owner.request("PATCH", "/roles/second", json={"name": alike})
    assert refusal(renamed) == (409, "role_taken")
    for owner_alike in ("Οwner", "OWNER", "0wner"):  # the first with a Greek letter, the last with a digit
        answer = await team.owner.request("POST", "/roles", json={"name": owner_alike})
        assert answer.status_code == (201 if owner_alike == "0wner" else 409), owner_alike
    assert (await team.owner.request("PATCH", "/roles/second", json={"name": "SECOND"})).status_code == 200


def test_keys_follow_from_names() -> None:
    assert proposed_key("Zweite Führungsebene", ()) == "zweite-fuhrungsebene"
    assert proposed_key("2nd line", ()) == "nd-line"
    assert proposed_key("役割", ()) == "role"
    assert proposed_key("役割", ("role", "role-2")) == "role-3"
    assert len(proposed_key("a" * 60, ("a" * 36,))) <= 40
