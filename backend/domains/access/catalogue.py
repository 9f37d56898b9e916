"""Brings the database's catalogue of permissions in line with what the domains declare; part of ``ocsuite migrate``."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.kernel.auth.permissions import BUILT_IN_ROLES, Permission

_ROLE = text(
    "INSERT INTO util.built_in_roles AS r (key, name, description, rank) VALUES (:key, :name, :description, :rank) "
    "ON CONFLICT (key) DO UPDATE "
    "SET name = excluded.name, description = excluded.description, rank = excluded.rank "
    "WHERE (r.name, r.description, r.rank) IS DISTINCT FROM (excluded.name, excluded.description, excluded.rank)"
)
_PERMISSION = text(
    "INSERT INTO permissions AS p (key, title, description, area, roles, position) "
    "VALUES (:key, :title, :description, :area, :roles, :position) "
    "ON CONFLICT (key) DO UPDATE SET title = excluded.title, description = excluded.description, "
    "area = excluded.area, roles = excluded.roles, position = excluded.position "
    "WHERE (p.title, p.description, p.area, p.roles, p.position) IS DISTINCT FROM "
    "(excluded.title, excluded.description, excluded.area, excluded.roles, excluded.position)"
)


async def synchronise_permissions(connection: AsyncConnection, permissions: Sequence[Permission]) -> None:
    """Declare, change and withdraw permissions, and give every tenant's built-in roles what they hold now.

    As the owner role, in ``migrate``'s transaction; does nothing before the catalogue's tables exist. A permission that
    no domain declares any more disappears from every role.
    """
    if await connection.scalar(text("SELECT to_regclass('public.permissions') IS NULL")):
        return
    for role in BUILT_IN_ROLES:
        values = {"key": role.key, "name": role.name, "description": role.description, "rank": role.rank}
        await connection.execute(_ROLE, values)
    for position, permission in enumerate(permissions):
        values = {"key": permission.key, "title": permission.title, "description": permission.description}
        place = {"area": permission.area, "roles": list(permission.roles), "position": position}
        await connection.execute(_PERMISSION, {**values, **place})
    declared = [permission.key for permission in permissions]
    await connection.execute(text("DELETE FROM permissions WHERE key <> ALL (:declared)"), {"declared": declared})
    await connection.execute(text("SELECT util.seed_roles(NULL)"))
