"""What the database holds by itself: `util.user_has_permission`, and who writes sensitive tables by their own SQL."""

import asyncio
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend.domains.access.api_keys import KeyService
from backend.domains.access.key_tokens import KeyMaker
from backend.domains.access.refusals import audited_transaction
from backend.domains.access.roles import RoleService
from backend.kernel.auth.permissions import BUILT_IN_ROLES
from backend.kernel.db.database import Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import ANONYMOUS, Context, TenantContext, UserContext
from backend.kernel.http.problems import problem_of
from backend.registry import declarations
from crypto import Keyring
from module_sdk.api.access import ApiKeyCreate, RoleCreate
from tests.access.kit import Team, team_of
from tests.conftest import SignIn
from tests.support.people import join

ALLOWED = text("SELECT key, util.user_has_permission(:tenant, key) AS may FROM permissions")
ROLES = tuple(role.key for role in BUILT_IN_ROLES)
DENIED = {"42501"}


async def allowed(db: Database, context: Context, tenant: UUID) -> set[str]:
    """Every permission that the database says the context has in a tenant."""
    async with db.transaction(context) as session:
        return {row.key for row in await session.execute(ALLOWED, {"tenant": tenant}) if row.may}


async def test_truth_table(someone: SignIn, db: Database) -> None:
    """Role x permission x tenant x key x removed x other tenant x system x nobody."""
    team, other = await team_of(db, someone, *ROLES[1:]), await team_of(db, someone)
    here, everything = team.tenant_id, {permission.key for permission in declarations().permissions}
    for role in ROLES:
        declared = {permission.key for permission in declarations().permissions if role in permission.roles}
        context = await team.context(role)
        assert await allowed(db, context, here) == declared, role
        assert await allowed(db, context, other.tenant_id) == set(), role
        assert await allowed(db, replace(context, api_key_id=new_id()), here) == set(), role  # a key that is none
    assert everything == await allowed(db, await team.context("owner"), here)
    member = team["member"].person.user_id
    strangers: tuple[Context, ...] = (
        TenantContext(here, None),  # the system holds nothing of a person's
        TenantContext(here, other.owner.person.user_id),  # a stranger
        TenantContext(other.tenant_id, member),  # a member, elsewhere
        UserContext(member),  # a member in no company's context
        ANONYMOUS,
    )
    for stranger in strangers:
        assert await allowed(db, stranger, here) == set(), stranger
    async with db.transaction(await team.context("owner")) as session:
        wrong = text("SELECT util.user_has_permission(:tenant, 'no.such'), util.user_has_permission(NULL, 'chat.use')")
        assert list((await session.execute(wrong, {"tenant": here})).one()) == [False, False]
        nothing = text("SELECT util.user_has_permission(:tenant, NULL)")
        assert (await session.scalar(nothing, {"tenant": here})) is False


async def test_a_key_allows_what_it_names_of_what_its_maker_may(
    someone: SignIn, db: Database, keyring: Keyring
) -> None:
    team = await team_of(db, someone, "admin", "member")
    admin = await team.context("admin")
    async with db.transaction(admin) as session:
        made = await KeyService(session, admin).create(
            ApiKeyCreate(name="Key", permissions=["chat.use", "members.invite", "company.read"]), KeyMaker(keyring)
        )
    keyed = replace(admin, api_key_id=made.api_key.id)
    assert await allowed(db, keyed, team.tenant_id) == {"chat.use", "members.invite", "company.read"}
    somebody_elses = replace(await team.context("member"), api_key_id=made.api_key.id)
    assert await allowed(db, somebody_elses, team.tenant_id) == set()
    path = f"/team/members/{team['admin'].person.user_id}/roles"
    assert (await team.owner.request("PUT", path, json={"roles": ["member"]})).status_code == 200
    assert await allowed(db, keyed, team.tenant_id) == {"chat.use", "company.read"}
    assert (await team.owner.request("DELETE", f"/api-keys/{made.api_key.id}")).status_code == 204
    assert await allowed(db, keyed, team.tenant_id) == set()


async def test_the_answer_follows_in_the_next_statement(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone)
    await team.make_role("Analyst", "company.read", "chat.use")
    analyst = await join(db, team.tenant_id, await someone("Ann Analyst"), "analyst")
    context, asks = TenantContext(team.tenant_id, analyst.person.user_id), {"tenant": team.tenant_id}
    may = text("SELECT util.user_has_permission(:tenant, 'chat.use')")
    member = f"/team/members/{analyst.person.user_id}"
    async with db.transaction(context) as session:
        assert await session.scalar(may, asks) is True
        for method, path, body, expected in (
            ("PATCH", "/roles/analyst", {"permissions": ["company.read"]}, False),
            ("PATCH", "/roles/analyst", {"permissions": ["chat.use"]}, True),
            ("PUT", f"{member}/roles", {"roles": ["viewer"]}, False),
            ("PUT", f"{member}/roles", {"roles": ["viewer", "analyst"]}, True),
            ("DELETE", member, None, False),
        ):
            assert (await team.owner.request(method, path, json=body)).status_code in {200, 204}
            assert await session.scalar(may, asks) is expected, (path, body)


