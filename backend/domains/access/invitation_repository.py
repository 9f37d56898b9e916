"""Every query on invitations. The signed context limits each of them to one tenant, but for whoever has the token."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row, delete, insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.access.models import InvitationRoleRow, InvitationRow
from backend.kernel.http.paging import TimeKey

# The order of ids is that of creation.
_INVITATIONS: Final = """
  SELECT i.id, i.email, i.token_hash, i.created_at, i.expires_at, i.expires_at <= now() AS expired, i.invited_by,
    p.full_name AS inviter, (
      SELECT json_agg(json_build_object('key', o.key, 'name', o.name) ORDER BY o.rank, o.key)
      FROM invitation_roles r JOIN roles o ON o.tenant_id = r.tenant_id AND o.key = r.role_key
      WHERE r.tenant_id = i.tenant_id AND r.invitation_id = i.id) AS roles
  FROM invitations i LEFT JOIN util.tenant_people() p ON p.user_id = i.invited_by
  WHERE i.tenant_id = :tenant_id"""
_ONE: Final = text(f"{_INVITATIONS} AND i.id = :id")
_TO: Final = text(f"{_INVITATIONS} AND i.email = :email")
_FIRST: Final = text(f"{_INVITATIONS} ORDER BY i.created_at DESC, i.id DESC LIMIT :limit")
_AFTER: Final = text(
    f"{_INVITATIONS} AND (i.created_at, i.id) < (:at, :id) ORDER BY i.created_at DESC, i.id DESC LIMIT :limit"
)
_IS_MEMBER: Final = text(
    "SELECT EXISTS (SELECT FROM util.tenant_people() p "
    "WHERE normalize(lower(normalize(btrim(p.email), NFC)), NFC) = :email)"
)
_SEATS: Final = text(
    "SELECT t.members_max AS allowed, "
    "(SELECT count(*) FROM tenant_members m WHERE m.tenant_id = t.id) + "
    "(SELECT count(*) FROM invitations i WHERE i.tenant_id = t.id AND i.expires_at > now()) AS used "
    "FROM tenants t WHERE t.id = :tenant_id"
)
_FIND: Final = text("SELECT * FROM util.find_invitation(:hash)")
_TAKEN: Final = text("SELECT util.taken_invitation(:hash)")
_ACCEPT: Final = text("SELECT * FROM util.accept_invitation(:hash)")


class Seats(NamedTuple):
    """Places of a tenant: allowed, and taken by members and open invitations."""

    allowed: int
    used: int


class InvitationRepository:
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

    async def invitation(self, invitation_id: UUID) -> Row[Any] | None:
        """One invitation."""
        values = {"tenant_id": self._tenant_id, "id": invitation_id}
        return (await self._session.execute(_ONE, values)).one_or_none()

    async def invitation_to(self, email: str) -> Row[Any] | None:
        """The invitation to a folded address."""
        values = {"tenant_id": self._tenant_id, "email": email}
        return (await self._session.execute(_TO, values)).one_or_none()

    async def is_member(self, email: str) -> bool:
        """Whether a member has this folded address."""
        return bool(await self._session.scalar(_IS_MEMBER, {"email": email}))

    async def seats(self) -> Seats:
        """How many places there are, and how many are taken."""
        row = (await self._session.execute(_SEATS, {"tenant_id": self._tenant_id})).one()
        return Seats(row.allowed, row.used)

    async def insert(self, row: Mapping[str, Any], roles: Sequence[str]) -> None:
        """A new invitation with its roles."""
        await self._session.execute(insert(InvitationRow).values(tenant_id=self._tenant_id, **row))
        given = [{"tenant_id": self._tenant_id, "invitation_id": row["id"], "role_key": key} for key in roles]
        await self._session.execute(insert(InvitationRoleRow), given)

    async def renew(self, invitation_id: UUID, token_hash: bytes, expires_at: datetime) -> bool:
        """Another token and another end; whether there was something to renew."""
        statement = update(InvitationRow).where(*self._is(invitation_id))
        renewed = statement.values(token_hash=token_hash, expires_at=expires_at).returning(InvitationRow.id)
        return await self._session.scalar(renewed) is not None

    async def delete(self, invitation_id: UUID) -> bool:
        """Whether there was something to delete."""
        statement = delete(InvitationRow).where(*self._is(invitation_id)).returning(InvitationRow.id)
        return await self._session.scalar(statement) is not None

    def _is(self, invitation_id: UUID) -> tuple[Any, Any]:
        return InvitationRow.tenant_id == self._tenant_id, InvitationRow.id == invitation_id


async def find_invitation(session: AsyncSession, token_hash: bytes) -> Row[Any] | None:
    """What the holder of a live token may know, in any context."""
    return (await session.execute(_FIND, {"hash": token_hash})).one_or_none()


async def taken_invitation(session: AsyncSession, token_hash: bytes) -> UUID | None:
    """The tenant that the context's person joined by this invitation and still belongs to."""
    found: UUID | None = await session.scalar(_TAKEN, {"hash": token_hash})
    return found


async def accept_invitation(session: AsyncSession, token_hash: bytes) -> Row[Any]:
    """Take an invitation for the context's person; see ``util.accept_invitation``."""
    return (await session.execute(_ACCEPT, {"hash": token_hash})).one()
