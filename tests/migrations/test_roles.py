"""Roles through migrations, and through changes of what the code declares."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.domains.access.catalogue import synchronise_permissions
from backend.kernel.auth.permissions import ADMINS, BUILT_IN_ROLES, Permission
from backend.kernel.db.orm import new_id
from backend.migrate import migrate
from backend.registry import declarations
from backend.settings import Settings
from crypto import Keyring
from tests.migrations.kit import connected
from tests.tenancy.kit import Tenant

BUILT_IN = [role.key for role in BUILT_IN_ROLES]
TENANT = (
    "INSERT INTO tenants (id, name, slug, messages_per_day, tasks_per_day, members_max) "
    "VALUES ('{0}', 'n', '{0}', 9, 9, 9)"
)
USER = "INSERT INTO users (id, issuer, subject, full_name) VALUES ('{0}', 'i', '{0}', 'n')"
HELD = "SELECT user_id, array_agg(role_key ORDER BY role_key) FROM member_roles WHERE tenant_id = $1 GROUP BY user_id"


async def _pairs(owner: asyncpg.Connection, query: str, *values: object) -> dict[Any, Any]:
    return {row[0]: row[1] for row in await owner.fetch(query, *values)}


async def test_members_keep_their_roles_up_and_down(database_url_pair: tuple[str, str], keyring: Keyring) -> None:
    _, url = database_url_pair
    await migrate(url, keyring, "0004")
    owner = await asyncpg.connect(url)
    tenant, people = new_id(), {role: new_id() for role in BUILT_IN}
    await owner.execute(TENANT.format(tenant))
    for role, person in people.items():
        await owner.execute(USER.format(person))
        await owner.execute(
            "INSERT INTO tenant_members (tenant_id, user_id, role) VALUES ($1, $2, $3)", tenant, person, role
        )

    await migrate(url, keyring)
    assert await _pairs(owner, HELD, tenant) == {person: [role] for role, person in people.items()}
    declared = {role: sorted(p.key for p in declarations().permissions if role in p.roles) for role in BUILT_IN}
    query = "SELECT role_key, array_agg(permission ORDER BY permission) FROM role_permissions GROUP BY role_key"
    assert await _pairs(owner, query) == declared

    await owner.execute("INSERT INTO roles (tenant_id, key, name) VALUES ($1, 'analyst', 'Analyst')", tenant)
    await owner.execute("DELETE FROM member_roles WHERE user_id = $1", people["support"])
    for name, role in (("viewer", "admin"), ("viewer", "support"), ("member", "analyst"), ("support", "analyst")):
        await owner.execute("INSERT INTO member_roles VALUES ($1, $2, $3)", tenant, people[name], role)
    await migrate(url, keyring, "0004", down=True)
    # The highest of the built-in roles; who had none of them can look on.
    wanted = {"owner": "owner", "admin": "admin", "member": "member", "support": "viewer", "viewer": "admin"}
    found = await _pairs(owner, "SELECT user_id, role FROM tenant_members WHERE tenant_id = $1", tenant)
    assert found == {people[name]: role for name, role in wanted.items()}

    await migrate(url, keyring)
    assert await _pairs(owner, HELD, tenant) == {people[name]: [role] for name, role in wanted.items()}
    await owner.close()


async def _company(connection: AsyncConnection) -> UUID:
    """A company whose custom role has what support has."""
    tenant = Tenant().id
    for statement in (
        TENANT.format(tenant),
        f"SELECT util.seed_roles('{tenant}')",
        f"INSERT INTO roles (tenant_id, key, name) VALUES ('{tenant}', 'analyst', 'Analyst')",
        f"""INSERT INTO role_permissions (tenant_id, role_key, permission) SELECT tenant_id, 'analyst', permission
          FROM role_permissions WHERE tenant_id = '{tenant}' AND role_key = 'support'""",
    ):
        await connection.execute(text(statement))
    return tenant


async def _holders(connection: AsyncConnection, tenant: UUID, permission: str) -> set[str]:
    query = text("SELECT role_key FROM role_permissions WHERE tenant_id = :tenant AND permission = :permission")
    return set(await connection.scalars(query, {"tenant": tenant, "permission": permission}))


def _without(key: str) -> list[Permission]:
    return [permission for permission in declarations().permissions if permission.key != key]


def _with_roles(key: str, roles: Sequence[str]) -> list[Permission]:
    return [replace(item, roles=tuple(roles)) if item.key == key else item for item in declarations().permissions]


async def test_what_is_declared_reaches_the_built_in_roles_of_companies_that_exist(settings: Settings) -> None:
    """Everything in one transaction of the owner role, which is rolled back."""
    new = Permission("reports.read", "See reports", "", ADMINS)
    async with connected(settings.database_owner_url) as connection:
        tenant = await _company(connection)
        assert await _holders(connection, tenant, "chat.use") == {"owner", "admin", "member", "support", "analyst"}
        await synchronise_permissions(connection, [*declarations().permissions, new])
        assert await _holders(connection, tenant, "reports.read") == {"owner", "admin"}
        # Taken from support and given to viewers: the copy that somebody made of support is theirs.
        await synchronise_permissions(connection, _with_roles("chat.use", ["owner", "admin", "viewer"]))
        assert await _holders(connection, tenant, "chat.use") == {"owner", "admin", "viewer", "analyst"}
        assert await _holders(connection, tenant, "reports.read") == set()
        await synchronise_permissions(connection, _without("chat.use"))
        assert await _holders(connection, tenant, "chat.use") == set()
        assert await _holders(connection, tenant, "chat.read") == {*BUILT_IN, "analyst"}
        await synchronise_permissions(connection, declarations().permissions)
        assert await _holders(connection, tenant, "chat.use") == {"owner", "admin", "member", "support"}


async def test_a_role_that_was_bent_is_straightened_and_a_custom_one_left(settings: Settings) -> None:
    async with connected(settings.database_owner_url) as connection:
        tenant = await _company(connection)
        for statement in (
            "UPDATE roles SET name = 'Bent', built_in = false, rank = 99 WHERE key = 'viewer'",
            f"""INSERT INTO role_permissions (tenant_id, role_key, permission)
              VALUES ('{tenant}', 'viewer', 'roles.manage'), ('{tenant}', 'analyst', 'roles.manage')""",
            "DELETE FROM role_permissions WHERE role_key = 'member'",
        ):
            await connection.execute(text(statement))
        await synchronise_permissions(connection, declarations().permissions)
        assert await _holders(connection, tenant, "roles.manage") == {"owner", "admin", "analyst"}
        assert "member" in await _holders(connection, tenant, "chat.use")
        query = text("SELECT key, name, built_in, rank FROM roles WHERE tenant_id = :tenant ORDER BY rank")
        found = [tuple(row) for row in await connection.execute(query, {"tenant": tenant})]
        built_in = [(role.key, role.name, True, role.rank) for role in BUILT_IN_ROLES]
        assert found == [*built_in, ("analyst", "Analyst", False, 100)]


@pytest.mark.parametrize("table", ["permissions", "roles", "role_permissions", "util.built_in_roles"])
async def test_seeding_again_changes_nothing(settings: Settings, table: str) -> None:
    async with connected(settings.database_owner_url) as connection:
        await _company(connection)
        await synchronise_permissions(
            connection, declarations().permissions
        )  # for companies that other tests made by hand
        query = text(f"SELECT ctid::text, t::text FROM {table} t ORDER BY 2")
        before = (await connection.execute(query)).all()
        assert before
        for _ in range(2):
            await synchronise_permissions(connection, declarations().permissions)
        assert (await connection.execute(query)).all() == before