# Every way to write a sensitive table. `:me` is who writes, `:owner` the owner, `:other` another member.
WRITES: tuple[str, ...] = (
    "INSERT INTO tenant_members (tenant_id, user_id) VALUES (:tenant, :me)",
    "UPDATE tenant_members SET user_id = :me WHERE user_id = :owner",
    "DELETE FROM tenant_members WHERE user_id <> :me",
    "INSERT INTO member_roles (tenant_id, user_id, role_key) VALUES (:tenant, :me, 'owner')",
    "INSERT INTO member_roles (tenant_id, user_id, role_key) VALUES (:tenant, :me, 'support')",
    "UPDATE member_roles SET role_key = 'owner' WHERE user_id = :me",
    "DELETE FROM member_roles WHERE user_id <> :me",
    "INSERT INTO roles (tenant_id, key, name) VALUES (:tenant, 'own', 'Own')",
    "UPDATE roles SET name = 'Mine'",
    "UPDATE roles SET built_in = false",
    "DELETE FROM roles WHERE key = 'unused'",
    "INSERT INTO role_permissions (tenant_id, role_key, permission) VALUES (:tenant, 'viewer', 'chat.use')",
    "INSERT INTO role_permissions (tenant_id, role_key, permission) VALUES (:tenant, 'unused', 'company.delete')",
    "UPDATE role_permissions SET permission = 'company.delete'",
    "DELETE FROM role_permissions",
    """INSERT INTO invitations (tenant_id, id, email, token_hash, expires_at)
    VALUES (:tenant, :new, 'x@example.com', sha256('x'), now() + interval '1 day')""",
    "UPDATE invitations SET email = 'x@example.com'",
    "DELETE FROM invitations",
    "INSERT INTO invitation_roles (tenant_id, invitation_id, role_key) SELECT tenant_id, id, 'owner' FROM invitations",
    "DELETE FROM invitation_roles",
    """INSERT INTO api_keys (tenant_id, id, user_id, name, prefix, token_hash, permissions, expires_at)
    VALUES (:tenant, :new, :me, 'x', 'ocs_x', sha256('x'), ARRAY['company.read'], now() + interval '1 day')""",
    "UPDATE api_keys SET permissions = ARRAY['company.delete']",
    "UPDATE api_keys SET revoked_at = NULL",
    "UPDATE api_keys SET revoked_at = now()",
    "DELETE FROM api_keys",
    "INSERT INTO audit_logs SELECT * FROM audit_logs",
    "UPDATE audit_logs SET outcome = 'succeeded'",
    "DELETE FROM audit_logs",
    "DELETE FROM audit_pending",
    "INSERT INTO tenant_deletions (tenant_id, requested_by, erase_after) VALUES (:tenant, :me, now())",
    "UPDATE tenants SET name = 'Mine'",
    "UPDATE tenants SET members_max = 1000",
    "DELETE FROM tenants",
    "UPDATE permissions SET roles = ARRAY['viewer']",
    "INSERT INTO permissions (key, title, description, area, roles, position) VALUES ('x.y', '', '', '', '{}', 1)",
    "SELECT util.seed_roles(:tenant)",
    "SELECT util.establish_tenant()",
)  # fmt: skip
# Beyond that, what even an administrator cannot.
ADMIN_WRITES: tuple[str, ...] = (
    "DELETE FROM tenant_members WHERE user_id = :owner",
    "INSERT INTO member_roles (tenant_id, user_id, role_key) VALUES (:tenant, :me, 'owner')",
    "DELETE FROM member_roles WHERE user_id = :owner",
    "UPDATE roles SET name = 'Mine' WHERE built_in",
    "DELETE FROM roles WHERE built_in",
    "INSERT INTO role_permissions (tenant_id, role_key, permission) VALUES (:tenant, 'admin', 'audit.read')",
    "INSERT INTO role_permissions (tenant_id, role_key, permission) VALUES (:tenant, 'unused', 'company.delete')",
    "DELETE FROM role_permissions WHERE role_key IN ('owner', 'viewer')",
    "INSERT INTO invitation_roles (tenant_id, invitation_id, role_key) SELECT tenant_id, id, 'owner' FROM invitations",
    """INSERT INTO api_keys (tenant_id, id, user_id, name, prefix, token_hash, permissions, expires_at)
    VALUES (:tenant, :new, :me, 'x', 'ocs_x', sha256('x'), ARRAY['company.delete'], now() + interval '1 day')""",
    """INSERT INTO api_keys (tenant_id, id, user_id, name, prefix, token_hash, permissions, expires_at)
    VALUES (:tenant, :new, :owner, 'x', 'ocs_x', sha256('x'), ARRAY['company.read'], now() + interval '1 day')""",
    "UPDATE api_keys SET revoked_at = NULL",
    "INSERT INTO tenant_deletions (tenant_id, requested_by, erase_after) VALUES (:tenant, :me, now())",
    "UPDATE tenants SET members_max = 1000, messages_per_day = 1000",
)


