"""Rules of API keys. Services work inside the caller's transaction and never commit."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.access.key_repository import KeyRepository
from backend.domains.access.key_tokens import KeyMaker
from backend.domains.access.role_repository import RoleRepository
from backend.domains.access.rules import must_be_permissions, must_hold
from backend.kernel.audit.recording import MetaValue, record
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import Forbidden, NotFound, PermissionDenied
from backend.kernel.http.paging import TimeKey, decode_cursor, page_of
from module_sdk.api.access import ApiKey, ApiKeyCreate, ApiKeyMade, PersonRef
from module_sdk.api.base import Page


class KeyService:
    """What one member may do with the API keys of one tenant."""

    def __init__(self, session: AsyncSession, context: TenantContext) -> None:
        self._session = session
        self._context = context
        self._repository = KeyRepository(session, context.tenant_id)

    async def page(self, cursor: str | None, limit: int) -> Page[ApiKey]:
        """Every key, the newest first."""
        rows = await self._repository.page(decode_cursor(cursor, TimeKey), limit + 1)
        return page_of(rows, limit, lambda row: TimeKey(row.created_at, row.id), _wire)

    async def create(self, body: ApiKeyCreate, maker: KeyMaker) -> ApiKeyMade:
        """Make a key of the caller's own.

        Raises ``PermissionDenied`` for permissions that the caller does not hold or that owners alone hold: a key that
        had those could make an owner, who would outlive it. Raises ``Forbidden`` for an API key: one that it made would
        outlive its revocation.
        """
        if self._context.user_id is None or self._context.api_key_id is not None:
            raise Forbidden("An API key makes no other; sign in to do this.")
        roles = RoleRepository(self._session, self._context.tenant_id)
        await must_be_permissions(roles, body.permissions, "permissions")
        must_hold(self._context, body.permissions)
        if in_person := sorted(await roles.owners_alone() & set(body.permissions)):
            names = ", ".join(in_person)
            detail = f"Owners do this in person, and no API key for them: leave out {names}."
            raise PermissionDenied(detail, extra={"permissions": in_person})
        drawn, key_id = maker.draw(), new_id()
        name, permissions = body.name.strip(), sorted(set(body.permissions))
        row = {
            "id": key_id,
            "user_id": self._context.user_id,
            "name": name,
            "prefix": drawn.prefix,
            "token_hash": drawn.token_hash,
            "permissions": permissions,
            "expires_at": datetime.now(UTC) + timedelta(days=body.expires_in_days),
        }
        await self._repository.insert(row)
        meta: dict[str, MetaValue] = {"name": name, "prefix": drawn.prefix, "permissions": permissions}
        await record(self._session, "api_key.created", f"api_key:{key_id}", meta)
        return ApiKeyMade(api_key=_wire(await self._found(key_id)), secret=drawn.secret)

    async def revoke(self, key_id: UUID) -> None:
        """End a key at once; one that was revoked stays so."""
        found = await self._found(key_id)
        if found.revoked_at is None:
            await self._repository.revoke(key_id)
            meta: dict[str, MetaValue] = {"name": found.name, "prefix": found.prefix, "made_by": found.full_name}
            await record(self._session, "api_key.revoked", f"api_key:{key_id}", meta)

    async def _found(self, key_id: UUID) -> Row[Any]:
        found = await self._repository.key(key_id)
        if found is None:
            raise NotFound
        return found


def _wire(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        permissions=row.permissions,
        made_by=PersonRef(id=row.user_id, full_name=row.full_name),
        status=row.status,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
