"""Rules of roles. Services work inside the caller's transaction and never commit."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any, Final

from msgspec import UNSET
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.access.errors import RoleBuiltIn, RoleInUse, RoleTaken
from backend.domains.access.role_repository import RoleRepository, lock_team
from backend.domains.access.rules import must_be_permissions, must_hold
from backend.kernel.audit.recording import MetaValue, record
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import NotFound, ValidationFailed
from module_sdk.api.access import Permission, Role, RoleCreate, RolePatch
from module_sdk.api.base import Page
from module_sdk.api.problems import FieldError

KEY_LENGTH: Final = 36


class RoleService:
    """What one member may do with the roles of one tenant."""

    def __init__(self, session: AsyncSession, context: TenantContext) -> None:
        self._session = session
        self._context = context
        self._repository = RoleRepository(session, context.tenant_id)

    async def catalogue(self) -> Page[Permission]:
        """Everything that one may be allowed to do."""
        return Page(
            items=[
                Permission(key=row.key, title=row.title, description=row.description, area=row.area, roles=row.roles)
                for row in await self._repository.catalogue()
            ]
        )

    async def roles(self) -> Page[Role]:
        """Every role, the highest first."""
        return Page(items=[self._wire(row) for row in await self._repository.roles()])

    async def role(self, key: str) -> Role:
        """One role."""
        return self._wire(await self._found(key))

    async def create(self, body: RoleCreate) -> Role:
        """Make or copy a role.

        Raises ``RoleTaken``, also for a name that looks like another's, and ``PermissionDenied`` for what the caller
        does not hold.
        """
        await lock_team(self._session, self._context.tenant_id)
        await must_be_permissions(self._repository, body.permissions, "permissions")
        wanted = set(body.permissions)
        if body.copy_of is not None:
            copied = await self._repository.role(body.copy_of)
            if copied is None:
                raise ValidationFailed(errors=[FieldError(path="$.copy_of", message="Is not a role of this company")])
            wanted |= set(copied.permissions)
        must_hold(self._context, wanted)
        taken = {row.key for row in await self._repository.roles()}
        key = body.key or proposed_key(body.name, taken)
        row = {"key": key, "name": body.name.strip(), "description": body.description.strip()}
        if not await self._repository.insert(row, wanted):
            raise RoleTaken
        await self._record("role.created", key, {"name": row["name"], "permissions": sorted(wanted)})
        return await self.role(key)

    async def change(self, key: str, body: RolePatch) -> Role:
        """Rename a role or change what it allows. Raises as :meth:`create` does, and ``RoleBuiltIn``.

        The caller must hold all that the role holds before and after: nobody touches a role that is larger than theirs.
        """
        await lock_team(self._session, self._context.tenant_id)
        found = await self._changeable(key)
        before, after = set(found.permissions), set(found.permissions)
        if body.permissions is not UNSET:
            await must_be_permissions(self._repository, body.permissions, "permissions")
            after = set(body.permissions)
        must_hold(self._context, before | after)
        name = found.name if body.name is UNSET else body.name.strip()
        description = found.description if body.description is UNSET else body.description.strip()
        if not await self._repository.rename(key, {"name": name, "description": description}):
            raise RoleTaken
        await self._repository.allow(key, after - before)
        await self._repository.forbid(key, before - after)
        await self._record(
            "role.changed", key, {"name": name, "added": sorted(after - before), "removed": sorted(before - after)}
        )
        return await self.role(key)

    async def delete(self, key: str) -> None:
        """Delete a role that nobody uses; raises ``RoleInUse`` with who does, else as :meth:`change` does."""
        await lock_team(self._session, self._context.tenant_id)
        found = await self._changeable(key)
        must_hold(self._context, found.permissions)
        if found.members or found.invitations or not await self._repository.delete(key):
            using = {"members": found.members, "invitations": found.invitations}
            detail = f"{_counted(found.members, 'member')} and {_counted(found.invitations, 'invitation')} have it."
            raise RoleInUse(detail, extra=using)
        await self._record("role.deleted", key, {"name": found.name, "permissions": found.permissions})

    async def _found(self, key: str) -> Row[Any]:
        found = await self._repository.role(key)
        if found is None:
            raise NotFound
        return found

    async def _changeable(self, key: str) -> Row[Any]:
        found = await self._found(key)
        if found.built_in:
            raise RoleBuiltIn
        return found

    def _wire(self, row: Row[Any]) -> Role:
        return Role(
            key=row.key,
            name=row.name,
            description=row.description,
            built_in=row.built_in,
            permissions=row.permissions,
            members=row.members,
            invitations=row.invitations,
            grantable=self._context.permissions.issuperset(row.permissions),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    async def _record(self, action: str, key: str, meta: Mapping[str, MetaValue]) -> None:
        await record(self._session, action, f"role:{key}", meta)


def proposed_key(name: str, taken: Collection[str]) -> str:
    """A key for a role of this name that is not among ``taken``: the name in ASCII, with a number if need be."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-").lstrip("0123456789-")[:KEY_LENGTH].strip("-")
    if len(base) < 2:
        base = "role"
    number, key = 1, base
    while key in taken:
        number += 1
        key = f"{base}-{number}"
    return key


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