async def written(db: Database, context: TenantContext, statement: str, values: dict[str, Any]) -> int | str:
    """How many rows a statement changes, or the SQLSTATE with which it is refused; rolled back."""
    used = {name: values[name] for name in re.findall(r":(\w+)", statement)}
    try:
        async with db.transaction(context) as session:
            changed = await session.execute(text(statement), used)
            count = int(changed.rowcount)  # type: ignore[attr-defined]  # of a cursor's result
            await session.rollback()
            return count
    except DBAPIError as error:
        return str(getattr(error.orig, "sqlstate", error))


async def furnished(someone: SignIn, db: Database) -> Team:
    """A company with a row in every sensitive table."""
    team = await team_of(db, someone, "admin", "member", "viewer")
    await team.make_role("Unused", "company.read")
    await team.invite("someone@example.com")
    key = await team.owner.request("POST", "/api-keys", json={"name": "Key", "permissions": ["company.read"]})
    assert key.status_code == 201
    assert (await team.owner.request("DELETE", f"/api-keys/{key.json()['api_key']['id']}")).status_code == 204
    return team


@pytest.mark.parametrize(("role", "statements"), [("viewer", WRITES), ("member", WRITES), ("admin", ADMIN_WRITES)])
async def test_own_sql_writes_nothing_that_is_not_allowed(
    someone: SignIn, db: Database, role: str, statements: tuple[str, ...]
) -> None:
    team = await furnished(someone, db)
    context = await team.context(role)
    values = {
        "tenant": team.tenant_id,
        "me": context.user_id,
        "owner": team.owner.person.user_id,
        "new": new_id(),
    }
    found = {statement: await written(db, context, statement, values) for statement in statements}
    assert {statement: what for statement, what in found.items() if what not in (0, *DENIED)} == {}
    # The same by the owner goes through where anybody may: the statements are right, and it is the wall that holds.
    by_owner = await team.context("owner")
    for statement in (
        "DELETE FROM roles WHERE key = 'unused'",
        "DELETE FROM invitations",
        "UPDATE tenants SET name = 'Renamed'",
    ):
        assert await written(db, by_owner, statement, values) == 1, statement


async def test_a_viewer_reads_no_audit_log(someone: SignIn, db: Database) -> None:
    team = await furnished(someone, db)
    count = text("SELECT count(*) FROM audit_logs")
    async with db.transaction(await team.context("admin")) as session:
        assert (await session.scalar(count) or 0) > 5
    async with db.transaction(await team.context("viewer")) as session:
        assert await session.scalar(count) == 0


async def test_a_permission_lost_behind_the_gate_is_refused_and_on_record(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "admin")
    admitted = await team.context("admin")
    path = f"/team/members/{team['admin'].person.user_id}/roles"
    assert (await team.owner.request("PUT", path, json={"roles": ["viewer"]})).status_code == 200
    with pytest.raises(DBAPIError) as refused:
        async with audited_transaction(db, admitted, "create_role", "role:late") as session:
            await RoleService(session, admitted).create(RoleCreate(name="Late"))
    assert problem_of(refused.value).code == "permission_denied"
    (entry,) = await team.entries("access.refused")
    assert entry.meta == {"operation": "create_role", "code": "permission_denied"}


async def test_two_last_owners_who_go_by_their_own_sql(someone: SignIn, db: Database) -> None:
    """Without the services, and so without their lock: the trigger alone."""
    team = await team_of(db, someone)
    second = await join(db, team.tenant_id, await someone("Second"), "owner")
    gone = asyncio.Barrier(2)

    async def go(user_id: UUID) -> str:
        try:
            async with db.transaction(TenantContext(team.tenant_id, user_id)) as session:
                await session.scalar(text("SELECT 1"))
                await gone.wait()
                await session.execute(text("DELETE FROM tenant_members WHERE user_id = :me"), {"me": user_id})
        except DBAPIError as error:
            return str(getattr(error.orig, "sqlstate", error))
        return "gone"

    answers = await asyncio.gather(go(team.owner.person.user_id), go(second.person.user_id))
    assert sorted(answers) == ["OC001", "gone"]
