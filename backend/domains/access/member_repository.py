"""Every query on members and their roles. The signed context limits each of them to one tenant."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row, delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.access.models import MemberRoleRow, MemberRow
from backend.domains.access.ports import LastOwner
from backend.kernel.errors import PermissionDenied

_LAST_OWNER: Final = "OC001"
_MEMBERS: Final = """
  SELECT m.user_id, m.created_at, p.email, p.full_name, lower(p.full_name) AS sorted_by, (
      SELECT COALESCE(json_agg(json_build_object('key', o.key, 'name', o.name) ORDER BY o.rank, o.key), '[]')
      FROM member_roles r JOIN roles o ON o.tenant_id = r.tenant_id AND o.key = r.role_key
      WHERE r.tenant_id = m.tenant_id AND r.user_id = m.user_id) AS roles,
    ARRAY(SELECT DISTINCT g.permission FROM member_roles r
        JOIN role_permissions g ON g.tenant_id = r.tenant_id AND g.role_key = r.role_key
      WHERE r.tenant_id = m.tenant_id AND r.user_id = m.user_id) AS permissions,
    (SELECT count(*) FROM api_keys k WHERE k.tenant_id = m.tenant_id AND k.user_id = m.user_id) AS keys
  FROM tenant_members m JOIN util.tenant_people() p ON p.user_id = m.user_id
  WHERE m.tenant_id = :tenant_id"""
_ONE: Final = text(f"{_MEMBERS} AND m.user_id = :user_id")
_FIRST: Final = text(f"{_MEMBERS} ORDER BY lower(p.full_name), m.user_id LIMIT :limit")
_AFTER: Final = text(
    f"{_MEMBERS} AND (lower(p.full_name), m.user_id) > (:name, :user_id) "
    "ORDER BY lower(p.full_name), m.user_id LIMIT :limit"
)


class NameKey(NamedTuple):
    """Sort key of members: the name in lower case, and the id where two are equal."""

    name: str
    id: UUID


@contextmanager
def _owner_kept() -> Iterator[None]:
    """Turns the refusal of ``util.keep_an_owner`` into ``LastOwner``."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LAST_OWNER:
            raise
        raise LastOwner from None


class MemberRepository:
    """Queries of one transaction."""

    def __init__(self, session: AsyncSession, tenant_id: UUID) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def page(self, after: NameKey | None, limit: int) -> Sequence[Row[Any]]:
        """By name."""
        values = {"tenant_id": self._tenant_id, "limit": limit}
        if after is None:
            return (await self._session.execute(_FIRST, values)).all()
        return (await self._session.execute(_AFTER, {**values, "name": after.name, "user_id": after.id})).all()

    async def member(self, user_id: UUID) -> Row[Any] | None:
        """One member with roles, permissions and the number of API keys."""
        values = {"tenant_id": self._tenant_id, "user_id": user_id}
        return (await self._session.execute(_ONE, values)).one_or_none()

    async def give(self, user_id: UUID, roles: Collection[str]) -> None:
        """Give roles; those that the member has stay."""
        rows = [{"tenant_id": self._tenant_id, "user_id": user_id, "role_key": key} for key in roles]
        if rows:
            await self._session.execute(insert(MemberRoleRow).on_conflict_do_nothing(), rows)

    async def take(self, user_id: UUID, roles: Collection[str]) -> None:
        """Take roles that the member has; raises ``LastOwner``, ``PermissionDenied`` if the policies keep one."""
        gone = delete(MemberRoleRow).where(
            MemberRoleRow.tenant_id == self._tenant_id,
            MemberRoleRow.user_id == user_id,
            MemberRoleRow.role_key.in_(roles),
        )
        if not roles:
            return
        with _owner_kept():
            taken = await self._session.scalars(gone.returning(MemberRoleRow.role_key))
        if set(taken) != set(roles):
            raise PermissionDenied

    async def delete(self, user_id: UUID) -> None:
        """End a membership, and with it roles and API keys; raises as :meth:`take` does."""
        gone = delete(MemberRow).where(MemberRow.tenant_id == self._tenant_id, MemberRow.user_id == user_id)
        with _owner_kept():
            found = await self._session.scalar(gone.returning(MemberRow.user_id))
        if found is None:
            raise PermissionDenied
