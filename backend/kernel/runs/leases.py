"""Rows that are runs: whoever holds the lease of one may write it, for as long as the database's clock says.

A lease begins and ends by that clock alone, since a process' own may be off. Its token is a fencing token: whoever lost
the lease can write nothing any more, however late it wakes up.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, MappedSQLExpression, column_property, declared_attr, mapped_column

from backend.kernel.db.orm import FRESH, TenantOwned
from backend.kernel.runs.streams import RunRef

LEASE: Final = timedelta(seconds=10)


class Leased(TenantOwned):
    """Columns of a table of runs. ``last_event_id`` is the number of a run's last event, once it has ended."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    last_event_id: Mapped[int]
    lease_token: Mapped[UUID | None]
    lease_expires_at: Mapped[datetime | None]
    stop_requested_at: Mapped[datetime | None]

    @declared_attr
    @classmethod
    def lease_over(cls) -> MappedSQLExpression[bool | None]:
        """Whether the lease has run out, at the moment when the row is read."""
        return column_property(cls.lease_expires_at < func.now())


Row = TypeVar("Row", bound=Leased)


class Leases(Generic[Row]):
    """The statements of a run's life on ``table``, of whose rows ``running`` says whether they go on.

    Each works in a session of the run's tenant.
    """

    def __init__(self, table: type[Row], running: ColumnElement[bool]) -> None:
        self._table = table
        self._running = running

    async def extend(self, session: AsyncSession, ref: RunRef, token: UUID) -> bool | None:
        """Hold on to a run: whether a stop was asked for, or ``None`` if the lease is lost."""
        statement = (
            self._held(ref, token)
            .values(lease_expires_at=func.now() + LEASE)
            .returning(self._table.stop_requested_at.is_not(None))
        )
        return (await session.execute(statement, **FRESH)).scalar_one_or_none()

    async def request_stop(self, session: AsyncSession, ref: RunRef) -> None:
        """Tell whichever process carries a run out to stop; one that has ended stays as it is."""
        await session.execute(self._one(ref).values(stop_requested_at=func.now()), **FRESH)

    async def finish(self, session: AsyncSession, ref: RunRef, token: UUID, values: Mapping[str, Any]) -> Row | None:
        """End a run; ``None``, and nothing written, if the lease is lost."""
        return await self._end(session, self._held(ref, token), values)

    async def finish_lost(self, session: AsyncSession, ref: RunRef, values: Mapping[str, Any]) -> Row | None:
        """End a run whose lease has run out; ``None`` if somebody else did, or its process came back."""
        return await self._end(session, self._one(ref).where(self._table.lease_expires_at < func.now()), values)

    async def _end(self, session: AsyncSession, statement: Any, values: Mapping[str, Any]) -> Row | None:
        ended = statement.values(lease_token=None, lease_expires_at=None, **values).returning(self._table)
        row: Row | None = (await session.scalars(ended, **FRESH)).one_or_none()
        return row

    def _one(self, ref: RunRef) -> Any:
        table = self._table
        return update(table).where(table.tenant_id == ref.tenant_id, table.id == ref.id, self._running)

    def _held(self, ref: RunRef, token: UUID) -> Any:
        return self._one(ref).where(self._table.lease_token == token)
