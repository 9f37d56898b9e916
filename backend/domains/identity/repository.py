"""Every query on identity tables. Rows are visible to their own person alone; definer functions find who that is."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import column, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.identity.models import CredentialRow, SessionRow, SigningKeyRow, UserRow


class FoundCredentials(NamedTuple):
    """A local account as sign-in finds it, before anyone is known to be its owner."""

    user_id: UUID
    password_hash: str


class FoundSession(NamedTuple):
    """A live session as its token finds it."""

    id: UUID
    user_id: UUID
    expires_at: datetime


class IdentityRepository:
    """Queries of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_credentials(self, address: str) -> FoundCredentials | None:
        """The account of a folded address, in any context."""
        found = func.util.find_credentials(address).table_valued(column("user_id"), column("password_hash"))
        row = (await self._session.execute(select(found.c.user_id, found.c.password_hash))).one_or_none()
        return None if row is None else FoundCredentials(row.user_id, row.password_hash)

    async def find_session(self, token_hash: bytes) -> FoundSession | None:
        """The session of a token, in any context; ``None`` if it has ended or expired."""
        found = text("SELECT id, user_id, expires_at FROM util.find_session(:hash)")
        row = (await self._session.execute(found, {"hash": token_hash})).one_or_none()
        return None if row is None else FoundSession(row.id, row.user_id, row.expires_at)

    async def find_user(self, issuer: str, subject: str) -> UUID | None:
        """The person whom an issuer calls ``subject``, in any context."""
        found: UUID | None = await self._session.scalar(select(func.util.find_user(issuer, subject)))
        return found

    async def user(self, user_id: UUID) -> UserRow | None:
        """The context's own person."""
        return await self._session.scalar(select(UserRow).where(UserRow.id == user_id))

    async def insert_user(self, user_id: UUID, *, issuer: str, subject: str, email: str | None, full_name: str) -> bool:
        """Insert a person; ``False`` if the issuer's subject is known already."""
        statement = (
            upsert(UserRow)
            .values(id=user_id, issuer=issuer, subject=subject, email=email, full_name=full_name)
            .on_conflict_do_nothing(index_elements=["issuer", "subject"])
        )
        return (await self._session.execute(statement.returning(UserRow.id))).scalar() is not None

    async def follow_email(self, user_id: UUID, email: str) -> None:
        """Make ``email`` the address of the context's own person, as their identity provider says."""
        other = (UserRow.id == user_id) & UserRow.email.is_distinct_from(email)
        await self._session.execute(update(UserRow).where(other).values(email=email))

    async def insert_credentials(self, user_id: UUID, address: str, password_hash: str) -> bool:
        """Insert a local account; ``False`` if the address, or one that looks like it, is taken.

        By whom need not be seen in this context.
        """
        statement = (
            upsert(CredentialRow)
            .values(user_id=user_id, email=address, password_hash=password_hash)
            .on_conflict_do_nothing()
        )
        return (await self._session.execute(statement.returning(CredentialRow.user_id))).scalar() is not None

    async def replace_hash(self, user_id: UUID, password_hash: str) -> None:
        """Store a hash of the same password with today's parameters."""
        change = update(CredentialRow).where(CredentialRow.user_id == user_id).values(password_hash=password_hash)
        await self._session.execute(change)

    async def use_session(self, token_hash: bytes, address: str) -> FoundSession | None:
        """The same, noting at most once a minute that and where the session was seen."""
        used = text("SELECT id, user_id, expires_at FROM util.use_session(:hash, :address)")
        row = (await self._session.execute(used, {"hash": token_hash, "address": address})).one_or_none()
        return None if row is None else FoundSession(row.id, row.user_id, row.expires_at)

    async def insert_session(
        self, session_id: UUID, user_id: UUID, token_hash: bytes, expires_at: datetime, *, address: str, user_agent: str
    ) -> None:
        """Insert a session that was opened by ``user_agent`` at ``address``."""
        values = {"id": session_id, "user_id": user_id, "token_hash": token_hash, "expires_at": expires_at}
        await self._session.execute(insert(SessionRow).values(**values, address=address, user_agent=user_agent))

    async def extend_session(self, session_id: UUID, expires_at: datetime) -> bool:
        """Let a session live longer; ``False`` if it has ended meanwhile."""
        live = (SessionRow.id == session_id) & SessionRow.ended_at.is_(None)
        change = update(SessionRow).where(live).values(expires_at=expires_at).returning(SessionRow.id)
        return (await self._session.execute(change)).scalar() is not None

    async def end_session(self, session_id: UUID) -> None:
        """End a session for good."""
        live = (SessionRow.id == session_id) & SessionRow.ended_at.is_(None)
        await self._session.execute(update(SessionRow).where(live).values(ended_at=func.now()))

    async def signing_keys(self, retired_after: datetime) -> list[SigningKeyRow]:
        """Keys in use or retired after ``retired_after``, the newest first."""
        wanted = SigningKeyRow.retired_at.is_(None) | (SigningKeyRow.retired_at > retired_after)
        order = (SigningKeyRow.created_at.desc(), SigningKeyRow.id.desc())
        return list(await self._session.scalars(select(SigningKeyRow).where(wanted).order_by(*order)))
