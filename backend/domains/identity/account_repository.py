"""Every query on a person's own account beside those of signing in. Rows are visible to their own person alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Interval, Row, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.identity.models import AccountLinkRow, CredentialRow, SessionRow, UserRow
from backend.kernel.db.orm import new_id

_FIND: Final = text("SELECT id, user_id, email FROM util.find_account_link(:hash, :purpose)")
_HOLDINGS: Final = text("SELECT * FROM util.my_holdings()")
_PROVEN: Final = text("SELECT util.address_is_proven(:person)")


class FoundLink(NamedTuple):
    """A live link as its token finds it."""

    id: UUID
    user_id: UUID
    email: str | None


class Holding(NamedTuple):
    """A company of the person's, and what depends on them there."""

    tenant_id: UUID
    name: str
    slug: str
    members: int
    only_owner: bool
    erase_after: datetime | None


class AccountRepository:
    """Queries of one transaction, in the person's own context unless said otherwise."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def put_link(
        self, user_id: UUID, purpose: str, token_hash: bytes, email: str | None, life: timedelta
    ) -> None:
        """A new link, in place of the person's last one of this purpose."""
        values = {"token_hash": token_hash, "email": email, "expires_at": func.now() + _interval(life)}
        statement = upsert(AccountLinkRow).values(id=new_id(), user_id=user_id, purpose=purpose, **values)
        replaced = {**values, "used_at": None}
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=["user_id", "purpose"], set_=replaced)
        )

    async def find_link(self, token_hash: bytes, purpose: str) -> FoundLink | None:
        """The live link of a token, in any context."""
        row = (await self._session.execute(_FIND, {"hash": token_hash, "purpose": purpose})).one_or_none()
        return None if row is None else FoundLink(row.id, row.user_id, row.email)

    async def use_link(self, link_id: UUID, token_hash: bytes) -> bool:
        """Use a link up; ``False`` if it was used, replaced or ran out meanwhile."""
        live = (AccountLinkRow.id == link_id, AccountLinkRow.token_hash == token_hash)
        fresh = (AccountLinkRow.used_at.is_(None), AccountLinkRow.expires_at > func.now())
        change = update(AccountLinkRow).where(*live, *fresh).values(used_at=func.now())
        return (await self._session.execute(change.returning(AccountLinkRow.id))).scalar() is not None

    async def use_up_links(self, user_id: UUID, *purposes: str) -> None:
        """No link of these purposes is good any more."""
        mine = (AccountLinkRow.user_id == user_id, AccountLinkRow.purpose.in_(purposes))
        await self._session.execute(update(AccountLinkRow).where(*mine).values(used_at=func.now()))

    async def password_hash(self, user_id: UUID) -> str | None:
        """The stored hash, ``None`` for whoever has no local account."""
        return await self._session.scalar(select(CredentialRow.password_hash).where(CredentialRow.user_id == user_id))

    async def rename(self, user_id: UUID, full_name: str) -> None:
        """Another name."""
        await self._session.execute(update(UserRow).where(UserRow.id == user_id).values(full_name=full_name))

    async def put_address(self, user_id: UUID, email: str, folded: str, *, proven: bool) -> bool:
        """Another address, or the proof of the present one; ``False``, and nothing changed, if somebody else has it."""
        values = {"email": email, "confirmed_email": email if proven else None}
        try:
            async with self._session.begin_nested():
                await self._session.execute(
                    update(CredentialRow).where(CredentialRow.user_id == user_id).values(email=folded)
                )
                await self._session.execute(update(UserRow).where(UserRow.id == user_id).values(**values))
        except IntegrityError:
            return False
        return True

    async def address_is_proven(self, user_id: UUID) -> bool:
        """Whether an address was proven: of the context's person, or of a member of its company."""
        return bool(await self._session.scalar(_PROVEN, {"person": user_id}))

    async def sessions(self, user_id: UUID) -> Sequence[SessionRow]:
        """Where the person is signed in, last seen first."""
        query = select(SessionRow).where(SessionRow.user_id == user_id, *_live())
        return (await self._session.scalars(query.order_by(SessionRow.last_seen_at.desc(), SessionRow.id))).all()

    async def end_sessions(self, user_id: UUID, *, only: UUID | None = None, but: UUID | None = None) -> Sequence[UUID]:
        """End all the person's sessions, ``only`` one of them, or all ``but`` one; gives those that were ended."""
        wanted = [SessionRow.user_id == user_id, *_live()]
        wanted += [SessionRow.id == only] if only is not None else []
        wanted += [SessionRow.id != but] if but is not None else []
        change = update(SessionRow).where(*wanted).values(ended_at=func.now()).returning(SessionRow.id)
        return (await self._session.scalars(change)).all()

    async def holdings(self) -> list[Holding]:
        """The person's companies, oldest first."""
        rows: Sequence[Row[Any]] = (await self._session.execute(_HOLDINGS)).all()
        return [
            Holding(row.tenant_id, row.name, row.slug, row.members, row.only_owner, row.erase_after) for row in rows
        ]

    async def close(self) -> bool:
        """End the account; ``False``, and nothing done, while the person belongs to a company that goes on."""
        return bool((await self._session.execute(text("SELECT util.close_account()"))).scalar_one())


def _live() -> tuple[Any, ...]:
    return SessionRow.ended_at.is_(None), SessionRow.expires_at > func.now()


def _interval(life: timedelta) -> Any:
    return bindparam("life", life, type_=Interval())
