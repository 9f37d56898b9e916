"""Rules of membership. Services work inside the caller's transaction and never commit."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.access.errors import EmailUnconfirmed
from backend.domains.access.member_repository import MemberRepository, NameKey
from backend.domains.access.role_repository import RoleRepository, lock_team
from backend.domains.access.rules import must_grant, must_hold
from backend.domains.identity.ports import Addresses
from backend.kernel.audit.recording import MetaValue, record
from backend.kernel.auth.permissions import OWNER
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import Forbidden, NotFound, PermissionDenied, ValidationFailed
from backend.kernel.http.paging import decode_cursor, page_of
from module_sdk.api.access import Member, MemberRoles, OwnershipTransfer, RoleRef
from module_sdk.api.base import Page
from module_sdk.api.problems import FieldError

AFTER_OWNER: Final = "admin"
"""The role that remains to whoever hands over ownership."""


class MemberService:
    """What one member may do with the members of one tenant."""

    def __init__(self, session: AsyncSession, context: TenantContext) -> None:
        self._session = session
        self._context = context
        self._repository = MemberRepository(session, context.tenant_id)
        self._roles = RoleRepository(session, context.tenant_id)

    async def page(self, cursor: str | None, limit: int) -> Page[Member]:
        """Members by name."""
        rows = await self._repository.page(decode_cursor(cursor, NameKey), limit + 1)
        return page_of(rows, limit, lambda row: NameKey(row.sorted_by, row.user_id), self._wire)

    async def set_roles(self, user_id: UUID, body: MemberRoles, addresses: Addresses) -> Member:
        """Replace a member's roles.

        Raises ``PermissionDenied`` if the caller does not hold all that the member holds or is to hold, ``LastOwner``,
        ``EmailUnconfirmed`` for a new owner whose address is not proven.
        """
        await lock_team(self._session, self._context.tenant_id)
        found = await self._found(user_id)
        must_hold(self._context, found.permissions)
        await must_grant(self._roles, self._context, body.roles, "roles")
        before, after = {role["key"] for role in found.roles}, set(body.roles)
        if OWNER in after - before:
            await self._must_be_proven(user_id, addresses)
        # In this order: whoever changes their own roles still has the old ones while the new ones are given.
        await self._repository.give(user_id, after - before)
        await self._repository.take(user_id, before - after)
        meta: dict[str, MetaValue] = {
            "name": found.full_name,
            "added": sorted(after - before),
            "removed": sorted(before - after),
        }
        await self._record("member.roles_changed", user_id, meta)
        return self._wire(await self._found(user_id))

    async def remove(self, user_id: UUID) -> None:
        """End somebody's membership; raises as :meth:`set_roles` does. Of oneself: see :meth:`leave`."""
        if user_id == self._context.user_id:
            await self.leave()
            return
        await lock_team(self._session, self._context.tenant_id)
        found = await self._found(user_id)
        must_hold(self._context, found.permissions)
        await self._end("member.removed", found)

    async def leave(self) -> None:
        """End one's own membership; raises ``LastOwner``, and ``Forbidden`` for an API key."""
        if self._context.user_id is None or self._context.api_key_id is not None:
            raise Forbidden("An API key cannot end its maker's membership; sign in to do this.")
        await lock_team(self._session, self._context.tenant_id)
        await self._end("member.left", await self._found(self._context.user_id))

    async def transfer(self, body: OwnershipTransfer, addresses: Addresses) -> Member:
        """Make another member owner in the caller's place, who stays as admin.

        Raises ``PermissionDenied`` for whoever is no owner, ``EmailUnconfirmed`` as :meth:`set_roles` does.
        """
        me = self._context.user_id
        if me is None or self._context.api_key_id is not None or OWNER not in self._context.roles:
            raise PermissionDenied("Only an owner, in person, hands over ownership.")
        if body.user_id == me:
            raise ValidationFailed(errors=[FieldError(path="$.user_id", message="Is yourself")])
        await lock_team(self._session, self._context.tenant_id)
        found = await self._found(body.user_id)
        await self._must_be_proven(body.user_id, addresses)
        await self._repository.give(body.user_id, [OWNER])
        await self._repository.give(me, [AFTER_OWNER])
        await self._repository.take(me, [OWNER])
        await self._record("ownership.transferred", body.user_id, {"name": found.full_name})
        return self._wire(await self._found(body.user_id))

    async def _end(self, action: str, found: Row[Any]) -> None:
        """End a membership; the member's API keys end with it."""
        await self._repository.delete(found.user_id)
        roles = [role["key"] for role in found.roles]
        await self._record(action, found.user_id, {"name": found.full_name, "roles": roles, "keys": found.keys})

    async def _must_be_proven(self, user_id: UUID, addresses: Addresses) -> None:
        if not await addresses.is_proven(self._session, user_id):
            raise EmailUnconfirmed("Whoever becomes owner has to confirm their address first.")

    async def _found(self, user_id: UUID) -> Row[Any]:
        found = await self._repository.member(user_id)
        if found is None:
            raise NotFound
        return found

    def _wire(self, row: Row[Any]) -> Member:
        return Member(
            user_id=row.user_id,
            email=row.email,
            full_name=row.full_name,
            roles=msgspec.convert(row.roles, list[RoleRef]),
            manageable=self._context.permissions.issuperset(row.permissions),
            joined_at=row.created_at,
        )

    async def _record(self, action: str, user_id: UUID, meta: Mapping[str, MetaValue]) -> None:
        await record(self._session, action, f"member:{user_id}", meta)
