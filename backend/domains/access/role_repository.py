"""Every query on the catalogue and on roles. The signed context limits each of them to one tenant."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.access.models import PermissionRow, RolePermissionRow, RoleRow
from backend.kernel.auth.permissions import OWNER
from backend.kernel.errors import PermissionDenied

_ROLES: Final = """
  SELECT r.key, r.name, r.description, r.built_in, r.created_at, r.updated_at,
    ARRAY(SELECT g.permission FROM role_permissions g JOIN permissions p ON p.key = g.permission
      WHERE g.tenant_id = r.tenant_id AND g.role_key = r.key ORDER BY p.position) AS permissions,
    (SELECT count(*) FROM member_roles m WHERE m.tenant_id = r.tenant_id AND m.role_key = r.key) AS members,
    (SELECT count(*) FROM invitation_roles i WHERE i.tenant_id = r.tenant_id AND i.role_key = r.key) AS invitations
  FROM roles r WHERE r.tenant_id = :tenant_id"""
_ALL: Final = text(f"{_ROLES} ORDER BY r.rank, lower(r.name), r.key")
_ONE: Final = text(f"{_ROLES} AND r.key = :key")
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")


async def lock_team(session: AsyncSession, tenant_id: UUID) -> None:
    """Let the changes to a tenant's team and roles wait for one another until the transaction ends."""
    await session.execute(_LOCK, {"what": f"team/{tenant_id}"})


class RoleRepository:
    """Queries of one transaction."""

    def __init__(self, session: AsyncSession, tenant_id: UUID) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def catalogue(self) -> Sequence[PermissionRow]:
        """Every permission in the order in which they are shown."""
        return (await self._session.scalars(select(PermissionRow).order_by(PermissionRow.position))).all()

    async def unknown_permissions(self, keys: Collection[str]) -> set[str]:
        """Those of ``keys`` that nobody declares."""
        found = await self._session.scalars(select(PermissionRow.key).where(PermissionRow.key.in_(keys)))
        return set(keys) - set(found)

    async def owners_alone(self) -> set[str]:
        """The permissions that no built-in role but the owner's has."""
        return set(await self._session.scalars(select(PermissionRow.key).where(PermissionRow.roles == [OWNER])))

    async def roles(self) -> Sequence[Row[Any]]:
        """Every role, the highest first, with its permissions and the counts of who uses it."""
        return (await self._session.execute(_ALL, {"tenant_id": self._tenant_id})).all()

    async def role(self, key: str) -> Row[Any] | None:
        """One role, as :meth:`roles` has it."""
        return (await self._session.execute(_ONE, {"tenant_id": self._tenant_id, "key": key})).one_or_none()

    async def permissions_of(self, keys: Collection[str]) -> dict[str, set[str]]:
        """What each of these roles allows; those that do not exist are missing."""
        query = (
            select(RoleRow.key, RolePermissionRow.permission)
            .outerjoin(
                RolePermissionRow,
                (RolePermissionRow.tenant_id == RoleRow.tenant_id) & (RolePermissionRow.role_key == RoleRow.key),
            )
            .where(RoleRow.tenant_id == self._tenant_id, RoleRow.key.in_(keys))
        )
        found: dict[str, set[str]] = {}
        for row in await self._session.execute(query):
            found.setdefault(row.key, set()).update(filter(None, (row.permission,)))
        return found

    async def insert(self, row: Mapping[str, Any], permissions: Collection[str]) -> bool:
        """A new role; ``False``, and nothing changed, if its key or name is taken."""
        try:
            async with self._session.begin_nested():
                await self._session.execute(insert(RoleRow).values(tenant_id=self._tenant_id, **row))
        except IntegrityError:
            return False
        await self.allow(row["key"], permissions)
        return True

    async def rename(self, key: str, changes: Mapping[str, Any]) -> bool:
        """Change name and description; ``False``, and nothing changed, if the name is taken.

        Raises ``PermissionDenied`` if the policies let nobody change it.
        """
        changed = update(RoleRow).where(*self._is(key)).values(**changes).returning(RoleRow.key)
        try:
            async with self._session.begin_nested():
                found = await self._session.scalar(changed)
        except IntegrityError:
            return False
        if found is None:
            raise PermissionDenied
        return True

    async def allow(self, key: str, permissions: Collection[str]) -> None:
        """Let a role do more."""
        rows = [{"tenant_id": self._tenant_id, "role_key": key, "permission": name} for name in sorted(permissions)]
        if rows:
            await self._session.execute(insert(RolePermissionRow), rows)

    async def forbid(self, key: str, permissions: Collection[str]) -> None:
        """Let a role do less; raises ``PermissionDenied`` if the policies keep something."""
        gone = delete(RolePermissionRow).where(
            RolePermissionRow.tenant_id == self._tenant_id,
            RolePermissionRow.role_key == key,
            RolePermissionRow.permission.in_(permissions),
        )
        if permissions:
            taken = await self._session.scalars(gone.returning(RolePermissionRow.permission))
            if set(taken) != set(permissions):
                raise PermissionDenied

    async def delete(self, key: str) -> bool:
        """Delete a role; ``False``, and nothing changed, if somebody has been given it.

        Raises ``PermissionDenied`` if the policies let nobody delete it.
        """
        try:
            async with self._session.begin_nested():
                found = await self._session.scalar(delete(RoleRow).where(*self._is(key)).returning(RoleRow.key))
        except IntegrityError:
            return False
        if found is None:
            raise PermissionDenied
        return True

    def _is(self, key: str) -> tuple[Any, Any]:
        return RoleRow.tenant_id == self._tenant_id, RoleRow.key == key
