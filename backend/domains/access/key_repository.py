"""Every query on API keys. The signed context limits each of them to one tenant."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.access.models import ApiKeyRow
from backend.kernel.errors import PermissionDenied
from backend.kernel.http.paging import TimeKey

_KEYS: Final = """
  SELECT k.id, k.name, k.prefix, k.user_id, p.full_name, k.created_at, k.expires_at, k.last_used_at, k.revoked_at,
    k.permissions,
    CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= now() THEN 'expired' ELSE 'active' END
      AS status
  FROM api_keys k JOIN util.tenant_people() p ON p.user_id = k.user_id
  WHERE k.tenant_id = :tenant_id"""
_ONE: Final = text(f"{_KEYS} AND k.id = :id")
_FIRST: Final = text(f"{_KEYS} ORDER BY k.created_at DESC, k.id DESC LIMIT :limit")
_AFTER: Final = text(
    f"{_KEYS} AND (k.created_at, k.id) < (:at, :id) ORDER BY k.created_at DESC, k.id DESC LIMIT :limit"
)


class KeyRepository:
    """Queries of one transaction."""

    def __init__(self, session: AsyncSession, tenant_id: UUID) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def page(self, after: TimeKey | None, limit: int) -> Sequence[Row[Any]]:
        """The newest first."""
        values = {"tenant_id": self._tenant_id, "limit": limit}
        if after is None:
            return (await self._session.execute(_FIRST, values)).all()
        return (await self._session.execute(_AFTER, {**values, "at": after.at, "id": after.id})).all()

    async def key(self, key_id: UUID) -> Row[Any] | None:
        """One key."""
        return (await self._session.execute(_ONE, {"tenant_id": self._tenant_id, "id": key_id})).one_or_none()

    async def insert(self, row: Mapping[str, Any]) -> None:
        """A new key."""
        await self._session.execute(insert(ApiKeyRow).values(tenant_id=self._tenant_id, **row))

    async def revoke(self, key_id: UUID) -> None:
        """End a key that is not revoked; raises ``PermissionDenied`` if the policies keep it."""
        is_key = (ApiKeyRow.tenant_id == self._tenant_id, ApiKeyRow.id == key_id)
        revoked = update(ApiKeyRow).where(*is_key).values(revoked_at=func.now()).returning(ApiKeyRow.id)
        if await self._session.scalar(revoked) is None:
            raise PermissionDenied
