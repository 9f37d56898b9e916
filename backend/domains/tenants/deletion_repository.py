"""Every query on deletions of companies and on the receipts that they leave."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Interval, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.tenants.models import DeletionRow, ReceiptRow, TenantRow


class DeletionRepository:
    """Queries of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def slug(self, tenant_id: UUID) -> str | None:
        """The tenant's short name."""
        return await self._session.scalar(select(TenantRow.slug).where(TenantRow.id == tenant_id))

    async def insert(self, tenant_id: UUID, user_id: UUID, grace: timedelta) -> DeletionRow | None:
        """Ask for the deletion; ``None`` if somebody did before."""
        erase_after = func.now() + bindparam("grace", grace, type_=Interval())
        values = {"tenant_id": tenant_id, "requested_by": user_id, "erase_after": erase_after}
        return await self._session.scalar(
            upsert(DeletionRow).values(values).on_conflict_do_nothing().returning(DeletionRow)
        )

    async def deletion(self, tenant_id: UUID) -> DeletionRow | None:
        """The deletion that was asked for."""
        return await self._session.scalar(select(DeletionRow).where(DeletionRow.tenant_id == tenant_id))

    async def delete(self, tenant_id: UUID) -> bool:
        """Call the deletion off; ``False`` if there is none."""
        statement = delete(DeletionRow).where(DeletionRow.tenant_id == tenant_id).returning(DeletionRow.tenant_id)
        return (await self._session.execute(statement)).scalar() is not None

    async def due(self) -> Sequence[UUID]:
        """Tenants to erase now, the longest waiting first, a hundred at most."""
        return (await self._session.scalars(text("SELECT util.due_erasures()"))).all()

    async def erase(self, tenant_id: UUID, receipt_id: UUID) -> bool:
        """Erase the context's tenant and leave a receipt; ``False`` if it is not due, or was erased meanwhile."""
        query = text("SELECT util.erase_tenant(:tenant_id, :receipt_id)")
        values = {"tenant_id": tenant_id, "receipt_id": receipt_id}
        return bool((await self._session.execute(query, values)).scalar_one())

    async def receipts(self, user_id: UUID, limit: int, before: UUID | None) -> Sequence[ReceiptRow]:
        """A person's receipts, newest first."""
        query = select(ReceiptRow).where(ReceiptRow.user_id == user_id)
        if before is not None:
            query = query.where(ReceiptRow.id < before)
        return (await self._session.scalars(query.order_by(ReceiptRow.id.desc()).limit(limit))).all()
